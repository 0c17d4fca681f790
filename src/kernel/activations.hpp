// Activations and their slopes on strips: rows × whole vectors of a batch buffer, still warm in the cache.
// The same names and formulas as method/functions.py.
#pragma once
#include "elementary.hpp"
#include "kernel.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Whether the matrix product applies it itself, in registers.
SCHUSS_INLINE bool in_registers(Activation a) { return a == Activation::identity || a == Activation::relu; }

template <class T> SCHUSS_INLINE Vec<T> relu(Vec<T> x) {
  return at_least(x, Vec<T>{});  // NaN passes through and is noticed
}

template <class T, class F> SCHUSS_INLINE void over_strip(T *y, long stride, int rows, int vectors, F f) {
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) f(y + r * stride + v * lanes<T>, r * stride + v * lanes<T>);
}

// The functions that follow take K vectors x at once, as those of elementary.hpp do, and most give slopes as well.
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
constexpr int at_once = 8;  // there are registers for so many
#else
constexpr int at_once = 4;
#endif

// x, slope ← f(x) of R rows, V vectors of each at a time, then V/2 of each …
template <class T, int R, int V, class F>
SCHUSS_INLINE void along(T *y, T *slope, long stride, int vectors, F f) {
  constexpr int K = R * V;
  for (; vectors >= V; vectors -= V, y += V * lanes<T>) {
    Vec<T> x[K], s[K];
    SCHUSS_EACH x[i] = load<T>(y + i / V * stride + i % V * lanes<T>);
    f(x, s);
    SCHUSS_EACH store<T>(y + i / V * stride + i % V * lanes<T>, x[i]);
    if (!slope) continue;
    SCHUSS_EACH store<T>(slope + i / V * stride + i % V * lanes<T>, s[i]);
    slope += V * lanes<T>;
  }
  if constexpr (V > 1) along<T, R, V / 2>(y, slope, stride, vectors, f);
}

// The same of every row, by twos: a tile of a product has few vectors in a row.
template <class T, class F> SCHUSS_INLINE void over_rows(T *y, T *slope, long stride, int rows, int vectors, F f) {
  int r = 0;
  for (; r + 2 <= rows; r += 2)
    along<T, 2, at_once / 2>(y + r * stride, slope ? slope + r * stride : nullptr, stride, vectors, f);
  if (r < rows) along<T, 1, at_once>(y + r * stride, slope ? slope + r * stride : nullptr, stride, vectors, f);
}

// ½·(1 + tanh u) is the logistic function of 2·u, which needs neither a sign nor a difference: s = 1/(1+e) with
// e = exp(−2·u) and 2·u = a·x + b·x³. Beyond ±limit s is 0 or 1 to within rounding.
template <class T, int K> SCHUSS_INLINE void gelu(Vec<T> (&x)[K], Vec<T> (&slope)[K]) {
  constexpr double root = 2 * 0.79788456080286535588;  // 2·√(2/π)
  const Vec<T> a = all<T>(T(root)), b = all<T>(T(root * 0.044715)), limit = all<T>(Constants<T>::tanh_high);
  Vec<T> square[K], e[K], s[K];
  SCHUSS_EACH x[i] = at_least(x[i], -limit);
  SCHUSS_EACH e[i] = at_most(x[i], limit);
  SCHUSS_EACH square[i] = e[i] * e[i];
  SCHUSS_EACH e[i] = -e[i] * fma(b, square[i], a);
  exp_within<T>(e);
  SCHUSS_EACH s[i] = T(1) / (e[i] + T(1));
  SCHUSS_EACH x[i] = x[i] * s[i];
  // s + x·s·(1−s)·(a + 3·b·x²)
  SCHUSS_EACH slope[i] = fma(x[i], (e[i] * s[i]) * fma(T(3) * b, square[i], a), s[i]);
}

template <class T, int K> SCHUSS_INLINE void silu(Vec<T> (&x)[K], Vec<T> (&slope)[K]) {
  Vec<T> gate[K];
  SCHUSS_EACH gate[i] = x[i];
  logistic<T>(gate);
  SCHUSS_EACH slope[i] = gate[i] * (T(1) + x[i] * (T(1) - gate[i]));
  SCHUSS_EACH x[i] = x[i] * gate[i];
}

template <class T, int K> SCHUSS_INLINE void softplus(Vec<T> (&x)[K], Vec<T> (&slope)[K]) {
  Vec<T> e[K];
  SCHUSS_EACH slope[i] = x[i];
  logistic<T>(slope, e);
  SCHUSS_EACH x[i] = softplus<T>(x[i], e[i]);
}

template <class T, int K> SCHUSS_INLINE void elu(Vec<T> (&x)[K]) {
  Vec<T> e[K];
  SCHUSS_EACH e[i] = x[i];
  expm1<T>(e);
  SCHUSS_EACH x[i] = pick<T>(x[i] > all<T>(T(0)), x[i], e[i]);
}

// Replace net inputs by outputs; `slope` is written where stores_slope says so.
template <class T>
SCHUSS_ONE_FUNCTION void activate(Activation a, T *y, T *slope, long stride, int rows, int vectors) {
  T *const none = nullptr;
  switch (a) {
    case Activation::logistic:
      return over_rows(y, none, stride, rows, vectors, [](auto &x, auto &) { logistic<T>(x); });
    case Activation::tanh: return over_rows(y, none, stride, rows, vectors, [](auto &x, auto &) { tanh<T>(x); });
    case Activation::exp: return over_rows(y, none, stride, rows, vectors, [](auto &x, auto &) { exp<T>(x); });
    case Activation::elu: return over_rows(y, none, stride, rows, vectors, [](auto &x, auto &) { elu<T>(x); });
    case Activation::softplus:
      return over_rows(y, slope, stride, rows, vectors, [](auto &x, auto &s) { softplus<T>(x, s); });
    case Activation::silu: return over_rows(y, slope, stride, rows, vectors, [](auto &x, auto &s) { silu<T>(x, s); });
    case Activation::gelu: return over_rows(y, slope, stride, rows, vectors, [](auto &x, auto &s) { gelu<T>(x, s); });
    case Activation::leaky_relu:
      return over_strip(y, stride, rows, vectors, [](T *p, long) {
        Vec<T> x = load<T>(p);
        store<T>(p, pick<T>(x > all<T>(T(0)), x, T(0.01) * x));
      });
    case Activation::relu:
      return over_strip(y, stride, rows, vectors, [](T *p, long) { store<T>(p, relu<T>(load<T>(p))); });
    default: return;
  }
}

// Dropout stores the slope of a layer, mask included, whatever the activation; this is one that reads it.
constexpr Activation stored_slope = Activation::gelu;
static_assert(stores_slope[int(stored_slope)], "it must not work its slope out from y");

// dy/dx from y, or from place i of the stored slopes: there are none, and no place, of activations that need none.
template <class T> SCHUSS_INLINE Vec<T> slope_at(Activation a, Vec<T> y, const T *slope = nullptr, long i = 0) {
  const Vec<T> one = all<T>(T(1)), zero = all<T>(T(0));
  switch (a) {
    case Activation::logistic: return y * (one - y);
    case Activation::tanh: return one - y * y;
    case Activation::relu: return pick<T>(y > zero, one, zero);
    case Activation::leaky_relu: return pick<T>(y > zero, one, all<T>(T(0.01)));
    case Activation::elu: return pick<T>(y > zero, one, y + one);
    case Activation::exp: return y;
    case Activation::softplus:
    case Activation::silu:
    case Activation::gelu: return load<T>(slope + i);
    default: return one;
  }
}

// delta ← slope · delta, for those that the matrix product does not multiply in registers
template <class T, Activation a> void times_slope_of(T *delta, const T *y, long stride, int rows, int vectors) {
  over_strip(delta, stride, rows, vectors,
             [=](T *p, long i) { store<T>(p, slope_at<T>(a, load<T>(y + i)) * load<T>(p)); });
}

template <class T>
SCHUSS_ONE_FUNCTION void times_slope(Activation a, T *delta, const T *y, long stride, int rows, int vectors) {
  switch (a) {
    case Activation::logistic: return times_slope_of<T, Activation::logistic>(delta, y, stride, rows, vectors);
    case Activation::leaky_relu: return times_slope_of<T, Activation::leaky_relu>(delta, y, stride, rows, vectors);
    case Activation::elu: return times_slope_of<T, Activation::elu>(delta, y, stride, rows, vectors);
    default: return;
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

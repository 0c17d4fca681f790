// Activations and their slopes on strips: rows × whole vectors of a batch buffer, still warm in the cache.
// The same names and formulas as method/functions.py.
#pragma once
#include "elementary.hpp"
#include "kernel.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Whether dy/dx follows from y; where it does not, the forward pass stores it.
SCHUSS_INLINE bool slope_from_output(Activation a) {
  return a != Activation::softplus && a != Activation::silu && a != Activation::gelu;
}
// Whether the matrix product applies it itself, in registers.
SCHUSS_INLINE bool in_registers(Activation a) { return a == Activation::identity || a == Activation::relu; }

template <class T> SCHUSS_INLINE Vec<T> relu(Vec<T> x) {
  return pick<T>(x < all<T>(T(0)), all<T>(T(0)), x);  // NaN passes through and is noticed
}

template <class T, class F> SCHUSS_INLINE void over_strip(T *y, long stride, int rows, int vectors, F f) {
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) f(y + r * stride + v * lanes<T>, r * stride + v * lanes<T>);
}

template <class T, int K> SCHUSS_INLINE int tanh_along(T *y, int v, int vectors) {
  for (; v + K <= vectors; v += K) {
    Vec<T> x[K];
#pragma GCC unroll 8
    for (int i = 0; i < K; i++) x[i] = load<T>(y + (v + i) * lanes<T>);
    tanh_together<T, K>(x);
#pragma GCC unroll 8
    for (int i = 0; i < K; i++) store<T>(y + (v + i) * lanes<T>, x[i]);
  }
  return v;
}

template <class T> SCHUSS_INLINE void tanh_strip(T *y, long stride, int rows, int vectors) {
  for (; rows > 0; rows--, y += stride) {
    int v = 0;
#if SCHUSS_BYTES == 64 || defined(__aarch64__)  // registers for so many
    v = tanh_along<T, 8>(y, v, vectors);
#endif
    v = tanh_along<T, 4>(y, v, vectors);
    v = tanh_along<T, 2>(y, v, vectors);
    tanh_along<T, 1>(y, v, vectors);
  }
}

// ½·(1 + tanh u) is the logistic function of 2·u, which needs neither a sign nor a difference: s = 1/(1+e) with
// e = exp(−2·u) and 2·u = a·x + b·x³. Beyond ±limit s is 0 or 1 to within rounding.
template <class T> SCHUSS_INLINE void gelu_at(T *y, T *slope) {
  constexpr double root = 2 * 0.79788456080286535588;  // 2·√(2/π)
  const Vec<T> a = all<T>(T(root)), b = all<T>(T(root * 0.044715)), limit = all<T>(Constants<T>::tanh_high);
  const Vec<T> x = at_least(load<T>(y), -limit), c = at_most(x, limit), square = c * c;
  const Vec<T> e = exp_within<T>(-c * fma(b, square, a)), s = T(1) / (e + T(1)), value = x * s;
  store<T>(y, value);
  store<T>(slope, fma(value, (e * s) * fma(T(3) * b, square, a), s));  // s + x·s·(1−s)·(a + 3·b·x²)
}

// Replace net inputs by outputs; `slope` is written where slope_from_output says no.
template <class T>
__attribute__((noinline)) void activate(Activation a, T *y, T *slope, long stride, int rows, int vectors) {
  switch (a) {
    case Activation::logistic:
      return over_strip(y, stride, rows, vectors, [](T *p, long) { store<T>(p, logistic<T>(load<T>(p))); });
    case Activation::tanh: return tanh_strip(y, stride, rows, vectors);
    case Activation::exp:
      return over_strip(y, stride, rows, vectors, [](T *p, long) { store<T>(p, exp<T>(load<T>(p))); });
    case Activation::leaky_relu:
      return over_strip(y, stride, rows, vectors, [](T *p, long) {
        Vec<T> x = load<T>(p);
        store<T>(p, pick<T>(x > all<T>(T(0)), x, T(0.01) * x));
      });
    case Activation::elu:
      return over_strip(y, stride, rows, vectors, [](T *p, long) {
        Vec<T> x = load<T>(p);
        store<T>(p, pick<T>(x > all<T>(T(0)), x, expm1<T>(x)));
      });
    case Activation::softplus:
      return over_strip(y, stride, rows, vectors, [=](T *p, long i) {
        Vec<T> x = load<T>(p);
        store<T>(slope + i, logistic<T>(x));
        store<T>(p, softplus<T>(x));
      });
    case Activation::silu:
      return over_strip(y, stride, rows, vectors, [=](T *p, long i) {
        Vec<T> x = load<T>(p), gate = logistic<T>(x);
        store<T>(slope + i, gate * (T(1) + x * (T(1) - gate)));
        store<T>(p, x * gate);
      });
    case Activation::gelu:
      return over_strip(y, stride, rows, vectors, [=](T *p, long i) { gelu_at<T>(p, slope + i); });
    case Activation::relu:
      return over_strip(y, stride, rows, vectors, [](T *p, long) { store<T>(p, relu<T>(load<T>(p))); });
    default: return;
  }
}

// Dropout stores the slope of a layer, mask included, whatever the activation; this is one that reads it.
constexpr Activation stored_slope = Activation::gelu;

// dy/dx from y (or from the stored slope s)
template <class T> SCHUSS_INLINE Vec<T> slope_at(Activation a, Vec<T> y, const T *s) {
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
    case Activation::gelu: return load<T>(s);
    default: return one;
  }
}

// delta ← slope · delta, for those that the matrix product does not multiply in registers
template <class T, Activation a>
void times_slope_of(T *delta, const T *y, const T *slope, long stride, int rows, int vectors) {
  over_strip(delta, stride, rows, vectors,
             [=](T *p, long i) { store<T>(p, slope_at<T>(a, load<T>(y + i), slope + i) * load<T>(p)); });
}

template <class T>
__attribute__((noinline)) void times_slope(Activation a, T *delta, const T *y, const T *slope, long stride,
                                           int rows, int vectors) {
  switch (a) {
    case Activation::logistic: return times_slope_of<T, Activation::logistic>(delta, y, slope, stride, rows, vectors);
    case Activation::leaky_relu:
      return times_slope_of<T, Activation::leaky_relu>(delta, y, slope, stride, rows, vectors);
    case Activation::elu: return times_slope_of<T, Activation::elu>(delta, y, slope, stride, rows, vectors);
    default: return;
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Second derivatives, and how the error signals of the output layer move with its net inputs: the formulas and
// names of method/second_derivatives.py. R{·} is the derivative along the direction in which the weights move.
#pragma once
#include "losses.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// gelu_at writes x·s with the gate s of a·x + b·x³; this is s·(1−s)·(2·u′ + x·(u″ + u′²·(1−2·s))) of it.
template <class T> SCHUSS_INLINE Vec<T> gelu_bend(Vec<T> x) {
  constexpr double root = 2 * 0.79788456080286535588;  // 2·√(2/π)
  const Vec<T> a = all<T>(T(root)), b = all<T>(T(root * 0.044715)), limit = all<T>(Constants<T>::tanh_high);
  const Vec<T> c = at_most(at_least(x, -limit), limit), square = c * c;
  const Vec<T> e = exp_within<T>(-c * fma(b, square, a)), s = T(1) / (e + T(1)), rest = e * s;
  const Vec<T> first = fma(T(3) * b, square, a), second = T(6) * b * c;
  return s * rest * (T(2) * first + c * (second + first * first * (rest - s)));
}

// d²y/dx² from x and y
template <class T> SCHUSS_INLINE Vec<T> bend_of(Activation a, Vec<T> x, Vec<T> y) {
  const Vec<T> one = all<T>(T(1)), zero = all<T>(T(0));
  switch (a) {
    case Activation::logistic: return y * (one - y) * (one - T(2) * y);
    case Activation::tanh: return T(-2) * y * (one - y * y);
    case Activation::elu: return pick<T>(x > zero, zero, y + one);
    case Activation::softplus: {
      const Vec<T> gate = logistic<T>(x);
      return gate * (one - gate);
    }
    case Activation::silu: {
      const Vec<T> gate = logistic<T>(x);
      return gate * (one - gate) * (T(2) + x * (one - T(2) * gate));
    }
    case Activation::gelu: return gelu_bend<T>(x);
    case Activation::exp: return y;
    default: return zero;
  }
}

// −∂²E/∂y² of one output, for the losses that are free in their activation
template <class T> SCHUSS_INLINE Vec<T> error_slope_of(Loss loss, T q, int n, Vec<T> y, Vec<T> t) {
  const Vec<T> none = {}, one = all<T>(T(1));
  switch (loss) {
    case Loss::squared_error: return -one;
    case Loss::mean_squared_error: return -one * (T(2) / T(n));
    case Loss::huber: return pick<T>(absolute<T>(t - y) <= all<T>(q), -one, none);
    default: return none;
  }
}

// What the passes below find on two sides: `s` has y, t and δ of some samples, `m` has R{x} for y, x itself for t,
// and gets R{δ}; whatever else was there is lost.

// R{log y_j} = R{x_j} − Σ_k y_k·R{x_k} of softmax, in place of R{x_j}.
template <class T> SCHUSS_INLINE void moved_logs(const Side<T> &s, const Side<T> &m) {
  Vec<T> shared = {};
  for (int j = 0; j < s.n; j++) shared = shared + at(s.y, j) * at(m.y, j);
  for (int j = 0; j < s.n; j++) put(m.y, j, at(m.y, j) - shared);
}

template <class T> void moved_cross_entropy(const Side<T> &s, const Side<T> &m) {
  const Side<T> again = {s.n, s.y, s.t, s.slope, s.slope, s.parameter};  // δ is to stay
  for (int j = 0; j < s.n; j++) put(s.y, j, at(m.t, j));
  softmax(again);
  moved_logs(s, m);
  for (int j = 0; j < s.n; j++) put(m.delta, j, -(at(s.y, j) * at(m.y, j)));
}

// Of δ_j = p_j − y_j·Σ_k p_k: R{p_j} = −t·γ·y·r^(γ−1)·(2 + L + (γ−1)·y·q)·R{L_j}, L = log y, r = 1 − y, q = −L/r.
template <class T> void moved_focal(const Side<T> &s, const Side<T> &m) {
  const Side<T> again = {s.n, s.y, s.t, s.slope, s.slope, s.parameter};
  for (int j = 0; j < s.n; j++) put(s.y, j, at(m.t, j));
  const Vec<T> sum = exponentials(again), log_sum = log<T>(sum), one = all<T>(T(1)), zero = {};
  for (int j = 0; j < s.n; j++) put(s.y, j, at(s.y, j) / sum);
  moved_logs(s, m);
  Vec<T> pushes = {}, moved_pushes = {};
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j), log_y = at(s.slope, j) - log_sum, gamma = all<T>(s.parameter[j]);
    const Vec<T> rest = -expm1<T>(log_y), log_rest = log<T>(rest);
    const Ints<T> inside = rest > zero;
    const Vec<T> ratio = pick<T>(inside, -log_y / pick<T>(inside, rest, one), one);
    const Vec<T> fade = pick<T>(inside, exp<T>((gamma - one) * log_rest), zero);
    const Vec<T> inner = T(2) + log_y + (gamma - one) * y * ratio;
    const Vec<T> moved_push = -(at(s.t, j) * gamma * y * fade * inner * at(m.y, j));
    pushes = pushes + at(s.t, j) * exp<T>(gamma * log_rest) * (one + gamma * y * ratio);
    moved_pushes = moved_pushes + moved_push;
    put(m.delta, j, moved_push);
  }
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j);
    put(m.delta, j, at(m.delta, j) - y * at(m.y, j) * pushes - y * moved_pushes);
  }
}

// A loss that takes softmax's outputs, though it is free: δ_j = y_j·(e_j − Σ_k e_k·y_k).
template <class T> void moved_shares(const Work<T> &work, const Side<T> &s, const Side<T> &m) {
  moved_logs(s, m);
  Vec<T> shared = {}, moved_shared = {}, value;
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j), t = at(s.t, j), ry = y * at(m.y, j);
    const Vec<T> e = error_of<T>(work.loss, s.parameter[j], s.n, y, t, value);
    shared = shared + e * y;
    moved_shared = moved_shared + (error_slope_of<T>(work.loss, s.parameter[j], s.n, y, t) * ry * y + e * ry);
  }
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j), t = at(s.t, j), ry = y * at(m.y, j);
    const Vec<T> e = error_of<T>(work.loss, s.parameter[j], s.n, y, t, value);
    const Vec<T> re = error_slope_of<T>(work.loss, s.parameter[j], s.n, y, t) * ry;
    put(m.delta, j, ry * (e - shared) + y * (re - moved_shared));
  }
}

// R{δ} = (e′·f′² + e·f″)·R{x}
template <class T> void moved_free(const Work<T> &work, const Side<T> &s, const Side<T> &m) {
  const Activation a = work.layers[work.depth - 1].activation;
  if (a == Activation::softmax) return moved_shares(work, s, m);
  Vec<T> value;
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j), t = at(s.t, j), slope = slope_at<T>(a, y, s.slope, j * lanes<T>);
    const Vec<T> e = error_of<T>(work.loss, s.parameter[j], s.n, y, t, value);
    const Vec<T> re = error_slope_of<T>(work.loss, s.parameter[j], s.n, y, t);
    put(m.delta, j, (re * slope * slope + e * bend_of<T>(a, at(m.t, j), y)) * at(m.y, j));
  }
}

// Of δ = t − y with an activation that is its own loss's partner: R{δ} = −f′·R{x}.
template <class T, class F> SCHUSS_INLINE void moved_partner(const Side<T> &s, const Side<T> &m, F slope) {
  for (int j = 0; j < s.n; j++) put(m.delta, j, -(slope(at(m.t, j)) * at(m.y, j)));
}

template <class T> SCHUSS_INLINE Side<T> part_of(const Side<T> &s, int first, int n) {
  const long at = long(first) * lanes<T>;
  return {n, s.y + at, s.t + at, s.delta + at, s.slope + at, s.parameter + first};
}

// R{δ} of a few samples.
template <class T> SCHUSS_INLINE void moved_delta(const Work<T> &work, const Side<T> &s, const Side<T> &m) {
  const bool focal = work.loss == Loss::focal;
  if (work.loss == Loss::binary_cross_entropy)
    return moved_partner(s, m, [](Vec<T> x) { Vec<T> y = logistic<T>(x); return y * (T(1) - y); });
  if (work.loss == Loss::poisson) return moved_partner(s, m, [](Vec<T> x) { return exp<T>(x); });
  if (!focal && work.loss != Loss::cross_entropy) return moved_free(work, s, m);
  for (int g = 0, j = 0; g < work.groups; j = work.group_ends[g++]) {
    const Side<T> own = part_of(s, j, work.group_ends[g] - j), moved = part_of(m, j, work.group_ends[g] - j);
    if (focal) moved_focal(own, moved);
    else moved_cross_entropy(own, moved);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

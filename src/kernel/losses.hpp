// The end of the forward pass, one sample (row) at a time: outputs, error E and error signals δ = −∂E/∂x
// of the output layer, from net inputs. The same names and formulas as method/functions.py.
#pragma once
#include "activations.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// A row of n elements in blocks of 64 bytes; lanes beyond n are masked out of every sum.
template <class T, class F> SCHUSS_INLINE T row_sum(int n, F term) {
  Vec<T> part[block_vectors] = {};
  const Vec<T> count = iota<T>();
  for (int c = 0; c < n; c += block_lanes<T>)
#pragma GCC unroll 4
    for (int i = 0; i < block_vectors; i++) {
      const int at = c + i * lanes<T>;
      Vec<T> value = at < n ? term(at) : Vec<T>{};
      part[i] += pick<T>(count + T(at) < all<T>(T(n)), value, Vec<T>{});
    }
  return sum_block<T>(part);
}

template <class T> SCHUSS_INLINE T row_max(int n, const T *x) {
  const Vec<T> lowest = all<T>(T(-__builtin_inf())), count = iota<T>();
  Vec<T> part[block_vectors];
  for (int i = 0; i < block_vectors; i++) part[i] = lowest;
  for (int c = 0; c < n; c += lanes<T>) {
    Vec<T> &best = part[(c / lanes<T>) % block_vectors];
    Vec<T> value = pick<T>(count + T(c) < all<T>(T(n)), load<T>(x + c), lowest);
    best = pick<T>(value > best, value, best);
  }
  return max_block<T>(part);
}

template <class T, class F> SCHUSS_INLINE void over_row(int n, F f) {
  for (int c = 0; c < n; c += lanes<T>) f(c);
}

// Padding must stay zero in δ, or it would leak into padded weights.
template <class T> SCHUSS_INLINE void store_delta(T *delta, int c, int n, Vec<T> d) {
  store<T>(delta + c, pick<T>(iota<T>() + T(c) < all<T>(T(n)), d, Vec<T>{}));
}

// Turn net inputs into softmax outputs; returns log Σ exp(x − highest) and the highest.
template <class T> SCHUSS_INLINE void softmax_row(int n, T *y, T &highest, T &log_sum) {
  highest = row_max<T>(n, y);
  const Vec<T> h = all<T>(highest);
  T sum = row_sum<T>(n, [&](int c) {
    Vec<T> e = exp<T>(load<T>(y + c) - h);
    store<T>(y + c, e);
    return e;
  });
  log_sum = log<T>(all<T>(sum))[0];
  over_row<T>(n, [&](int c) { store<T>(y + c, load<T>(y + c) / all<T>(sum)); });
}

// Σ_j t_j·(log Σ_k exp(x_k) − x_j), with y overwritten by the outputs
template <class T> T cross_entropy_row(int n, T *y, const T *t, T *delta) {
  const T highest = row_max<T>(n, y);
  const Vec<T> h = all<T>(highest);
  // δ serves as a scratch row for x − highest until it is written
  T sum = row_sum<T>(n, [&](int c) {
    Vec<T> shifted = load<T>(y + c) - h, e = exp<T>(shifted);
    store<T>(delta + c, shifted);
    store<T>(y + c, e);
    return e;
  });
  const Vec<T> log_sum = log<T>(all<T>(sum)), divisor = all<T>(sum);
  T error = row_sum<T>(n, [&](int c) { return load<T>(t + c) * (log_sum - load<T>(delta + c)); });
  over_row<T>(n, [&](int c) {
    Vec<T> out = load<T>(y + c) / divisor;
    store<T>(y + c, out);
    store_delta<T>(delta, c, n, load<T>(t + c) - out);
  });
  return error;
}

// E and −∂E/∂y of one vector of outputs, for the losses that are free in their activation
template <class T> SCHUSS_INLINE Vec<T> error_of(Loss loss, T q, int n, Vec<T> y, Vec<T> t, Vec<T> &value) {
  const Vec<T> e = t - y, size = absolute<T>(e), zero = {};
  switch (loss) {
    case Loss::mean_squared_error:
      value = e * e / all<T>(T(n));
      return e * (T(2) / T(n));
    case Loss::absolute:
      value = size;
      return sign<T>(e);
    case Loss::huber: {
      const Vec<T> d = all<T>(q);
      value = pick<T>(size <= d, T(0.5) * e * e, d * (size - T(0.5) * d));
      return pick<T>(size <= d, e, copy_sign<T>(d, e));
    }
    case Loss::quantile: {
      const Vec<T> above = q * e, below = (q - T(1)) * e;
      value = pick<T>(above > below, above, below);
      return pick<T>(e > zero, all<T>(q), pick<T>(e < zero, all<T>(q - T(1)), e));
    }
    default:
      value = T(0.5) * e * e;
      return e;
  }
}

// Losses that need their partner: binary cross-entropy with logistic, Poisson with exp. δ = t − y.
template <class T> T partner_row(Loss loss, int n, T *y, const T *t, T *delta) {
  return row_sum<T>(n, [&](int c) {
    const Vec<T> x = load<T>(y + c), target = load<T>(t + c), zero = {};
    const bool poisson = loss == Loss::poisson;
    const Vec<T> out = poisson ? exp<T>(x) : logistic<T>(x);
    store<T>(y + c, out);
    store_delta<T>(delta, c, n, target - out);
    if (!poisson) return Vec<T>(softplus<T>(x) - target * x);
    const Vec<T> logged = log<T>(pick<T>(target > zero, target, all<T>(T(1))));
    return Vec<T>(out - target * x + (target * logged - target));
  });
}

template <class T> T free_row(Loss loss, T parameter, Activation a, int n, T *y, T *slope, const T *t, T *delta) {
  const int vectors = (n + lanes<T> - 1) / lanes<T>;
  const bool softmax = a == Activation::softmax;
  T unused_max, unused_log;
  if (softmax) softmax_row<T>(n, y, unused_max, unused_log);
  else activate<T>(a, y, slope, 0, 1, vectors);
  T error = row_sum<T>(n, [&](int c) {
    Vec<T> value;
    const Vec<T> out = load<T>(y + c);
    const Vec<T> e = error_of<T>(loss, parameter, n, out, load<T>(t + c), value);
    store_delta<T>(delta, c, n, softmax ? e : slope_at<T>(a, out, slope + c) * e);
    return value;
  });
  if (!softmax) return error;
  const T shared = row_sum<T>(n, [&](int c) { return Vec<T>(load<T>(delta + c) * load<T>(y + c)); });
  over_row<T>(n, [&](int c) {
    store_delta<T>(delta, c, n, load<T>(y + c) * (load<T>(delta + c) - all<T>(shared)));
  });
  return error;
}

// Rows [first, last) of the output layer: y holds net inputs on entry and outputs on return.
template <class T> __attribute__((noinline)) void output_rows(Work<T> &work, long first, long last) {
  const Layer<T> &out = work.layers[work.depth - 1];
  for (long r = first; r < last; r++) {
    const long at = r * out.stride;
    T *y = out.y + at, *delta = out.delta + at, *slope = out.slope ? out.slope + at : nullptr;
    const T *t = work.t_batch + at;
    T error;
    if (work.loss == Loss::cross_entropy) error = cross_entropy_row<T>(out.n_out, y, t, delta);
    else if (work.loss == Loss::binary_cross_entropy || work.loss == Loss::poisson)
      error = partner_row<T>(work.loss, out.n_out, y, t, delta);
    else error = free_row<T>(work.loss, work.loss_parameter, out.activation, out.n_out, y, slope, t, delta);
    work.errors[r] = double(error);
  }
}

// Rows [first, last) of the output layer from net inputs to outputs, without targets.
template <class T> void output_values(const Layer<T> &out, long first, long last) {
  const int vectors = (out.n_out + lanes<T> - 1) / lanes<T>;
  T highest, log_sum;
  for (long r = first; r < last; r++) {
    T *y = out.y + r * out.stride;
    if (out.activation == Activation::softmax) softmax_row<T>(out.n_out, y, highest, log_sum);
    else activate<T>(out.activation, y, out.slope ? out.slope + r * out.stride : nullptr, 0, 1, vectors);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

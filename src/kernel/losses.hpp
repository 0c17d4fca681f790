// The end of the forward pass: outputs, error E and error signals δ = −∂E/∂x of the output layer, from net
// inputs. As many samples as a vector has lanes are worked on side by side, so that every sum over the
// outputs of a sample runs in their order, whatever the width. Names and formulas of method/functions.py.
#pragma once
#include "activations.hpp"
#include "transposing.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Samples side by side: row j of y holds output j of `lanes` samples; likewise t and delta. `n` outputs.
template <class T> struct Side {
  int n;
  T *y, *t, *delta, *slope;
  const T *parameter;  // (n,)
};

template <class T> SCHUSS_INLINE Vec<T> at(const T *columns, int j) { return load<T>(columns + j * lanes<T>); }
template <class T> SCHUSS_INLINE void put(T *columns, int j, Vec<T> v) { store<T>(columns + j * lanes<T>, v); }

// Each part has room for the outputs rounded up to whole vectors.
template <class T> SCHUSS_INLINE Side<T> side_of(const Work<T> &work) {
  const int n = work.layers[work.depth - 1].n_out;
  const long size = long((n + lanes<T> - 1) / lanes<T> * lanes<T>) * lanes<T>;
  return {n, work.side, work.side + size, work.side + 2 * size, work.side + 3 * size, work.loss_parameters};
}

// f(those outputs) for each group that has a softmax of its own.
template <class T, class F> SCHUSS_INLINE void over_groups(const Work<T> &work, const Side<T> &s, F f) {
  if (work.groups == 1) return f(s);  // as it is: a copy would cost a small step two per cent
  for (int g = 0, j = 0; g < work.groups; j = work.group_ends[g++]) {
    const long at = long(j) * lanes<T>;
    T *slope = s.slope ? s.slope + at : nullptr;
    f(Side<T>{work.group_ends[g] - j, s.y + at, s.t + at, s.delta + at, slope, s.parameter + j});
  }
}

// Targets of `rows` samples from r on into columns. Of classes there are numbers, integers as wide as T: 1 in the
// column that is meant and else 0.
template <class T> SCHUSS_INLINE void targets_in(const Work<T> &work, const Side<T> &s, long r, int rows) {
  const long stride = work.layers[work.depth - 1].stride;
  if (work.t) return turn_in(s.t, work.t_batch + r * stride, stride, s.n, rows);
  const T *from = work.t_batch + r;
  const auto *number = reinterpret_cast<const typename Simd<T>::Int *>(from);
  const Ints<T> classes = rows == 1 ? Ints<T>{} + *number : (Ints<T>)load_up_to(from, rows);
  Ints<T> column = {};
  for (int c = 0; c < s.n; c++, column = column + 1)
    put(s.t, c, pick<T>(classes == column, all<T>(T(1)), Vec<T>{}));
}

template <class T, int K> SCHUSS_INLINE int exponentials_of(const Side<T> &s, int j, Vec<T> highest, Vec<T> &sum) {
  for (; j + K <= s.n; j += K) {
    Vec<T> e[K];
    SCHUSS_EACH e[i] = at(s.y, j + i) - highest;
    SCHUSS_EACH put(s.delta, j + i, e[i]);
    exp<T>(e);
    SCHUSS_EACH put(s.y, j + i, e[i]);
    SCHUSS_EACH sum = sum + e[i];
  }
  return j;
}

// y_j ← exp(x_j − highest) and δ_j ← x_j − highest, for later use; returns Σ_j y_j.
template <class T> SCHUSS_INLINE Vec<T> exponentials(const Side<T> &s) {
  Vec<T> highest = at(s.y, 0), sum = {};
  for (int j = 1; j < s.n; j++) highest = pick<T>(at(s.y, j) > highest, at(s.y, j), highest);
  int j = exponentials_of<T, 4>(s, 0, highest, sum);
  j = exponentials_of<T, 2>(s, j, highest, sum);
  exponentials_of<T, 1>(s, j, highest, sum);
  return sum;
}

template <class T> SCHUSS_INLINE void softmax(const Side<T> &s) {
  const Vec<T> sum = exponentials(s);
  for (int j = 0; j < s.n; j++) put(s.y, j, at(s.y, j) / sum);
}

// Outputs from net inputs.
template <class T> SCHUSS_INLINE void output_values_of(const Work<T> &work, const Side<T> &s) {
  const Activation a = work.layers[work.depth - 1].activation;
  if (a == Activation::softmax) over_groups(work, s, [](const Side<T> &group) { softmax(group); });
  else activate<T>(a, s.y, s.slope, lanes<T>, s.n, 1);
}

// What scikit-learn takes a probability for where it reports a loss: y held within [ε, 1−ε].
template <class T> SCHUSS_INLINE Vec<T> held(Vec<T> y) {
  const T epsilon = T(1) / T(int64_t(1) << Simd<T>::mantissa);
  const Vec<T> least = all<T>(epsilon), most = all<T>(T(1) - epsilon);
  return pick<T>(y > most, most, pick<T>(y < least, least, y));
}

// Σ_j t_j·(log Σ_k exp(x_k) − x_j)
template <class T> Vec<T> cross_entropy(const Work<T> &work, const Side<T> &s) {
  const Vec<T> sum = exponentials(s), log_sum = log<T>(sum);
  Vec<T> error = {};
  for (int j = 0; j < s.n; j++) {
    const Vec<T> t = at(s.t, j), y = at(s.y, j) / sum;
    error = error + t * (work.as_scikit_learn ? -log<T>(held<T>(y)) : log_sum - at(s.delta, j));
    put(s.delta, j, t - y);
  }
  return error;
}

// −Σ_j t_j·(1−y_j)^γ·log y_j. With push_j = t_j·(1−y_j)^γ·(1 + γ·y_j·ratio_j) and ratio_j = −log y_j/(1−y_j),
// which is 1 at y_j = 1, δ_j = push_j − y_j·Σ_k push_k.
template <class T> Vec<T> focal(const Work<T> &, const Side<T> &s) {
  const Vec<T> sum = exponentials(s), log_sum = log<T>(sum), one = all<T>(T(1)), zero = {};
  Vec<T> error = {}, pushes = {};
  for (int j = 0; j < s.n; j++) {
    const Vec<T> y = at(s.y, j) / sum, log_y = at(s.delta, j) - log_sum, gamma = all<T>(s.parameter[j]);
    const Vec<T> rest = -expm1<T>(log_y), fade = exp<T>(gamma * log<T>(rest));  // 0 where rest is
    const Vec<T> ratio = pick<T>(rest > zero, -log_y / pick<T>(rest > zero, rest, one), one);
    const Vec<T> faded = at(s.t, j) * fade, push = faded * (one + gamma * y * ratio);
    error = error - faded * log_y;
    pushes = pushes + push;
    put(s.y, j, y);
    put(s.delta, j, push);
  }
  for (int j = 0; j < s.n; j++) put(s.delta, j, at(s.delta, j) - at(s.y, j) * pushes);
  return error;
}

// Losses that need their partner, logistic or exp: δ = t − y.
template <class T> Vec<T> binary_cross_entropy(const Work<T> &work, const Side<T> &s) {
  Vec<T> error = {};
  for (int j = 0; j < s.n; j++) {
    const Vec<T> x = at(s.y, j), t = at(s.t, j);
    Vec<T> y[1] = {x}, e[1];
    logistic<T>(y, e);
    const Vec<T> h = held<T>(y[0]);
    put(s.delta, j, t - y[0]);
    if (work.as_scikit_learn) error = error - (t * log<T>(h) + (T(1) - t) * log<T>(T(1) - h));
    else error = error + (softplus<T>(x, e[0]) - t * x);
  }
  return error;
}

template <class T> Vec<T> poisson(const Side<T> &s) {
  Vec<T> error = {};
  for (int j = 0; j < s.n; j++) {
    const Vec<T> x = at(s.y, j), t = at(s.t, j), y = exp<T>(x), one = all<T>(T(1));
    put(s.delta, j, t - y);
    error = error + (y - t * x + (t * log<T>(pick<T>(t > Vec<T>{}, t, one)) - t));
  }
  return error;
}

// E and −∂E/∂y of one output, for the losses that are free in their activation
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

// Whether a loss takes the outputs whatever their activation.
SCHUSS_INLINE bool is_free(Loss loss) {
  return loss != Loss::cross_entropy && loss != Loss::focal && loss != Loss::binary_cross_entropy &&
         loss != Loss::poisson;
}

// Such a loss from outputs.
template <class T> SCHUSS_INLINE Vec<T> loss_of_outputs(const Work<T> &work, const Side<T> &s) {
  const Activation a = work.layers[work.depth - 1].activation;
  const bool shares = a == Activation::softmax;  // every output depends on every net input
  Vec<T> error = {}, shared = {};
  for (int j = 0; j < s.n; j++) {
    Vec<T> value;
    const Vec<T> y = at(s.y, j), e = error_of<T>(work.loss, s.parameter[j], s.n, y, at(s.t, j), value);
    error = error + value;
    if (shares) shared = shared + e * y;
    put(s.delta, j, shares ? e : slope_at<T>(a, y, s.slope, j * lanes<T>) * e);
  }
  for (int j = 0; shares && j < s.n; j++) put(s.delta, j, at(s.y, j) * (at(s.delta, j) - shared));
  return work.as_scikit_learn && work.loss == Loss::squared_error ? error / all<T>(T(s.n)) : error;
}

template <class T> Vec<T> free_loss(const Work<T> &work, const Side<T> &s) {
  output_values_of(work, s);
  return loss_of_outputs(work, s);
}

template <class T, class F> SCHUSS_INLINE Vec<T> error_of_groups(const Work<T> &work, const Side<T> &s, F loss) {
  Vec<T> error = {};
  over_groups(work, s, [&](const Side<T> &group) { error = error + loss(work, group); });
  return error;
}

template <class T> SCHUSS_INLINE Vec<T> loss_of(const Work<T> &work, const Side<T> &s) {
  switch (work.loss) {
    case Loss::cross_entropy:
      return error_of_groups(work, s, [](const Work<T> &w, const Side<T> &g) { return cross_entropy(w, g); });
    case Loss::focal: return error_of_groups(work, s, [](const Work<T> &w, const Side<T> &g) { return focal(w, g); });
    case Loss::binary_cross_entropy: return binary_cross_entropy(work, s);
    case Loss::poisson: return poisson(s);
    default: return free_loss(work, s);
  }
}

template <class T> SCHUSS_INLINE void note_errors(const Work<T> &work, long first, int rows, Vec<T> errors) {
  alignas(64) T error[lanes<T>];
  store<T>(error, errors);
  for (int i = 0; i < rows; i++) work.errors[first + i] = double(error[i]);
}

// Rows [first, last) of the output layer, whose y holds net inputs: error signals and errors.
template <class T> __attribute__((noinline)) void output_rows(Work<T> &work, long first, long last) {
  const Layer<T> &out = work.layers[work.depth - 1];
  const Side<T> s = side_of(work);
  for (long r = first; r < last; r += lanes<T>) {
    const int rows = last - r < lanes<T> ? int(last - r) : lanes<T>;
    turn_in(s.y, out.y + r * out.stride, out.stride, s.n, rows);
    targets_in(work, s, r, rows);
    note_errors(work, r, rows, loss_of(work, s));
    turn_out(out.delta + r * out.stride, s.delta, out.stride, s.n, rows);
  }
}

// Rows [first, last) of the output layer from net inputs to outputs, without targets.
template <class T> void output_values(const Work<T> &work, long first, long last) {
  const Layer<T> &out = work.layers[work.depth - 1];
  const Side<T> s = side_of(work);
  for (long r = first; r < last; r += lanes<T>) {
    const int rows = last - r < lanes<T> ? int(last - r) : lanes<T>;
    turn_in(s.y, out.y + r * out.stride, out.stride, s.n, rows);
    output_values_of(work, s);
    turn_out(out.y + r * out.stride, s.y, out.stride, s.n, rows);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

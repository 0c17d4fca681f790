// The product of the Hessian with a vector, by the R-operator: method/curvature_product.py on panels and chunks.
// Every product of a gradient has one or two companions here. Each thread goes through its own rows of a chunk,
// then sums its own rows of the result; so no element's order of summation depends on the threads.
#pragma once
#include "bends.hpp"
#include "step.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Sparse rows laid out densely, a chunk at a time.
template <class T> void spread(Work<T> &work, Range r) {
  const Layer<T> &in = work.layers[0];
  for (int row = r.first; row < r.last; row++) {
    T *x = work.x_batch + row * in.stride_in;
    for (int k = 0; k < in.n_in; k++) x[k] = T(0);
    const Span s = nonzeros(work, row);
    for (int64_t i = s.first; i < s.last; i++) x[work.sparse.columns[i]] = work.sparse.values[i];
  }
}

// Net inputs x, in y, to outputs and slopes f′; R{x}, in the other's y, to R{y}, with f″·R{x} for its slope.
template <class T> __attribute__((noinline)) void bend_rows(const Layer<T> &at, const Layer<T> &moved, Range rows) {
  for (int r = rows.first; r < rows.last; r++) {
    const long first = r * at.stride;
    T *y = at.y + first, *slope = at.slope + first, *x = moved.slope + first, *rx = moved.y + first;
    for (int c = 0; c < at.n_out; c += lanes<T>) store<T>(x + c, load<T>(y + c));
    activate<T>(at.activation, y, slope, at.stride, 1, vectors_of<T>(at.n_out));
    for (int c = 0; c < at.n_out; c += lanes<T>) {
      const Vec<T> value = load<T>(y + c), f = slope_at<T>(at.activation, value, slope, c), way = load<T>(rx + c);
      store<T>(x + c, bend_of<T>(at.activation, load<T>(x + c), value) * way);
      store<T>(slope + c, f);
      store<T>(rx + c, f * way);
    }
  }
}

// The second work's layers hold the vector for weights.
template <class T> void bend_forward(Work<T> &work, Work<T> &moved, Range rows) {
  constexpr Activation none = Activation::identity;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &at = work.layers[l], &v = moved.layers[l];
    const Part part = {rows, all_panels(at)};
    const T *y = input_of(work, l);
    multiply<T>(work, ForwardOp<T>{at, none, y, at.stride_in}, part, at.n_in);
    multiply<T>(work, ForwardOp<T>{v, none, y, at.stride_in}, part, at.n_in);
    if (l > 0) {
      Layer<T> both = v;
      both.w = at.w;
      multiply<T>(work, ForwardOp<T>{both, none, input_of(moved, l), at.stride_in}, part, at.n_in, true);
    }
    if (l < work.depth - 1) bend_rows(at, v, rows);
  }
}

// δ and R{δ} of the output layer.
template <class T> __attribute__((noinline)) void bend_outputs(Work<T> &work, Work<T> &moved, Range rows) {
  const Layer<T> &out = work.layers[work.depth - 1], &v = moved.layers[work.depth - 1];
  const Side<T> s = side_of(work), m = side_of(moved);
  for (long r = rows.first; r < rows.last; r += lanes<T>) {
    const int count = rows.last - r < lanes<T> ? int(rows.last - r) : lanes<T>;
    turn_in(s.y, out.y + r * out.stride, out.stride, s.n, count);
    turn_in(m.t, out.y + r * out.stride, out.stride, s.n, count);
    targets_in(work, s, r, count);
    turn_in(m.y, v.y + r * out.stride, out.stride, s.n, count);
    loss_of(work, s);
    moved_delta(work, s, m);
    turn_out(out.delta + r * out.stride, s.delta, out.stride, s.n, count);
    turn_out(v.delta + r * out.stride, m.delta, out.stride, s.n, count);
  }
}

// δ ← f′·s and R{δ} ← f″·R{x}·s + f′·R{s} from s and R{s}.
template <class T> void bend_deltas(const Layer<T> &at, const Layer<T> &moved, Range rows) {
  for (int r = rows.first; r < rows.last; r++)
    for (long i = r * at.stride; i < r * at.stride + at.n_out; i += lanes<T>) {
      const Vec<T> f = load<T>(at.slope + i), s = load<T>(at.delta + i);
      store<T>(at.delta + i, f * s);
      store<T>(moved.delta + i, load<T>(moved.slope + i) * s + f * load<T>(moved.delta + i));
    }
}

template <class T> void bend_backward(Work<T> &work, Work<T> &moved, Range rows) {
  constexpr Activation none = Activation::identity;
  T *room = work.transposed;
  for (int l = work.depth - 1; l > 0; l--) {
    const Layer<T> &at = work.layers[l], &below = work.layers[l - 1];
    const Layer<T> &v = moved.layers[l], &moved_below = moved.layers[l - 1];
    const Part part = {rows, {0, panels_of<T>(at.n_in)}};
    multiply<T>(work, BackwardOp<T>{at, below, none, at.delta, at.stride, 1, room}, part, at.n_out);
    multiply<T>(work, BackwardOp<T>{at, moved_below, none, v.delta, v.stride, 1, room}, part, at.n_out);
    multiply<T>(work, BackwardOp<T>{v, moved_below, none, at.delta, at.stride, 1, room}, part, at.n_out, true);
    bend_deltas(below, moved_below, rows);
  }
}

// Σ (y_k·R{δ_j} + R{y_k}·δ_j), and after the last chunk the product itself. `crossed` has the layers of `moved` with
// the error signals of `work`.
template <class T>
void bend_sums(Work<T> &work, Work<T> &moved, Work<T> &crossed, bool resumes, bool last, int samples, int thread) {
  const Fate end = last ? Fate::gradient : Fate::kept;
  for (int l = 0; l < work.depth; l++) {
    const Part own = weights_part(work, l, thread);
    update_weights(moved, l, input_of(work, l), l > 0 ? Fate::kept : end, resumes, samples, own);
    if (l > 0) update_weights(crossed, l, input_of(moved, l), end, true, samples, own);
    if (work.layers[l].has_bias && thread == 0)
      update_biases(moved, l, end, resumes, samples, own.panels);
  }
}

// All of `batch`; false if it was given up.
template <class T> bool bend(Work<T> &work, Work<T> &moved, Work<T> &crossed, const Batch &batch, int thread) {
  work.batch = batch;
  for (long begin = 0; begin < batch.n; begin += work.chunk) {
    const int n = batch.n - begin < work.chunk ? int(batch.n - begin) : work.chunk;
    const Range rows = share(n, 4, thread, work.team->threads);
    work.begin = begin;
    gather(work, rows);
    if (is_sparse(work, 0)) spread(work, rows);
    bend_forward(work, moved, rows);
    bend_outputs(work, moved, rows);
    if (work.weights) weigh(work, batch, begin, rows), weigh(moved, batch, begin, rows);
    bend_backward(work, moved, rows);
    if (meet(*work.team)) return false;
    bend_sums(work, moved, crossed, begin > 0, begin + n == batch.n, n, thread);
    if (meet(*work.team)) return false;
  }
  return true;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Samples of a batch of many small networks, brought together: each lane has its own, or all have the same.
#pragma once
#include "lanes_job.hpp"
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Few inputs are known while compiling: a loop over them takes longer than what it does.
constexpr int few_inputs = 4;

template <class F> SCHUSS_INLINE void with_few_inputs(int n, F f) {
  switch (n) {
    case 1: return f(Count<1>());
    case 2: return f(Count<2>());
    case 3: return f(Count<3>());
    default: return f(Count<few_inputs>());
  }
}

// The samples of one lane in an epoch, from a place on; null: in their own order.
template <class T> SCHUSS_INLINE const int32_t *lane_order(const LaneJob<T> &job, int lane, long epoch, long place) {
  return job.orders ? job.orders[lane] + epoch * job.n + place : nullptr;
}

// A number of one lane, or of all.
template <class T, bool same> SCHUSS_INLINE void bring(T *to, int lane, T number) {
  if (same) store<T>(to, all<T>(number));
  else to[lane] = number;
}

// Inputs of n samples; `inputs` of each, or 0: as many as there are.
template <class T, bool same, int inputs, class F>
SCHUSS_INLINE void lane_inputs_in(const Work<T> &work, int lane, int n, F sample_of) {
  const int n_in = inputs ? inputs : work.layers[0].n_in;
  T *to = work.x_batch + (same ? 0 : lane);
  for (long row = 0; row < n; row++) {
    const T *from = work.x + sample_of(row) * work.x_stride;
    if (same && inputs) {
      __builtin_memcpy(to, from, inputs * sizeof(T));
      to += inputs;
    } else {
#pragma GCC unroll 4
      for (int k = 0; k < n_in; k++, to += same ? 1 : lanes<T>) *to = from[k];
    }
  }
}

// Target j of a sample is target_of(sample, j).
template <class T, bool same, bool single, class F, class G>
SCHUSS_INLINE void lane_targets_of(const Work<T> &work, int lane, int n, F sample_of, G target_of) {
  const int n_out = single ? 1 : work.layers[work.depth - 1].n_out;
  T *to = work.t_batch;
  for (long row = 0; row < n; row++) {
    const long sample = sample_of(row);
    for (int j = 0; j < n_out; j++, to += lanes<T>) bring<T, same>(to, lane, target_of(sample, j));
  }
}

template <class T, bool same, class F>
SCHUSS_INLINE void lane_targets_in(const Work<T> &work, int lane, int n, F sample_of) {
  const T *t = work.t;
  const long stride = work.t_stride;
  const int32_t *classes = work.classes;
  const auto number = [=](long sample, int j) { return t[sample * stride + j]; };
  const auto is_class = [=](long sample, int j) { return T(classes[sample] == j); };
  const bool single = work.layers[work.depth - 1].n_out == 1;
  if (!t) lane_targets_of<T, same, false>(work, lane, n, sample_of, is_class);
  else if (single) lane_targets_of<T, same, true>(work, lane, n, sample_of, number);
  else lane_targets_of<T, same, false>(work, lane, n, sample_of, number);
}

// The samples at places [place, place + n) of an epoch into the batch buffers.
template <class T, bool same> void lane_rows_in(const LaneJob<T> &job, int lane, long epoch, long place, int n) {
  const Work<T> &work = *job.work;
  const int inputs = work.layers[0].n_in;
  const auto bring_in = [&](auto sample_of) {
    if (inputs > few_inputs) lane_inputs_in<T, same, 0>(work, lane, n, sample_of);
    else with_few_inputs(inputs, [&](auto few) { lane_inputs_in<T, same, few.value>(work, lane, n, sample_of); });
    lane_targets_in<T, same>(work, lane, n, sample_of);
    for (long row = 0; work.weights && row < n; row++)
      bring<T, same>(job.weight_batch + row * lanes<T>, lane, work.weights[sample_of(row)]);
  };
  const int32_t *order = lane_order(job, lane, epoch, place);
  if (order) bring_in([=](long row) -> long { return order[row]; });
  else bring_in([=](long row) { return place + row; });
}

template <class T> void lane_gather(const LaneJob<T> &job, long epoch, long place, int n) {
  if (job.same_order) return lane_rows_in<T, true>(job, 0, epoch, place, n);
  for (int lane = 0; lane < lanes<T>; lane++) lane_rows_in<T, false>(job, lane, epoch, place, n);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

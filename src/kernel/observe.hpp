// What stands in the buffers of a step is written down for the weights that someone watches. Only thread 0 does
// that, while no other changes what it reads; it changes nothing itself.
#pragma once
#include "observation.hpp"
#include "sparse.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T> SCHUSS_INLINE bool is_bias(const Layer<T> &layer, const WeightPlace &at) {
  return at.k == layer.n_in;
}

// The place of a weight in the panels.
template <class T> SCHUSS_INLINE long in_panels(const Layer<T> &layer, const WeightPlace &at) {
  const Panel<T> p = weight_panel<T>(layer, layer.w, at.j / layer.panel, at.k);
  return p.b + (at.j - p.at) - layer.w;
}

// Weights and memory as they stand: before an update, and after all threads have met.
template <class T> __attribute__((noinline)) void observe_weights(const Work<T> &work) {
  const Observation<T> &seen = *work.observation;
  const int slots = memory_rows[int(work.rule)];
  T *theta = seen.theta + work.number * seen.count, *memory = seen.memory + work.number * slots * seen.count;
  for (long i = 0; i < seen.count; i++) {
    const WeightPlace &at = seen.weights[i];
    const Layer<T> &layer = work.layers[at.layer];
    const bool bias = is_bias(layer, at);
    const long place = bias ? at.j : in_panels(layer, at);
    theta[i] = (bias ? layer.b : layer.w)[place];
    for (int r = 0; r < slots; r++)
      memory[r * seen.count + i] = (bias ? layer.b_memory : layer.memory)[r][place];
  }
}

// y_k in a row of the chunk at work, or null where a sparse row has none.
template <class T> SCHUSS_INLINE const T *output_at(const Work<T> &work, const WeightPlace &at, int row) {
  static constexpr T one = 1;
  const Layer<T> &layer = work.layers[at.layer];
  if (is_bias(layer, at)) return &one;
  if (!is_sparse(work, at.layer)) return input_row(work, at.layer, row) + at.k;
  const Span s = nonzeros(work, row);
  const int64_t i = place_of(work.sparse.columns, s, at.k);
  return i < s.last && work.sparse.columns[i] == at.k ? work.sparse.values + i : nullptr;
}

// y_k and δ_j of one weight in the n rows of the chunk at work, each `apart` from the next; returns the sum that the
// update makes of them, by the same operations in the same order.
template <class T>
SCHUSS_INLINE T observe_terms(const Work<T> &work, const WeightPlace &at, int n, T begin, T *y, T *delta, long apart) {
  const Layer<T> &layer = work.layers[at.layer];
  Vec<T> sum = all<T>(begin);
  for (int row = 0; row < n; row++) {
    const T *output = output_at(work, at, row);
    const T signal = layer.delta[row * layer.stride + at.j];
    y[row * apart] = output ? *output : T(0);
    delta[row * apart] = signal;
    if (output) sum = fma(all<T>(*output), all<T>(signal), sum);
  }
  return sum[0];
}

template <class T> void observe_missing(const Observation<T> &seen, long begin, long end) {
  for (long place = begin; place < end; place++) {
    seen.rows[place] = -1;
    for (long i = place * seen.count; i < (place + 1) * seen.count; i++) seen.y[i] = seen.delta[i] = T(0);
  }
}

// The n rows of the chunk at work: after their way back, and before the next chunk comes.
template <class T> __attribute__((noinline)) void observe_rows(const Work<T> &work, int n) {
  const Observation<T> &seen = *work.observation;
  const long first = work.number * seen.batch_size, at = (first + work.begin) * seen.count;
  T *sums = seen.sums + work.number * seen.count;
  for (int row = 0; row < n; row++) seen.rows[first + work.begin + row] = int32_t(sample_at(work, row));
  for (long i = 0; i < seen.count; i++) {
    const T before = work.begin == 0 ? T(0) : sums[i];
    sums[i] = observe_terms<T>(work, seen.weights[i], n, before, seen.y + at + i, seen.delta + at + i, seen.count);
  }
  if (work.begin + n == work.batch.n) observe_missing(seen, first + work.batch.n, first + seen.batch_size);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// A narrow step with the samples side by side, as many as a line holds: in a block of a batch buffer rows are units and
// columns samples. No lane stands for a unit that is not there, the way back reads the weights as they lie, and the
// loss finds its columns made. A batch goes through in groups; the sums of one resume those of the groups before.
#pragma once
#include "gathering.hpp"
#include "losses.hpp"
#include "narrow.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Fewer samples leave more lanes empty than units do. (Of 16-16-16-16 on AVX2 four take 1.15 of the time that they take
// one below the other; of 4-10-3 as long.)
constexpr int fewest_beside = 5;

template <class T> SCHUSS_INLINE bool stand_beside(const Work<T> &work, int samples) {
  return samples >= fewest_beside && !work.observation;
}

template <class T> SCHUSS_INLINE long next_row_of_weights(const Layer<T> &layer) {
  return long(vectors_of<T>(layer.n_out)) * lanes<T>;
}

// Inputs [c, c + count) of up to `lanes` samples, wherever they lie, into columns.
template <class T, int most, class F>
SCHUSS_INLINE void turn_in_from(const Work<T> &work, T *to, int c, int count, int samples, F sample_of) {
  const auto inputs_of_sample = [&](long r) __attribute__((always_inline)) {
    return load_up_to(work.x + sample_of(r) * work.x_stride + c, count);
  };
  Vec<T> m[lanes<T>];
  if (samples >= lanes<T>) {
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; r++) m[r] = inputs_of_sample(r);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; r++) m[r] = r < samples ? inputs_of_sample(r) : Vec<T>{};
  }
  transpose_square<T>(m);
#pragma GCC unroll 16
  for (int i = 0; i < most; i++)
    if (i < count) store<T>(to + i * line_of<T>, m[i]);
}

// Samples [first, first + n) of the batch: inputs into the block of the first layer, targets as losses.hpp wants them.
template <class T, class F>
SCHUSS_INLINE void gather_beside_from(const Work<T> &work, long first, int n, F sample_of) {
  const int inputs = work.layers[0].n_in;
  for (long s = 0; s < n; s += lanes<T>) {
    const auto sample = [=](long r) __attribute__((always_inline)) -> long { return sample_of(first + s + r); };
    const int samples = least(n - int(s), lanes<T>);
    for (int c = 0; c < inputs; c += lanes<T>) {
      T *to = work.x_batch + c * line_of<T> + s;
      const int count = least(inputs - c, lanes<T>);
      if (count <= few<T>) turn_in_from<T, few<T>>(work, to, c, count, samples, sample);
      else turn_in_from<T, lanes<T>>(work, to, c, count, samples, sample);
    }
  }
  gather_targets(work, {0, n}, [=](long row) -> long { return sample_of(first + row); });
}
template <class T> __attribute__((noinline)) void gather_beside(const Work<T> &work, int first, int n) {
  const Batch batch = work.batch;
  if (batch.order) gather_beside_from(work, first, n, [=](long place) -> long { return batch.order[place]; });
  else gather_beside_from(work, first, n, [=](long place) -> long { return batch.first + place; });
}

// Net inputs begin with a unit's bias.
template <class T> struct ForwardBeside : ForwardOp<T, line_of<T>> {
  template <int NV> __attribute__((always_inline)) Vec<T> start(int row, const Panel<T> &, int) const {
    return all<T>(this->layer.b[row]);
  }
};

template <class T>
__attribute__((noinline)) void forward_beside(const Layer<T> &layer, const T *y, Activation activation, int n) {
  const ForwardBeside<T> op = {{layer, activation, layer.w, 1, next_row_of_weights(layer)}};
  with_narrow_vectors<T>(n, [&](auto vectors) __attribute__((always_inline)) {
    narrow_tiles<T, vectors.value>(op, y, line_of<T>, layer.n_out, layer.n_in);
  });
}

// Error signals, and errors, as often as each of the samples from row r on counts.
template <class T>
SCHUSS_INLINE Vec<T> weigh_beside(const Work<T> &work, const Side<T> &s, int r, int samples, Vec<T> errors) {
  alignas(64) T weights[lanes<T>] = {};
  for (int i = 0; i < samples; i++) weights[i] = work.weights[sample_at(work, r + i)];
  const Vec<T> weight = load<T>(weights);
  for (int j = 0; j < s.n; j++) put(s.delta, j, at(s.delta, j) * weight);
  return errors * weight;
}

// Error signals and errors of the samples from `first` on.
template <class T> __attribute__((noinline)) void losses_beside(const Work<T> &work, int first, int n) {
  const Layer<T> &out = work.layers[work.depth - 1];
  const Side<T> s = side_of(work);
  for (int i = 0; i < n; i += lanes<T>) {
    const int samples = least(n - i, lanes<T>);
    for (int j = 0; j < s.n; j++) put(s.y, j, load<T>(out.y + j * line_of<T> + i));
    targets_in(work, s, i, samples);
    Vec<T> errors = loss_of(work, s);
    if (work.weights) errors = weigh_beside(work, s, first + i, samples, errors);
    note_errors(work, first + i, samples, errors);
    for (int j = 0; j < s.n; j++) store<T>(out.delta + j * line_of<T> + i, at(s.delta, j));
  }
}

template <class T>
__attribute__((noinline)) void backward_beside(const Layer<T> &layer, const Layer<T> &below, int n) {
  const BackwardOp<T, line_of<T>> op = {layer, below, backward_activation(below), layer.w, next_row_of_weights(layer),
                                        1, nullptr};
  with_narrow_vectors<T>(n, [&](auto vectors) __attribute__((always_inline)) {
    narrow_tiles<T, vectors.value>(op, layer.delta, line_of<T>, layer.n_in, layer.n_out);
  });
}

// The error signals of a layer's block, a row for each of n samples, and of some more to fill a vector.
template <class T> SCHUSS_INLINE void turn_block(const Layer<T> &layer, T *rows, int n) {
  for (int s = 0; s < n; s += lanes<T>)
    as_rows(rows + s * line_of<T>, line_of<T>, layer.delta + s, line_of<T>, layer.n_out, lanes<T>);
}

template <class T>
__attribute__((noinline)) void sums_beside(const Work<T> &work, const Layer<T> &layer, const T *y, int n, bool resumes,
                                           bool last) {
  alignas(64) T rows[narrow_columns<T> * line_of<T>];
  turn_block(layer, rows, n);
  const NarrowSums<T> op = {{work, layer}, y, line_of<T>, 1, resumes, last};
  narrow_sums_of(op, layer, rows, n);
}

// As gradient_of_rows in step.hpp, the samples side by side.
template <class T> void gradient_beside(const Work<T> &work, int n) {
  for (int first = 0; first < n; first += narrow_columns<T>) {
    const int samples = least(n - first, narrow_columns<T>);
    gather_beside(work, first, samples);
    for (int l = 0; l < work.depth; l++)
      forward_beside(work.layers[l], input_of(work, l), forward_activation(work, l), samples);
    losses_beside(work, first, samples);
    for (int l = work.depth - 1; l > 0; l--) backward_beside(work.layers[l], work.layers[l - 1], samples);
    for (int l = 0; l < work.depth; l++)
      sums_beside(work, work.layers[l], input_of(work, l), samples, first > 0, first + samples == n);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

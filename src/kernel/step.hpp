// One step of training, as each of its threads runs it: rows of the batch are shared out for the forward
// and backward pass, rows of the weights for the update. Who computes an element never changes its bits.
#pragma once
#include "losses.hpp"
#include "update.hpp"

namespace schuss {
namespace SCHUSS_ISA {

struct Range {
  int first, last;
};

// Share t of `count` things among `threads`, in whole units.
SCHUSS_INLINE Range share(int count, int unit, int t, int threads) {
  const long units = (count + unit - 1) / unit;
  return {least(count, int(units * t / threads) * unit), least(count, int(units * (t + 1) / threads) * unit)};
}

// Rows of the data are not aligned, and must not be read beyond their end.
template <class T> SCHUSS_INLINE void copy_row(T *to, const T *from, int n) {
  int i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) __builtin_memcpy(to + i, from + i, sizeof(Vec<T>));
  for (; i < n; i++) to[i] = from[i];
}

// Bring rows [r.first, r.last) of the chunk that starts at `begin` into the batch buffers.
template <class T> void gather(Work<T> &work, const Batch &batch, long begin, Range r) {
  const Layer<T> &in = work.layers[0], &out = work.layers[work.depth - 1];
  for (int row = r.first; row < r.last; row++) {
    const long place = begin + row, sample = batch.order ? batch.order[place] : batch.first + place;
    copy_row(work.x_batch + row * in.stride_in, work.x + sample * work.x_stride, in.n_in);
    T *t = work.t_batch + row * out.stride;
    if (work.t) {
      copy_row(t, work.t + sample * work.t_stride, out.n_out);
    } else {
      for (int j = 0; j < out.n_out; j++) t[j] = T(0);
      t[work.classes[sample]] = T(1);
    }
  }
}

template <class T> SCHUSS_INLINE const T *input_of(const Work<T> &work, int l) {
  return l == 0 ? work.x_batch : work.layers[l - 1].y;
}

// Whether the step is to be given up. What a pass has left undone then is scratch that nobody reads.
template <class T> SCHUSS_INLINE bool given_up(Work<T> &work) {
  if (work.poll && work.poll(work.poll_data)) __atomic_store_n(&work.team->cancel, 1, __ATOMIC_RELAXED);
  return __atomic_load_n(&work.team->cancel, __ATOMIC_RELAXED) != 0;
}

template <class T> void forward(Work<T> &work, Range rows) {
  for (int l = 0; l < work.depth && !given_up(work); l++) {
    const Layer<T> &layer = work.layers[l];
    const bool last = l == work.depth - 1;  // its activation belongs to the loss
    const Activation activation = last ? Activation::identity : layer.activation;
    multiply<T>(ForwardOp<T>{layer, activation, input_of(work, l), layer.stride_in, 1}, rows.first, rows.last,
                layer.n_out, layer.n_in);
  }
}

template <class T> void backward(Work<T> &work, Range rows) {
  for (int l = work.depth - 1; l > 0 && !given_up(work); l--) {
    const Layer<T> &layer = work.layers[l], &below = work.layers[l - 1];
    multiply<T>(BackwardOp<T>{layer, below, layer.delta, layer.stride, 1}, rows.first, rows.last, layer.n_in,
                layer.n_out);
  }
}

template <class T, Rule rule>
void update_with(Work<T> &work, Fate fate, bool resumes, int samples, int thread) {
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, 48, thread, work.team->threads);
    update_weights<T, rule>(work, l, input_of(work, l), fate, resumes, samples, r.first, r.last);
    if (fate == Fate::updated) transpose<T>(layer, r.first, r.last);
    if (layer.has_bias && thread == 0) update_biases<T, rule>(work, l, fate, resumes, samples);
  }
}

template <class T> void update(Work<T> &work, Fate fate, bool resumes, int samples, int thread) {
  switch (work.rule) {
    case Rule::momentum: return update_with<T, Rule::momentum>(work, fate, resumes, samples, thread);
    case Rule::nesterov: return update_with<T, Rule::nesterov>(work, fate, resumes, samples, thread);
    default: return update_with<T, Rule::gradient_descent>(work, fate, resumes, samples, thread);
  }
}

// Penalties of the weights before the update, each row by one thread.
template <class T> void penalties(Work<T> &work, int thread) {
  double *sums = work.row_penalty;
  for (int l = 0; l < work.depth; sums += work.layers[l].n_in, l++) {
    const Range r = share(work.layers[l].n_in, 48, thread, work.team->threads);
    for (int k = r.first; k < r.last; k++) sums[k] = penalty_of_row<T>(work, work.layers[l], k);
  }
}

template <class T> double penalty_total(const Work<T> &work) {
  double total = 0;
  const double *sums = work.row_penalty;
  for (int l = 0; l < work.depth; sums += work.layers[l].n_in, l++)
    for (int k = 0; k < work.layers[l].n_in; k++) total += sums[k];
  return total;
}

// A batch comes in chunks of rows. All but the last leave their gradient sums in g, so a step can be given
// up until its last chunk is through the backward pass, and weights and memory stand as they were.
template <class T> bool step(Work<T> &work, const Batch &batch, int thread) {
  const bool penalised = work.l2 != T(0) || work.l1 != T(0);
  double loss = 0;
  if (penalised) penalties(work, thread);
  for (long begin = 0; begin < batch.n; begin += work.chunk) {
    const int n = batch.n - begin < work.chunk ? int(batch.n - begin) : work.chunk;
    const bool last = begin + n == batch.n;
    const Range rows = share(n, 4, thread, work.team->threads);
    gather(work, batch, begin, rows);
    forward(work, rows);
    output_rows<T>(work, rows.first, rows.last);
    backward(work, rows);
    given_up(work);
    wait_for(*work.team);
    if (work.team->cancel) return false;
    if (thread == 0) {
      for (int r = 0; r < n; r++) loss += work.errors[r];
      if (last) work.team->step_loss = (loss + (penalised ? penalty_total(work) : 0.0)) * work.loss_scale;
    }
    const Fate fate = !last ? Fate::kept : work.update ? Fate::updated : Fate::gradient;
    update(work, fate, begin > 0, n, thread);
    wait_for(*work.team);
  }
  return true;
}

template <class T> void outputs(Work<T> &work, long first, int row, int n) {
  const Layer<T> &in = work.layers[0];
  for (int r = 0; r < n; r++)
    copy_row(work.x_batch + (row + r) * in.stride_in, work.x + (first + r) * work.x_stride, in.n_in);
  forward(work, {row, row + n});
  output_values<T>(work, row, row + n);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

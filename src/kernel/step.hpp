// One step of training, as each of its threads runs it; shares.hpp says who computes what. That never changes a
// bit.
#pragma once
#include "beside.hpp"
#include "biases.hpp"
#include "clipping.hpp"
#include "lagging.hpp"
#include "observe.hpp"
#include "passes.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Error signals and errors as often as each sample counts.
template <class T> void weigh(Work<T> &work, const Batch &batch, long begin, Range r) {
  const Layer<T> &out = work.layers[work.depth - 1];
  for (int row = r.first; row < r.last; row++) {
    const long place = begin + row, sample = batch.order ? batch.order[place] : batch.first + place;
    const T weight = work.weights[sample];
    T *delta = out.delta + row * out.stride;
    for (int c = 0; c < out.n_out; c += lanes<T>) store<T>(delta + c, load<T>(delta + c) * weight);
    work.errors[row] = double(T(work.errors[row]) * weight);
  }
}

// What is gathered after the chunk at work.
template <class T> SCHUSS_INLINE Batch next_rows(const Work<T> &work, int n) {
  const Batch &batch = work.batch;
  const long begin = work.begin + n;
  if (begin == batch.n) return work.next;
  return samples_from(batch, begin, batch.n - begin);
}

// A thread's part of the weights of a layer. What it has in common with its neighbour goes by rows of the weights.
template <class T>
void update_share(Work<T> &work, int l, Fate fate, bool resumes, int samples, const Part &part, int thread) {
  const auto update = [&](const Part &some) {
    update_weights(work, l, input_of(work, l), fate, resumes, samples, some);
  };
  if (!keeps_columns(work, l)) return update(part);
  const auto [own, middle] = panel_share(work, l, samples, thread);
  const int rows = work.layers[l].n_in, pieces = middle.first < middle.last ? groups_of(rows) : 0;
  update({part.rows, own});
  from_both_sides(work, thread, pieces, [&, panels = middle](int piece) {
    update({{piece * rows_together, least((piece + 1) * rows_together, rows)}, panels});
  });
}

template <class T>
void update_layers(Work<T> &work, Range layers, Fate fate, bool resumes, int samples, int thread) {
  for (int l = layers.first; l < layers.last; l++) {
    const Layer<T> &layer = work.layers[l];
    const Part own = weights_part(work, l, thread);
    if (l == 0) look_ahead(work, next_rows(work, samples), thread, own);
    if constexpr (!in_pairs<T>) {
      if (is_sparse(work, l)) update_sparse(work, fate, resumes, samples, own.rows.first, own.rows.last);
    }
    if (!is_sparse(work, l)) update_share(work, l, fate, resumes, samples, own, thread);
    if (layer.has_bias && (keeps_columns(work, l) || thread == 0))
      update_biases(work, l, fate, resumes, samples, own.panels);
    if (fate == Fate::squared && keeps_columns(work, l))
      note_columns(work, layer, columns_of<T>(panel_share(work, l, samples, thread).own));
  }
}

// The same from gradients that stand in g, times a factor.
template <class T> void apply_layers(Work<T> &work, Range layers, T factor, int thread) {
  for (int l = layers.first; l < layers.last; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, rows_together, thread, work.team->threads);
    apply_to_weights(work, factor, layer, r.first, r.last);
    if (is_sparse(work, l)) clear_sums(work, is_penalised(work), r.first, r.last);
    if (layer.has_bias && thread == 0) apply_to_biases(work, factor, layer);
    if (!work.last_step) pair_weights<T>(layer, {r, all_panels(layer)});
  }
}

// Penalties of the weights before the update, each row by one thread.
template <class T> void penalties(Work<T> &work, int thread) {
  double *sums = work.row_penalty;
  for (int l = 0; l < work.depth; sums += work.layers[l].n_in, l++) {
    const Range r = share(work.layers[l].n_in, rows_together, thread, work.team->threads);
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

// The first layer whose gradient is brought into g before the rule is applied.
template <class T> SCHUSS_INLINE int apart_from(const Work<T> &work) {
  return work.norms && is_sparse(work, 0) ? 0 : work.apart_from;
}

template <class T> void note_loss(const Work<T> &work, double errors) {
  work.team->step_loss = (errors + (is_penalised(work) ? penalty_total(work) : 0.0)) * work.loss_scale;
}

// The gradient of a batch of n samples into g, and their errors, the samples one below the other.
template <class T> SCHUSS_INLINE void gradient_of_rows(Work<T> &work, int n) {
  gather(work, {0, n});
  for (int l = 0; l < work.depth; l++)
    narrow_forward(work.layers[l], input_of(work, l), forward_activation(work, l), n);
  output_rows<T>(work, 0, n);
  if (work.weights) weigh(work, work.batch, 0, {0, n});
  for (int l = work.depth - 1; l > 0; l--) narrow_backward(work.layers[l], work.layers[l - 1], work.transposed, n);
  if (work.observation) observe_rows(work, n);
  for (int l = 0; l < work.depth; l++) narrow_sums(work, work.layers[l], input_of(work, l), n);
}

// The gradient of a whole batch into g, by one thread, where layers are narrow; false if it was given up.
template <class T> bool narrow_gradient(Work<T> &work, int n) {
  double flops = 0, loss = 0;
  for (int l = 0; l < work.depth; l++) flops += 6.0 * n * narrow_columns<T> * work.layers[l].n_in;
  if (given_up(work, flops)) return false;
  work.begin = 0;
  if (rows_are_far(work)) {
    look_ahead(work, next_rows(work, n), 0, {});  // no tile of an update asks
    bring_nearer(work, work.ahead);
  }
  if (stand_beside(work, n)) gradient_beside(work, n);
  else gradient_of_rows(work, n);
  for (int r = 0; r < n; r++) loss += work.errors[r];
  note_loss(work, loss);
  return true;
}

// All of a step but what changes weights and memory. A batch comes in chunks of rows. All but the last leave their
// gradient sums in g, and where an update takes long the last leaves gradients there; so a step can be given up until
// it turns to the weights themselves.
template <class T> bool chunks(Work<T> &work, const Batch &batch, int thread) {
  double loss = 0;
  work.in_place = reads_in_place(work, batch);
  const int together = layers_together(work), back = layers_together_back(work);
  for (long begin = 0; begin < batch.n; begin += work.chunk) {
    const int n = batch.n - begin < work.chunk ? int(batch.n - begin) : work.chunk;
    const bool last = begin + n == batch.n;
    const Range rows = share(n, 4, thread, work.team->threads);
    work.begin = begin;
    gather(work, rows);
    if (!forward_together(work, together, n, rows, thread)) return false;
    note_owed(work);
    rows_from_both_sides(work, together, n, thread, [&](const Range &some) {
      forward_from<T>(work, together, some);
      output_rows<T>(work, some.first, some.last);
      if (work.weights) weigh(work, batch, begin, some);
      if (!work.only_loss) backward_to(work, back, some);
    });
    if (!work.only_loss && !backward_together(work, back, n, rows, thread)) return false;
    if (work.judge && last) work.team->apart_from = work.judge(work.poll_data, work);
    if (meet(*work.team)) return false;
    if (thread == 0) {
      for (int r = 0; r < n; r++) loss += work.errors[r];
      if (last) note_loss(work, loss);
    }
    if (work.only_loss) {
      if (meet(*work.team)) return false;  // before the next rows' errors take the place of these
      continue;
    }
    if (work.observation) observe_rows(work, n);
    if (work.may_be_apart) work.apart_from = work.team->apart_from;
    const Range layers = {last && work.update ? apart_from(work) : 0, work.depth};
    if (layers.first == layers.last) return true;
    const Fate fate = last ? Fate::gradient : Fate::kept;
    update_layers(work, layers, fate, begin > 0, n, thread);
    if (last && work.clips) square_gradient(work, thread);
    if (meet(*work.team)) return false;
  }
  return true;
}

// What a step is made for; gradients of some layers may stand in g, and are multiplied by a factor.
template <class T> void change_weights(Work<T> &work, T factor, int thread) {
  const int from = apart_from(work);
  const Fate fate = work.norms ? Fate::squared : Fate::updated;
  update_layers(work, {0, from}, fate, work.batch.n > work.chunk, last_rows(work.batch.n, work.chunk), thread);
  if (from < work.depth) apply_layers(work, {from, work.depth}, factor, thread);
}

// By what gradients that stand in g are multiplied: noted where weights are watched.
template <class T> T factor_of(const Work<T> &work) {
  const T factor = work.clips ? clip_factor(work) : T(1);
  if (work.observation) work.observation->factor[work.number] = factor;
  return factor;
}

// A step of a narrow network, by one thread.
template <class T> bool narrow_step(Work<T> &work, int n, int thread) {
  if (!narrow_gradient(work, n)) return false;
  if (work.clips) square_gradient(work, thread);
  narrow_update(work, factor_of(work));
  return true;
}

template <class T> bool step(Work<T> &work, const Batch &batch, int thread) {
  work.batch = batch;
  if (work.observation) observe_weights(work);
  if (is_penalised(work)) penalties(work, thread);
  if constexpr (!in_pairs<T>) {
    if (work.narrow && batch.n <= work.chunk) return narrow_step(work, int(batch.n), thread);
  }
  if (!chunks(work, batch, thread)) return false;
  const T factor = factor_of(work);
  if (work.update) {
    change_weights(work, factor, thread);
    meet(*work.team);
  } else if (factor != T(1)) {
    scale_gradient(work, factor, thread);
  }
  if (work.norms && thread == 0) owe_norms(work, apart_from(work) == work.depth, last_rows(work.batch.n, work.chunk));
  return true;
}

// Also where no step follows.
template <class T> void settle_all(Work<T> &work, int thread) {
  note_owed(work);
  if constexpr (!in_pairs<T>) {
    if (!work.lags) return;
    const Range r = share(work.layers[0].n_in, rows_together, thread, work.team->threads);
    catch_up_all(work, r.first, r.last);
  }
}

template <class T> void outputs(Work<T> &work, long first, int row, int n) {
  const Layer<T> &in = work.layers[0];
  work.batch = {nullptr, first - row, n};
  for (int r = 0; r < n && !is_sparse(work, 0); r++)
    copy_row(work.x_batch + (row + r) * in.stride_in, work.x + (first + r) * work.x_stride, in.n_in);
  if (!is_sparse(work, 0)) pair_inputs(work, {row, row + n});
  forward_from(work, 0, {row, row + n});
  output_values<T>(work, row, row + n);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// The way forth and the way back, layer by layer: where rows are shared out, by each thread on its own; where columns
// are, by all of them together.
#pragma once
#include "backward.hpp"
#include "dropout.hpp"
#include "shares.hpp"
#include "sparse.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// The first layer from rows where they lie.
template <class T> void forward_in_place(Work<T> &work, const Part &part) {
  const Layer<T> &layer = work.layers[0];
  const T *rows[chunk_rows];
  for (int r = part.rows.first; r < part.rows.last; r++) rows[r] = input_row(work, 0, r);
  const ForwardRows<T> op = {{layer, forward_activation(work, 0), nullptr, 0, 0}, rows};
  for (int p = part.panels.first; p < part.panels.last; p++) {
    if (given_up(work, 2.0 * (part.rows.last - part.rows.first) * layer.n_in * panel<T>)) return;
    rows_of_tiles<T, panel_vectors>(op, part.rows.first, part.rows.last, op.panel_at(p, 0), 0, layer.n_in);
  }
  if (layer.drops) drop<T>(work, 0, part.rows.first, part.rows.last);
}

template <class T> SCHUSS_INLINE bool reads_in_place(const Work<T> &work, const Batch &batch) {
  const Layer<T> &in = work.layers[0];
  const bool fits = in.n_in <= k_block && vectors_of<T>(in.n_out) % panel_vectors == 0;
  return !in_pairs<T> && !is_sparse(work, 0) && fits && batch.n <= work.chunk && are_spread(work, batch.n);
}

template <class T> void forward_layer(Work<T> &work, int l, const Part &part) {
  if (l == 0 && work.in_place) return forward_in_place<T>(work, part);
  const Layer<T> &layer = work.layers[l];
  const Paired<T> &pairs = input_pairs(work, l);
  const ForwardOp<T> op = {layer, forward_activation(work, l), in_pairs<T> ? pairs.along : input_of(work, l),
                           in_pairs<T> ? pairs.stride : layer.stride_in};
  if (is_sparse(work, l)) forward_sparse<T>(work, op, part.rows.first, part.rows.last);
  else multiply<T>(work, op, part, terms_of<T>(layer.n_in));
  if (layer.drops) drop<T>(work, l, part.rows.first, part.rows.last);
  if (l < work.depth - 1) pair_outputs(layer, part);
}

template <class T> void forward_from(Work<T> &work, int first, Range rows) {
  for (int l = first; l < work.depth; l++) forward_layer<T>(work, l, {rows, all_panels(work.layers[l])});
}

// f(panels) for a thread's own, and for each that it takes of the middle.
template <class T, class F> SCHUSS_INLINE void over_panels(Work<T> &work, const Share &share, int thread, F f) {
  f(share.own);
  const Range middle = share.middle;
  from_both_sides(work, thread, middle.last - middle.first,
                  [&](int piece) { f(Range{middle.first + piece, middle.first + piece + 1}); });
}

// The first layers for a chunk of n rows that all threads work at; false if the step is given up.
template <class T> bool forward_together(Work<T> &work, int layers, int n, Range rows, int thread) {
  bool whole = work.in_place;  // whether the layer's inputs are there for all rows
  for (int l = 0; l < layers; l++) {
    if (!keeps_columns(work, l)) {
      forward_layer<T>(work, l, {rows, all_panels(work.layers[l])});
      whole = false;
      continue;
    }
    if (!whole && meet(*work.team)) return false;
    over_panels(work, panel_share(work, l, n, thread), thread,
                [&](const Range &panels) { forward_layer<T>(work, l, {{0, n}, panels}); });
    if (meet(*work.team)) return false;
    whole = true;
  }
  return true;
}

// Error signals of the units below layer l, `part` of them.
template <class T> void backward_layer(Work<T> &work, int l, const Part &part) {
  const Layer<T> &layer = work.layers[l], &below = work.layers[l - 1];
  const T *a = in_pairs<T> ? layer.delta_pairs.along : layer.delta;
  const long a_row = in_pairs<T> ? layer.delta_pairs.stride : layer.stride;
  const BackwardOp<T> op = {layer, below, backward_activation(below), a, a_row, 1, work.transposed};
  multiply<T>(work, op, part, terms_of<T>(layer.n_out));
  pair_deltas(below, part);
}

// From the outputs back through layer `last`.
template <class T> void backward_to(Work<T> &work, int last, Range rows) {
  const Layer<T> &out = work.layers[work.depth - 1];
  pair_deltas(out, {rows, all_panels(out)});
  for (int l = work.depth - 1; l >= last; l--) backward_layer(work, l, {rows, all_panels(work.layers[l - 1])});
}

// Back through the first layers for a chunk of n rows that all threads work at; false if the step is given up. Where
// threads share columns, no panel of transposed weights is made twice.
template <class T> bool backward_together(Work<T> &work, int layers, int n, Range rows, int thread) {
  for (int l = layers - 1; l > 0; l--) {
    if (meet(*work.team)) return false;
    if (!has_columns(work, l - 1)) {
      backward_layer(work, l, {rows, all_panels(work.layers[l - 1])});
      continue;
    }
    over_panels(work, panel_share_back(work, l, n, thread), thread,
                [&](const Range &panels) { backward_layer<T>(work, l, {{0, n}, panels}); });
  }
  return true;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

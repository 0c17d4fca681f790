// Who computes what of a layer where several threads work at one step. A thread keeps some columns of the weights
// for itself, from step to step, so that they stay in its own cache; for that the threads meet after the layer's
// outputs. Where there are too few columns, rows of the batch are shared out, and rows of the weights. On the way back
// columns are shared too, so that no weights are transposed twice.
//
// Two processors are seldom equally fast at one moment, and the slower would be waited for at each meeting. So of
// large products two neighbours keep the middle between their shares for the end, and then each takes pieces of it
// from its own side, until they meet.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr double large_product = 2e7;  // flops
constexpr int few_weights = 4096;      // that take no longer to transpose than threads to meet
constexpr int rows_back = 12;          // of a batch, that a thread takes at once on the way back: whole tiles

template <class T> SCHUSS_INLINE bool has_columns(const Work<T> &work, int l) {
  const int threads = work.team->threads, panels = panels_of<T>(work.layers[l].n_out);
  if (threads == 1 || panels < threads) return false;
  return panels % threads == 0 || panels >= 4 * threads;
}
template <class T> SCHUSS_INLINE bool keeps_columns(const Work<T> &work, int l) {
  return !work.by_rows && has_columns(work, l);
}

template <class T> SCHUSS_INLINE Range all_panels(const Layer<T> &layer) { return {0, panels_of<T>(layer.n_out)}; }

// A thread's part of the weights of layer l.
template <class T> SCHUSS_INLINE Part weights_part(const Work<T> &work, int l, int thread) {
  const Layer<T> &layer = work.layers[l];
  const int threads = work.team->threads;
  if (keeps_columns(work, l)) return {{0, layer.n_in}, share(panels_of<T>(layer.n_out), 1, thread, threads)};
  return {share(layer.n_in, rows_together, thread, threads), all_panels(layer)};
}

// A share as a thread goes through it: its own end, and the middle that it has in common with its neighbour, which the
// last of an odd number of threads has not. All begin at whole units.
struct Share {
  Range own, middle;
};
SCHUSS_INLINE Share share_of(int count, int unit, int thread, int threads, bool is_large) {
  const Range mine = share(count, unit, thread, threads);
  const int left = thread & ~1, right = left + 1;
  if (!is_large || right == threads || thread >= 2 * most_pairs) return {mine, {mine.last, mine.last}};
  const auto lent = [&](const Range &r) { return (r.last - r.first) * 3 / 8 / unit * unit; };
  const Range a = share(count, unit, left, threads), b = share(count, unit, right, threads);
  const Range middle = {a.last - lent(a), b.first + lent(b)};
  return {thread == left ? Range{a.first, middle.first} : Range{middle.last, b.last}, middle};
}

// f(piece) for pieces of the middle, from this thread's side. Who draws a number of the next middle keeps it: so
// threads need not meet between one and the next.
template <class T, class F> SCHUSS_INLINE void from_both_sides(Work<T> &work, int thread, int pieces, F f) {
  Drawn &drawn = work.drawn;
  for (int i = 0; pieces > 0; i++) {
    if (drawn.number < 0) drawn.number = __atomic_fetch_add(&work.team->pairs[thread / 2].next, 1, __ATOMIC_RELAXED);
    if (drawn.number >= drawn.before + pieces) break;
    drawn.number = -1;
    f(thread % 2 ? pieces - 1 - i : i);
  }
  drawn.before += pieces;
}

// The panels of layer l that a thread goes through, where a chunk has so many samples; and on the way back those of the
// units below it.
template <class T>
SCHUSS_INLINE Share panels_shared(const Work<T> &work, int l, int units, int samples, int thread) {
  const Layer<T> &layer = work.layers[l];
  const bool is_large = 2.0 * layer.n_in * layer.n_out * samples > large_product;
  return share_of(panels_of<T>(units), 1, thread, work.team->threads, is_large);
}
template <class T> SCHUSS_INLINE Share panel_share(const Work<T> &work, int l, int samples, int thread) {
  return panels_shared(work, l, work.layers[l].n_out, samples, thread);
}
template <class T> SCHUSS_INLINE Share panel_share_back(const Work<T> &work, int l, int samples, int thread) {
  return panels_shared(work, l, work.layers[l].n_in, samples, thread);
}

// Layers up to the last of which threads keep columns. From there on each row goes through all that is left by itself.
template <class T> SCHUSS_INLINE int layers_together(const Work<T> &work) {
  int l = work.depth;
  while (l > 0 && !keeps_columns(work, l - 1)) l--;
  return l;
}
// And back through the last layers, of whose few weights each thread transposes all; not so of the layers before.
template <class T> SCHUSS_INLINE int layers_together_back(const Work<T> &work) {
  const auto is_small = [&](const Layer<T> &layer) { return long(layer.n_in) * layer.n_out <= few_weights; };
  int l = work.depth;
  while (l > 1 && is_small(work.layers[l - 1])) l--;
  return l;
}

// f(rows) for a thread's share of the rows of a chunk of n samples: forth from `first_layer` on, and back. Where there
// is no layer before it, nobody has the inputs of his neighbour's rows.
template <class T, class F>
SCHUSS_INLINE void rows_from_both_sides(Work<T> &work, int first_layer, int n, int thread, F f) {
  double flops = 0;
  for (int l = 1; l < work.depth; l++) flops += 2.0 * work.layers[l].n_in * work.layers[l].n_out * n;
  const bool is_large = first_layer > 0 && flops > large_product;
  const auto [own, middle] = share_of(n, 4, thread, work.team->threads, is_large);
  f(own);
  const int pieces = (middle.last - middle.first + rows_back - 1) / rows_back;
  from_both_sides(work, thread, pieces, [&, middle = middle](int piece) {
    const int first = middle.first + piece * rows_back;
    f(Range{first, least(first + rows_back, middle.last)});
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

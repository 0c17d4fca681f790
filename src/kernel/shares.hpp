// Who computes what of a layer where several threads work at one step. A thread keeps some columns of the weights
// for itself, from step to step, so that they stay in its own cache; for that the threads meet after the layer's
// outputs. Where there are too few columns, rows of the batch are shared out, and rows of the weights.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T> SCHUSS_INLINE bool keeps_columns(const Work<T> &work, int l) {
  const int threads = work.team->threads, panels = panels_of<T>(work.layers[l].n_out);
  if (threads == 1 || work.by_rows || panels < threads) return false;
  return panels % threads == 0 || panels >= 4 * threads;
}

template <class T> SCHUSS_INLINE Range all_panels(const Layer<T> &layer) { return {0, panels_of<T>(layer.n_out)}; }

// A thread's part of the weights of layer l.
template <class T> SCHUSS_INLINE Part weights_part(const Work<T> &work, int l, int thread) {
  const Layer<T> &layer = work.layers[l];
  const int threads = work.team->threads;
  if (keeps_columns(work, l)) return {{0, layer.n_in}, share(panels_of<T>(layer.n_out), 1, thread, threads)};
  return {share(layer.n_in, rows_together, thread, threads), all_panels(layer)};
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

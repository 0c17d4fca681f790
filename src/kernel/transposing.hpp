// The weights as the backward pass reads them: made anew from those that an update has left.
#pragma once
#include "pairs.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Copy rows [first, first + lanes) of some panels of w, as columns, into w_t.
template <class T> void transpose_rows(const Layer<T> &layer, int first, Range panels) {
  const int width = vectors_of<T>(layer.n_in);
  const int p_t = first / panel<T>, vectors_t = least(panel_vectors, width - p_t * panel_vectors);
  const long stride_t = long(vectors_t) * lanes<T>;
  T *to = layer.w_t + long(p_t) * panel<T> * layer.n_out + (first - p_t * panel<T>);
  const int end = least(layer.n_out, panels.last * panel<T>);
  for (int c = panels.first * panel<T>; c < end; c += lanes<T>) {
    const Panel<T> p = weight_panel<T>(layer.w, layer.n_in, layer.n_out, c / panel<T>, 0);
    const T *from = p.b + (c - p.at) + first * p.stride;
    const int rows = least(lanes<T>, layer.n_in - first), columns = least(lanes<T>, layer.n_out - c);
    if (columns <= few<T>) turn_columns<T, few<T>>(to + c * stride_t, stride_t, from, p.stride, rows, columns);
    else turn_columns<T, lanes<T>>(to + c * stride_t, stride_t, from, p.stride, rows, columns);
  }
}

template <class T> void transpose(const Layer<T> &layer, const Part &part) {
  if (!in_pairs<T> && !layer.w_t) return;
  for (int row = part.rows.first; row < part.rows.last; row += lanes<T>) {
    if (in_pairs<T>) pair_weights<T>(layer, row, part.panels);
    else transpose_rows<T>(layer, row, part.panels);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

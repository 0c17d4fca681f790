// Products of pairs of bfloat16, where the processor has them: two products at once, each exact, added up in float32
// one after the other. Weights, memory, outputs and error signals stay float32; what a product is made of is rounded
// to the nearest bfloat16 (bfloat16.hpp).
#pragma once
#include "matmul.hpp"
#include "transposing.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Rows [rows.first, rows.last), which begin at an even one, and columns from `first` to before `end`, in pairs.
template <class T>
__attribute__((noinline)) void pair_rows(const T *from, long stride, const Paired<T> &to, Range rows, int first,
                                         int end) {
  for (int r = rows.first; r < rows.last; r += 2) {
    const T *row = from + r * stride;
    const bool two = r + 1 < rows.last;
    for (int c = first; c < end; c += 2 * lanes<T>) {
      Vec<T> m[2][2];
      for (int i = 0; i < 2; i++)
        for (int v = 0; v < 2; v++) {
          const bool is_there = (i == 0 || two) && c + v * lanes<T> < end;
          m[i][v] = is_there ? load<T>(row + i * stride + c + v * lanes<T>) : Vec<T>{};
        }
      store<T>(to.along + r * to.stride + c / 2, pair_along(m[0][0], m[0][1]));
      if (two) store<T>(to.along + (r + 1) * to.stride + c / 2, pair_along(m[1][0], m[1][1]));
      for (int v = 0; v < 2 && c + v * lanes<T> < end; v++)
        store<T>(to.across + r / 2 * stride + c + v * lanes<T>, pair_across(m[0][v], m[1][v]));
    }
  }
}

template <class T> SCHUSS_INLINE const Paired<T> &input_pairs(const Work<T> &work, int l) {
  return l == 0 ? work.x_pairs : work.layers[l - 1].y_pairs;
}

// What the next product is made of, after the numbers themselves; nothing where products are not of pairs.
template <class T> SCHUSS_INLINE void pair_inputs(const Work<T> &work, Range rows) {
  const Layer<T> &in = work.layers[0];
  if (in_pairs<T>) pair_rows<T>(work.x_batch, in.stride_in, work.x_pairs, rows, 0, vectors_of<T>(in.n_in) * lanes<T>);
}
template <class T> SCHUSS_INLINE void pair_outputs(const Layer<T> &layer, const Part &part) {
  const int end = least(part.panels.last * panel<T>, vectors_of<T>(layer.n_out) * lanes<T>);
  if (in_pairs<T>) pair_rows<T>(layer.y, layer.stride, layer.y_pairs, part.rows, part.panels.first * panel<T>, end);
}
template <class T> SCHUSS_INLINE void pair_deltas(const Layer<T> &layer, const Part &part) {
  const int end = least(part.panels.last * panel<T>, vectors_of<T>(layer.n_out) * lanes<T>);
  const int first = part.panels.first * panel<T>;
  if (in_pairs<T>) pair_rows<T>(layer.delta, layer.stride, layer.delta_pairs, part.rows, first, end);
}

// Rows of some panels of w, from an even one on, in pairs.
template <class T> void pair_weights(const Layer<T> &layer, const Part &part) {
  if (!in_pairs<T>) return;
  for (int p = part.panels.first; p < part.panels.last; p++)
    for (int row = part.rows.first; row < part.rows.last; row += 2) {
      const Panel<T> from = weight_panel<T>(layer, layer.w, p, row);
      const Panel<T> to = pairs_panel<T>(layer, p, row / 2);
      for (int c = 0; c < from.stride; c += lanes<T>) {
        const Vec<T> below = row + 1 < layer.n_in ? load<T>(from.b + from.stride + c) : Vec<T>{};
        store<T>(const_cast<T *>(to.b) + c, pair_across(load<T>(from.b + c), below));
      }
    }
}

template <class T> void pair_some(const Layer<T> &layer, int first, int last) {
  pair_weights<T>(layer, {{first, last}, {0, panels_of<T>(layer.n_out)}});
}

// A square of weights and the one to its right, of `columns` columns that are there, as columns of pairs.
template <class T>
SCHUSS_INLINE void transpose_pairs(T *to, long to_stride, const T *from, long stride, int rows, int columns) {
  Vec<T> m[2][lanes<T>] = {};
  for (int v = 0; v < 2 && v * lanes<T> < columns; v++) load_rows<T>(m[v], from + v * lanes<T>, stride, rows);
  for (int r = 0; r < lanes<T>; r++) m[0][r] = pair_along(m[0][r], m[1][r]);
  transpose_square<T>(m[0]);
  const int pairs = terms_of<T>(least(2 * lanes<T>, columns));
  for (int j = 0; j < pairs; j++) store<T>(to + j * to_stride, m[0][j]);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

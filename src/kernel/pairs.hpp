// Products of pairs of bfloat16, where the processor has them: two products at once, each exact, added up in float32
// one after the other. Weights, memory, outputs and error signals stay float32; what a product is made of is rounded
// to the nearest bfloat16, ties to even, and numbers too small for a float32 of full precision count as zero.
#pragma once
#include "losses.hpp"

namespace schuss {
namespace SCHUSS_ISA {

#if SCHUSS_PAIRS
// Lane i of the one is numbers 2i and 2i+1 of a row that a and b hold; that of the other, lane i of a and of b.
SCHUSS_INLINE VecF pair_along(VecF a, VecF b) { return (VecF)_mm512_cvtne2ps_pbh(b, a); }
SCHUSS_INLINE VecF pair_across(VecF a, VecF b) {
  const VecU lower = (VecU)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)_mm512_cvtneps_pbh(a));
  const VecU upper = (VecU)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)_mm512_cvtneps_pbh(b));
  return (VecF)(lower | upper << 16);
}
#else
template <class V> SCHUSS_INLINE V pair_along(V a, V) { return a; }   // never called
template <class V> SCHUSS_INLINE V pair_across(V a, V) { return a; }
#endif

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
template <class T> SCHUSS_INLINE void pair_deltas(const Layer<T> &layer, Range rows) {
  const int end = vectors_of<T>(layer.n_out) * lanes<T>;
  if (in_pairs<T>) pair_rows<T>(layer.delta, layer.stride, layer.delta_pairs, rows, 0, end);
}

// Rows [first, first + lanes) of some panels of w in pairs: across two rows into w_pairs, along each into w_t.
template <class T> void pair_weights(const Layer<T> &layer, int first, Range panels) {
  const int p_t = first / panel<T>, vectors_t = least(panel_vectors, vectors_of<T>(layer.n_in) - p_t * panel_vectors);
  const long stride_t = long(vectors_t) * lanes<T>;
  T *to_t = layer.w_t + long(p_t) * panel<T> * terms_of<T>(layer.n_out) + (first - p_t * panel<T>);
  const int end = least(vectors_of<T>(layer.n_out) * lanes<T>, panels.last * panel<T>);
  for (int c = panels.first * panel<T>; c < end; c += 2 * lanes<T>) {
    const int p = c / panel<T>;
    const Panel<T> from = weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, first);
    const Panel<T> to = weight_panel<T>(layer.w_pairs, terms_of<T>(layer.n_in), layer.n_out, p, first / 2);
    const int at = c - from.at;
    Vec<T> m[2][lanes<T>];
    for (int v = 0; v < 2; v++)
      for (int r = 0; r < lanes<T>; r++) {
        const bool is_there = first + r < layer.n_in && c + v * lanes<T> < end;
        m[v][r] = is_there ? load<T>(from.b + r * from.stride + at + v * lanes<T>) : Vec<T>{};
      }
    for (int v = 0; v < 2 && c + v * lanes<T> < end; v++)
      for (int r = 0; r < lanes<T> && first + r < layer.n_in; r += 2)
        store<T>(const_cast<T *>(to.b) + r / 2 * to.stride + at + v * lanes<T>, pair_across(m[v][r], m[v][r + 1]));
    if (!layer.w_t) continue;
    for (int r = 0; r < lanes<T>; r++) m[0][r] = pair_along(m[0][r], m[1][r]);
    transpose_square<T>(m[0]);
    const int pairs = terms_of<T>(least(2 * lanes<T>, layer.n_out - c));
    for (int j = 0; j < pairs; j++) store<T>(to_t + (c / 2 + j) * stride_t, m[0][j]);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

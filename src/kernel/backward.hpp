// The way back. It reads the weights transposed: a panel at a time, made in a thread's own room just before all samples
// go through it.
#pragma once
#include "pairs.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// The weights from up to `lanes` units, whose rows begin at `from`, to `columns` units above, at `to`: a row for each
// of those.
template <class T>
SCHUSS_INLINE void transpose_block(T *to, long to_stride, const T *from, long stride, int rows, int columns) {
  if (columns <= few<T>) turn_columns<T, few<T>>(to, to_stride, from, stride, rows, columns);
  else turn_columns<T, lanes<T>>(to, to_stride, from, stride, rows, columns);
}

// Panel p of a layer's transposed weights, from term k to where a sum is cut, in `room`.
template <class T> Panel<T> transposed_panel(const Layer<T> &layer, T *room, int p, int k) {
  constexpr int together = in_pairs<T> ? 2 * lanes<T> : lanes<T>;
  const int vectors = least(panel_vectors, vectors_of<T>(layer.n_in) - p * panel_vectors);
  const long stride = long(vectors) * lanes<T>;
  const int first = in_pairs<T> ? 2 * k : k;
  const int end = least(layer.n_out, in_pairs<T> ? 2 * (k + k_block) : k + k_block);
  T *to = room;
  for (int c = first; c < end; c += together, to += lanes<T> * stride) {
    const Panel<T> from = weight_panel<T>(layer, layer.w, c / panel<T>, p * panel<T>);
    for (int v = 0; v < vectors; v++) {
      const T *at = from.b + v * lanes<T> * from.stride + (c - from.at);
      const int rows = least(lanes<T>, layer.n_in - p * panel<T> - v * lanes<T>);
      if (in_pairs<T>) transpose_pairs(to + v * lanes<T>, stride, at, from.stride, rows, layer.n_out - c);
      else transpose_block(to + v * lanes<T>, stride, at, from.stride, rows, least(lanes<T>, layer.n_out - c));
    }
  }
  return {room, stride, p * panel<T>, vectors};
}

// The activation by whose slopes the way back multiplies: another where a layer stores them.
template <class T> SCHUSS_INLINE Activation backward_activation(const Layer<T> &layer) {
  return layer.drops || stores_slope[int(layer.activation)] ? stored_slope : layer.activation;
}

// δ_k = f′(x_k)·Σ_j w_kj·δ_j: rows are samples, columns the units of the layer below.
template <class T, long known_stride = 0> struct BackwardOp {
  const Layer<T> &layer, &below;
  Activation activation;  // whose slope that of the layer below is
  const T *a;
  long a_row, a_term;
  T *room;
  bool is_first = true, is_last = true;
  static constexpr bool by_groups() { return false; }

  long stride() const { return known_stride ? known_stride : below.stride; }
  long term() const { return known_stride ? a_term : 1; }  // as in ForwardOp
  Panel<T> panel_at(int p, int k) const { return transposed_panel(layer, room, p, k); }
  template <int MR, int NV> __attribute__((always_inline)) Nothing begin(int, const Panel<T> &) const { return {}; }
  template <int MR> __attribute__((always_inline)) Evenly<T> left(int row, int k) const {
    return {a + row * a_row + k * term(), a_row, term()};
  }
  template <int NV> __attribute__((always_inline)) Vec<T> start(int row, const Panel<T> &p, int v) const {
    return is_first ? Vec<T>{} : load<T>(below.delta + row * stride() + p.at + v * lanes<T>);
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    const long at = row * stride() + p.at;
    if (!is_last) return put<Activation::identity>(at, c);
    switch (activation) {
      case Activation::relu: return put<Activation::relu>(at, c);
      case Activation::tanh: return put<Activation::tanh>(at, c);
      case stored_slope: return put<stored_slope>(at, c);
      default:
        put<Activation::identity>(at, c);
        times_slope<T>(activation, below.delta + at, below.y + at, stride(), MR, NV);
    }
  }
  template <Activation known, int MR, int NV>
  __attribute__((always_inline)) void put(long at, Vec<T> (&c)[MR][NV]) const {
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) {
        const long i = at + r * stride() + v * lanes<T>;
        if (known == Activation::identity) store<T>(below.delta + i, c[r][v]);
        else store<T>(below.delta + i, slope_at<T>(known, load<T>(below.y + i), below.slope, i) * c[r][v]);
      }
  }
};

}  // namespace SCHUSS_ISA
}  // namespace schuss

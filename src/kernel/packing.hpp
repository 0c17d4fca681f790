// From the flat canonical vector into panels and back. A vector is copied whole even where a row ends within it:
// rows follow one another, so what is written too much is overwritten by the next row, but at the very end.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T> SCHUSS_INLINE Vec<T> load_anywhere(const T *p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T> SCHUSS_INLINE void store_anywhere(T *p, Vec<T> v) { __builtin_memcpy(p, &v, sizeof v); }

// The first n lanes of v, the others zero.
template <class T> SCHUSS_INLINE Vec<T> first_lanes(Vec<T> v, int n) {
  return pick<T>(lane_numbers<T>() < Ints<T>{} + n, v, Vec<T>{});
}

// Copy n elements that may end at `end` into whole vectors.
template <class T> SCHUSS_INLINE void copy_in(T *to, const T *from, int n, const T *end) {
  for (int i = 0; i < n; i += lanes<T>) {
    if (end - (from + i) >= lanes<T>) {
      store<T>(to + i, first_lanes<T>(load_anywhere(from + i), n - i));
    } else {
      for (int j = 0; j < lanes<T>; j++) to[i + j] = i + j < n ? from[i + j] : T(0);
    }
  }
}

template <class T> SCHUSS_INLINE void copy_out(T *to, const T *from, int n, const T *end) {
  for (int i = 0; i < n; i += lanes<T>) {
    if (end - (to + i) >= lanes<T>) {
      store_anywhere<T>(to + i, load<T>(from + i));
    } else {
      for (int j = 0; j < lanes<T> && i + j < n; j++) to[i + j] = from[i + j];
    }
  }
}

// Visit the rows of the panels in the order of the flat vector: f(place in the panels, in the vector, count).
template <class T, class F> SCHUSS_INLINE void over_rows(const Layer<T> &layer, F f) {
  for (int k = 0; k < layer.n_in; k++)
    for (int p = 0; p * panel<T> < layer.n_out; p++) {
      const Panel<T> at = weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, k);
      f(at.b - layer.w, long(k) * layer.n_out + at.at, least(panel<T>, layer.n_out - at.at));
    }
}

// One layer's part of a vector that ends at `end`, beginning at `from`; returns where the next layer's begins.
template <class T> const T *pack(const Layer<T> &layer, T *w, T *b, const T *from, const T *end) {
  over_rows(layer, [&](long to, long at, int n) { copy_in(w + to, from + at, n, end); });
  from += long(layer.n_in) * layer.n_out;
  if (!layer.has_bias) return from;
  copy_in(b, from, layer.n_out, end);
  return from + layer.n_out;
}

template <class T> T *unpack(const Layer<T> &layer, const T *w, const T *b, T *to, const T *end) {
  over_rows(layer, [&](long from, long at, int n) { copy_out(to + at, w + from, n, end); });
  to += long(layer.n_in) * layer.n_out;
  if (!layer.has_bias) return to;
  copy_out(to, b, layer.n_out, end);
  return to + layer.n_out;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

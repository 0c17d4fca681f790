// From the flat canonical vector into panels and back. A vector is copied whole even where a row ends within it:
// rows follow one another, so what is written too much is overwritten by the next row, but at the very end.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

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

// Visit rows [first, last) of the panels in the order of the flat vector: f(place in the panels, in the vector, count).
template <class T, class F> SCHUSS_INLINE void over_rows(const Layer<T> &layer, int first, int last, F f) {
  for (int k = first; k < last; k++)
    for (int p = 0; p < stored_panels(layer); p++) {
      const Panel<T> at = weight_panel<T>(layer, layer.w, p, k);
      f(at.b - layer.w, long(k) * layer.n_out + at.at, least(layer.panel, layer.n_out - at.at));
    }
}

// Rows [first, last) of a layer's weights, which begin at `from` in a vector that ends at `end`.
template <class T> void pack(const Layer<T> &layer, T *w, const T *from, const T *end, int first, int last) {
  over_rows(layer, first, last, [&](long to, long at, int n) { copy_in(w + to, from + at, n, end); });
}

// Not one number beyond these rows is written, so several threads may write at once.
template <class T> void unpack(const Layer<T> &layer, const T *w, T *to, int first, int last) {
  const T *end = to + long(last) * layer.n_out;
  over_rows(layer, first, last, [&](long from, long at, int n) { copy_out(to + at, w + from, n, end); });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// The length of a gradient that stands in g, and what is done where it is too long: g·min(1, clip/‖g‖). Squares
// are added up in double, along each row of the weights and then over the rows, so that neither the number of
// threads nor the width of the vectors changes a bit.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Σ g² of `columns` elements; where(c) is the address of a vector of them. Sum i of eight adds up every eighth.
template <class F> SCHUSS_INLINE double square_of(int columns, F where) {
  VecD part[block_vectors] = {};
  for (int c = 0; c < columns; c += block_lanes<double>)
#pragma GCC unroll 4
    for (int v = 0; v < block_vectors; v++)
      if (c + v * lanes<double> < columns) {
        const VecD x = load_wide(where(c + v * lanes<double>));
        part[v] = part[v] + x * x;
      }
  return sum_block<double>(part);
}

template <class T> double square_of_row(const Layer<T> &layer, int k) {
  return square_of(layer.n_out, [&](int c) {
    const Panel<T> p = weight_panel<T>(layer.g, layer.n_in, layer.n_out, c / panel<T>, k);
    return p.b + (c - p.at);
  });
}

template <class T> double square_of_biases(const Layer<T> &layer) {
  return square_of(layer.n_out, [&](int c) { return layer.b_g + c; });
}

// Each row by the thread that has brought its gradient into g.
template <class T> void squares(Work<T> &work, int thread) {
  double *sums = work.row_square;
  for (int l = 0; l < work.depth; sums += work.layers[l].n_in + 1, l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, 48, thread, work.team->threads);
    for (int k = r.first; k < r.last; k++) sums[k] = square_of_row<T>(layer, k);
    if (layer.has_bias && thread == 0) sums[layer.n_in] = square_of_biases<T>(layer);
  }
}

// After all threads have met: every one of them adds the rows up for itself.
template <class T> T clip_factor(const Work<T> &work) {
  double total = 0;
  const double *sums = work.row_square;
  for (int l = 0; l < work.depth; sums += work.layers[l].n_in + 1, l++)
    for (int k = 0; k <= work.layers[l].n_in; k++) total += sums[k];
  const double length = __builtin_sqrt(total);
  return length > work.clip ? T(work.clip / length) : T(1);
}

template <class T> void scale_gradient(const Work<T> &work, T factor, int thread) {
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, 48, thread, work.team->threads);
    for (int p = 0; p * panel<T> < layer.n_out; p++) {
      const Panel<T> at = weight_panel<T>(layer.g, layer.n_in, layer.n_out, p, r.first);
      T *g = layer.g + (at.b - layer.g);
      for (long i = 0; i < (r.last - r.first) * at.stride; i += lanes<T>)
        store<T>(g + i, factor * load<T>(g + i));
    }
    for (int c = 0; thread == 0 && c < layer.n_out; c += lanes<T>)
      store<T>(layer.b_g + c, factor * load<T>(layer.b_g + c));
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

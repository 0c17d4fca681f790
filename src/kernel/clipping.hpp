// What is done where a gradient that stands in g is too long: g·min(1, clip/‖g‖). Its squares are added up in double
// by groups of rows of which each belongs to one thread, in an order that hangs neither on the number of threads nor
// on the width of the vectors.
#pragma once
#include "lengths.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int rows_at_once = 2;  // so that a sum need not wait for the one before
static_assert(group_sums == block_lanes<double>, "a sum for each lane of a block");

template <class T> SCHUSS_INLINE void add_square(VecD &sum, const T *from) {
  const VecD x = load_wide(from);
  sum = sum + x * x;
}

// Σ m² of rows [first, last), at most a group, of a matrix in panels of some width, to eight sums: each adds up every
// eighth column.
template <class T>
void square_group(const T *m, int rows, int columns, int width, int first, int last, double *sums) {
  VecD part[block_vectors][rows_at_once] = {};
  for (int c = 0; c < columns; c += lanes<double>) {
    const Panel<T> p = panel_of(m, rows, columns, width, c / width, first);
    const T *from = p.b + (c - p.at);
    VecD(&sum)[rows_at_once] = part[c / lanes<double> % block_vectors];
    int k = first;
    for (; k + rows_at_once <= last; k += rows_at_once)
#pragma GCC unroll 2
      for (int r = 0; r < rows_at_once; r++, from += p.stride) add_square(sum[r], from);
    if (k < last) add_square(sum[0], from);
  }
  for (int v = 0; v < block_vectors; v++)
    store<double>(sums + v * lanes<double>, part[v][0] + part[v][1]);
}

// Those of a thread's own rows of the gradient, and for the first thread those of the biases.
template <class T> void square_gradient(const Work<T> &work, int thread) {
  double *sums = work.gradient_squares;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range own = share(layer.n_in, rows_together, thread, work.team->threads);
    for (int k = own.first; k < own.last; k += rows_together)
      square_group<T>(layer.g, layer.n_in, layer.n_out, layer.panel, k, least(own.last, k + rows_together),
                      sums + k / rows_together * group_sums);
    sums += groups_of(layer.n_in) * group_sums;
    if (layer.has_bias && thread == 0) square_group<T>(layer.b_g, 1, layer.n_out, layer.panel, 0, 1, sums);
    sums += group_sums;
  }
}

// After all threads have met: every one of them works it out for itself.
template <class T> T clip_factor(const Work<T> &work) {
  VecD part[block_vectors] = {};
  const double *sums = work.gradient_squares;
  for (int l = 0; l < work.depth; l++)
    for (int i = 0; i <= groups_of(work.layers[l].n_in); i++, sums += group_sums)
      for (int v = 0; v < block_vectors; v++) part[v] = part[v] + load<double>(sums + v * lanes<double>);
  const double length = __builtin_sqrt(sum_block<double>(part));
  return length > work.clip ? T(work.clip / length) : T(1);
}

template <class T> void scale_gradient(const Work<T> &work, T factor, int thread) {
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, rows_together, thread, work.team->threads);
    for (int p = 0; p < stored_panels(layer); p++) {
      const Panel<T> at = weight_panel<T>(layer, layer.g, p, r.first);
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

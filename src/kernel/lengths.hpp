// Lengths of what is as long as the weights: a gradient, a memory, a change. Squares are added up in double by groups
// of rows of which each belongs to one thread, in an order that hangs neither on the number of threads nor on the
// width of the vectors.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int rows_at_once = 2;  // so that a sum need not wait for the one before
constexpr int group_sums = block_lanes<double>;

template <class T> SCHUSS_INLINE void add_square(VecD &sum, const T *from) {
  const VecD x = load_wide(from);
  sum = sum + x * x;
}

// Σ m² of rows [first, last), at most a group, of a matrix in panels, to eight sums: each adds up every eighth column.
template <class T> void square_group(const T *m, int rows, int columns, int first, int last, double *sums) {
  VecD part[block_vectors][rows_at_once] = {};
  for (int c = 0; c < columns; c += lanes<double>) {
    const Panel<T> p = weight_panel<T>(m, rows, columns, c / panel<T>, first);
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

SCHUSS_INLINE int groups_of(int rows) { return (rows + rows_together - 1) / rows_together; }

// One of the things that stand beside the weights of a layer.
template <class T> struct Beside {
  const T *weights, *biases;
};
struct Gradient {
  template <class T> static Beside<T> of(const Layer<T> &layer) { return {layer.g, layer.b_g}; }
};
struct FirstMemory {
  template <class T> static Beside<T> of(const Layer<T> &layer) { return {layer.memory[0], layer.b_memory[0]}; }
};

// Those of a thread's own rows, and for the first thread those of the biases, to `sums`.
template <class What, class T> void square_own(const Work<T> &work, int thread, double *sums) {
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Beside<T> of = What::of(layer);
    const Range own = share(layer.n_in, rows_together, thread, work.team->threads);
    for (int k = own.first; k < own.last; k += rows_together)
      square_group<T>(of.weights, layer.n_in, layer.n_out, k, least(own.last, k + rows_together),
                      sums + k / rows_together * group_sums);
    sums += groups_of(layer.n_in) * group_sums;
    if (layer.has_bias && thread == 0) square_group<T>(of.biases, 1, layer.n_out, 0, 1, sums);
    sums += group_sums;
  }
}

// From those sums, after all threads have met.
template <class T> double length_of(const Work<T> &work, const double *sums) {
  VecD part[block_vectors] = {};
  for (int l = 0; l < work.depth; l++)
    for (int i = 0; i <= groups_of(work.layers[l].n_in); i++, sums += group_sums)
      for (int v = 0; v < block_vectors; v++) part[v] = part[v] + load<double>(sums + v * lanes<double>);
  return __builtin_sqrt(sum_block<double>(part));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

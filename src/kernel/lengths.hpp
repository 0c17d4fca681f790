// The lengths of a step's gradient, of the memory after it and of the change. What is squared is added up while it
// stands in registers: in T, down each column of a group of rows, in the order of the rows. Those sums are then added
// up in double. No order hangs on the number of threads, on the width of the vectors or on the way of the update.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int noted = 3;  // gradient, memory, change

SCHUSS_INLINE int groups_of(int rows) { return (rows + rows_together - 1) / rows_together; }

// The sums of one group of a layer's rows, and where those of the biases are.
template <class T> SCHUSS_INLINE T *squares_of(const Layer<T> &layer, int group) {
  return layer.squares + long(group) * noted * layer.stride;
}
template <class T> SCHUSS_INLINE T *bias_squares(const Layer<T> &layer) {
  return squares_of(layer, groups_of(layer.n_in));
}

// The sums of one vector of columns.
template <class T> struct Squares {
  Vec<T> sums[noted] = {};

  __attribute__((always_inline)) void gradient(Vec<T> x) { sums[0] = fma(x, x, sums[0]); }
  __attribute__((always_inline)) void memory(Vec<T> x) { sums[1] = fma(x, x, sums[1]); }
  __attribute__((always_inline)) void change(Vec<T> x) { sums[2] = fma(x, x, sums[2]); }

  __attribute__((always_inline)) void take(const T *from, long stride) {
    for (int i = 0; i < noted; i++) sums[i] = load<T>(from + i * stride);
  }
  __attribute__((always_inline)) void put(T *to, long stride) const {
    for (int i = 0; i < noted; i++) store<T>(to + i * stride, sums[i]);
  }
};

// In the place of those where no lengths are taken.
template <class T> struct NoSquares {
  __attribute__((always_inline)) void gradient(Vec<T>) const {}
  __attribute__((always_inline)) void memory(Vec<T>) const {}
  __attribute__((always_inline)) void change(Vec<T>) const {}
};

// f(row, squares) for rows [row, last) of one vector of columns, in order; where `row` lies within a group, its sums
// go on.
template <class T, class F>
SCHUSS_INLINE void down_column(const Layer<T> &layer, int column, int row, int last, F f) {
  while (row < last) {
    const int group = row / rows_together, end = least(last, (group + 1) * rows_together);
    T *at = squares_of(layer, group) + column;
    Squares<T> squares;
    if (row % rows_together) squares.take(at, layer.stride);
    for (; row < end; row++) f(row, squares);
    squares.put(at, layer.stride);
  }
}

using Totals = VecD[noted][block_vectors];

// Add eight columns from `from` on, of which n count, to eight sums each.
template <class T> SCHUSS_INLINE void add_block(Totals &totals, const T *from, long stride, int n) {
  for (int v = 0; v < block_vectors; v++) {
    const Ints<double> counts = lane_numbers<double>() < Ints<double>{} + (n - v * lanes<double>);
    for (int i = 0; i < noted; i++)
      totals[i][v] = totals[i][v] + pick<double>(counts, load_wide(from + i * stride + v * lanes<double>), VecD{});
  }
}

// After all threads have met.
template <class T> __attribute__((noinline)) void note_norms(const Work<T> &work) {
  Totals totals = {};
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    for (int group = 0; group < groups_of(layer.n_in) + layer.has_bias; group++)
      for (int c = 0; c < layer.n_out; c += block_lanes<double>)
        add_block(totals, squares_of(layer, group) + c, layer.stride, layer.n_out - c);
  }
  for (int i = 0; i < noted; i++) work.norms[i] = __builtin_sqrt(sum_block<double>(totals[i]));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// The lengths of a step's gradient, of the memory after it and of the change. What is squared is added up while it
// stands in registers: in T, down each column of a group of rows, in the order of the rows. Those sums are then added
// up in double. No order hangs on the number of threads, on the width of the vectors or on the way of the update.
#pragma once
#include "packing.hpp"

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

constexpr int columns_at_once = 2 * block_lanes<double>;  // so that a sum need not wait for the one before

// Sums of each in double, of which every one adds up its columns.
struct Totals {
  VecD sums[noted][2 * block_vectors];

  Totals() {
    for (VecD(&each)[2 * block_vectors] : sums)
      for (VecD &sum : each) sum = VecD{};
  }
  __attribute__((always_inline)) void add(int i, int column, VecD x) {
    sums[i][column / lanes<double>] = sums[i][column / lanes<double>] + x;
  }
  __attribute__((always_inline)) void add(int i, int column, VecF x) {
    add(i, column, widened(x, 0));
    add(i, column + lanes<double>, widened(x, 1));
  }
  // Columns from `from` on, of which n count.
  template <class T> __attribute__((always_inline)) void add_columns(const T *from, long stride, int n) {
    for (int c = 0; c < columns_at_once && c < n; c += lanes<T>)
      for (int i = 0; i < noted; i++) add(i, c, first_lanes<T>(load<T>(from + i * stride + c), n - c));
  }
};

// After all threads have met.
template <class T> __attribute__((noinline)) void note_norms(const Work<T> &work) {
  Totals totals;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const int groups = groups_of(layer.n_in) + layer.has_bias;
    const T *from = layer.squares;
    for (int group = 0; group < groups; group++, from += noted * layer.stride)
      for (int c = 0; c < layer.n_out; c += columns_at_once)
        totals.add_columns(from + c, layer.stride, layer.n_out - c);
  }
  for (VecD(&sums)[2 * block_vectors] : totals.sums) {
    VecD half[block_vectors];
    for (int v = 0; v < block_vectors; v++) half[v] = sums[v] + sums[v + block_vectors];
    work.norms[&sums - totals.sums] = __builtin_sqrt(sum_block<double>(half));
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

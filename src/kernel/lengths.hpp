// The lengths of a step's gradient, of the memory after it and of the change. What is squared is added up while it
// stands in registers: in T, down each column of a group of rows, in the order of the rows. Those sums are then added
// up in double. No order hangs on the number of threads, on the width of the vectors or on the way of the update.
#pragma once
#include <type_traits>

#include "packing.hpp"
#include "shares.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int noted = 3;  // gradient, memory, change

// Where momentum adds its memory to weights that do not decay, that memory is the change: what is added, before the
// weights round it. It is squared once, as the second of them.
constexpr int noted_at_once = 2;
SCHUSS_INLINE constexpr bool adds_memory(Rule rule) { return rule == Rule::momentum; }
template <class T> SCHUSS_INLINE bool memory_is_change(const Work<T> &work) {
  return adds_memory(work.rule) && work.keep == T(1);
}

SCHUSS_INLINE int groups_of(int rows) { return (rows + rows_together - 1) / rows_together; }

// The sums of one group of a layer's rows, and where those of the biases are.
template <class T> SCHUSS_INLINE T *squares_of(const Layer<T> &layer, int group) {
  return layer.squares + long(group) * noted * layer.stride;
}
template <class T> SCHUSS_INLINE T *bias_squares(const Layer<T> &layer) {
  return squares_of(layer, groups_of(layer.n_in));
}

// The sums of one vector of columns: the first `kinds` of what is noted.
template <class T, int kinds = noted> struct Squares {
  Vec<T> sums[kinds] = {};

  __attribute__((always_inline)) void gradient(Vec<T> x) { sums[0] = fma(x, x, sums[0]); }
  __attribute__((always_inline)) void memory(Vec<T> x) { sums[1] = fma(x, x, sums[1]); }
  __attribute__((always_inline)) void change(Vec<T> w, Vec<T> before) {
    if constexpr (kinds == noted) sums[2] = fma(w - before, w - before, sums[2]);
  }

  __attribute__((always_inline)) void take(const T *from, long stride) {
    for (int i = 0; i < kinds; i++) sums[i] = load<T>(from + i * stride);
  }
  __attribute__((always_inline)) void put(T *to, long stride) const {
    for (int i = 0; i < kinds; i++) store<T>(to + i * stride, sums[i]);
  }
};

// In the place of those where no lengths are taken.
template <class T> struct NoSquares {
  __attribute__((always_inline)) void gradient(Vec<T>) const {}
  __attribute__((always_inline)) void memory(Vec<T>) const {}
  __attribute__((always_inline)) void change(Vec<T>, Vec<T>) const {}
};

template <class T, int kinds> using Noted = std::conditional_t<kinds == 0, NoSquares<T>, Squares<T, kinds>>;

// f(row, squares) for rows [row, last) of one vector of columns, in order; where `row` lies within a group, its sums
// go on.
template <class T, int kinds = noted, class F>
SCHUSS_INLINE void down_column(const Layer<T> &layer, int column, int row, int last, F f) {
  while (row < last) {
    const int group = row / rows_together, end = least(last, (group + 1) * rows_together);
    T *at = squares_of(layer, group) + column;
    Squares<T, kinds> squares;
    if (row % rows_together) squares.take(at, layer.stride);
    for (; row < end; row++) f(row, squares);
    squares.put(at, layer.stride);
  }
}

// Sixteen sums in double of each kind, every one of which adds up its columns; and then their halves.
template <class T, int kinds> struct Totals {
  static_assert(columns_together == 2 * block_lanes<double>, "halves are added up as one block");
  VecD sums[kinds][columns_together / lanes<double>] = {};

  // Columns that begin a multiple of sixteen and `v` vectors after the first, n of which count.
  __attribute__((always_inline)) void add(int i, int v, VecD x, int n) {
    sums[i][v] = sums[i][v] + first_lanes<double>(x, n);
  }
  __attribute__((always_inline)) void note(T *norms) const {
    for (int i = 0; i < kinds; i++) {
      VecD half[block_vectors];
      for (int v = 0; v < block_vectors; v++) half[v] = sums[i][v] + sums[i][v + block_vectors];
      norms[i] = T(__builtin_sqrt(sum_block<double>(half)));
    }
    if (kinds == noted_at_once) norms[2] = norms[1];
  }
};

SCHUSS_INLINE int columns_noted(int columns) {
  return (columns + columns_together - 1) / columns_together * columns_together;
}

// The groups and the biases of each of some columns, added up in double in that order.
template <class T, int kinds> SCHUSS_INLINE void add_groups(const Layer<T> &layer, Range columns) {
  const int groups = groups_of(layer.n_in) + layer.has_bias;
  for (int c = columns.first; c < least(columns.last, layer.n_out); c += lanes<T>) {
    VecD sums[kinds][wide_parts<T>] = {};
    const T *from = layer.squares + c;
    for (int group = 0; group < groups; group++, from += noted * layer.stride)
      for (int i = 0; i < kinds; i++)
        for (int part = 0; part < wide_parts<T>; part++)
          sums[i][part] = sums[i][part] + widened(load<T>(from + i * layer.stride), part);
    double *to = layer.column_squares + c;
    for (int i = 0; i < kinds; i++)
      for (int part = 0; part < wide_parts<T>; part++)
        store<double>(to + i * columns_noted(layer.n_out) + part * lanes<double>, sums[i][part]);
  }
}

// By the thread that has made them, so that few numbers go from one processor to another.
template <class T>
__attribute__((noinline)) void note_columns(const Work<T> &work, const Layer<T> &layer, Range columns) {
  if (memory_is_change(work)) add_groups<T, noted_at_once>(layer, columns);
  else add_groups<T, noted>(layer, columns);
}

template <class T, int kinds> SCHUSS_INLINE void add_columns(const Work<T> &work) {
  Totals<T, kinds> totals;
  for (int l = 0; l < work.depth; l++) {
    const int n = work.layers[l].n_out;
    const double *from = work.layers[l].column_squares;
    for (int first = 0; first < n; first += columns_together)
      for (int v = 0; v < columns_together / lanes<double>; v++)
        for (int i = 0; i < kinds; i++) {
          const int c = first + v * lanes<double>;
          totals.add(i, v, load<double>(from + i * columns_noted(n) + c), n - c);
        }
  }
  totals.note(work.norms);
}

// After all threads have met; where each has kept columns for itself, it has noted them.
template <class T> __attribute__((noinline)) void note_norms(const Work<T> &work, bool by_columns) {
  for (int l = 0; l < work.depth; l++)
    if (!by_columns || !keeps_columns(work, l)) note_columns(work, work.layers[l], {0, work.layers[l].n_out});
  if (memory_is_change(work)) add_columns<T, noted_at_once>(work);
  else add_columns<T, noted>(work);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// The lengths of a step's gradient, of the memory after it and of the change. What is squared is added up while it
// stands in registers, down each column of a group of rows, in the order of the rows; then group by group, and column
// by column. No order hangs on the number of threads, on the width of the vectors or on the way of the update.
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

// The sums of one group of a layer's rows, and behind those of all groups the numbers of the biases themselves.
template <class T> SCHUSS_INLINE T *squares_of(const Layer<T> &layer, int group) {
  return layer.squares + long(group) * noted * layer.stride;
}
template <class T> SCHUSS_INLINE T *bias_terms(const Layer<T> &layer) {
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

// What is to be squared later, to go on with a sum that is not known yet.
template <class T> struct Terms {
  Vec<T> terms[noted] = {};

  __attribute__((always_inline)) void gradient(Vec<T> x) { terms[0] = x; }
  __attribute__((always_inline)) void memory(Vec<T> x) { terms[1] = x; }
  __attribute__((always_inline)) void change(Vec<T> w, Vec<T> before) { terms[2] = w - before; }
  __attribute__((always_inline)) void put(T *to, long stride) const {
    for (int i = 0; i < noted; i++) store<T>(to + i * stride, terms[i]);
  }
};

// In the place of both where no lengths are taken.
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

// As many sums of each kind as a block has lanes, each of which adds up its columns; and then their halves.
template <class T, int kinds> struct Totals {
  Vec<T> sums[kinds][block_vectors] = {};

  // Columns that begin a whole number of blocks and `v` vectors after the first, n of which count.
  __attribute__((always_inline)) void add(int i, int v, Vec<T> x, int n) {
    sums[i][v] = sums[i][v] + first_lanes<T>(x, n);
  }
  __attribute__((always_inline)) void note(T *norms) const {
    for (int i = 0; i < kinds; i++) norms[i] = T(__builtin_sqrt(sum_block<T>(sums[i])));
    if (kinds == noted_at_once) norms[2] = norms[1];
  }
};

// The groups and the bias of each of some columns, added up in that order.
template <class T, int kinds> SCHUSS_INLINE void add_groups(const Layer<T> &layer, Range columns) {
  for (int c = columns.first; c < least(columns.last, layer.n_out); c += lanes<T>) {
    for (int i = 0; i < kinds; i++) {
      const long at = i * layer.stride + c;
      Vec<T> sum = {};
      for (int group = 0; group < groups_of(layer.n_in); group++) sum = sum + load<T>(squares_of(layer, group) + at);
      const Vec<T> bias = layer.has_bias ? load<T>(bias_terms(layer) + at) : Vec<T>{};
      store<T>(layer.column_squares + at, fma(bias, bias, sum));
    }
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
    const Layer<T> &layer = work.layers[l];
    for (int first = 0; first < layer.n_out; first += block_lanes<T>)
      for (int v = 0; v < block_vectors; v++)
        for (int i = 0; i < kinds; i++) {
          const int c = first + v * lanes<T>;
          totals.add(i, v, load<T>(layer.column_squares + i * layer.stride + c), layer.n_out - c);
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

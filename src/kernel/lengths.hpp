// The lengths of a step's gradient, of the memory after it and of the change. What is squared is added up while it
// stands in registers, down each column of a group of rows, in the order of the rows; then group by group, and block of
// columns by block. No order hangs on the number of threads, on the width of the vectors or on the way of the update.
#pragma once
#include <type_traits>

#include "packing.hpp"
#include "shares.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Where momentum adds its memory to weights that do not decay, that memory is the change: what is added, before the
// weights round it. It is squared once, as the second of them.
constexpr int noted_at_once = 2;
SCHUSS_INLINE constexpr bool adds_memory(Rule rule) { return rule == Rule::momentum; }
template <class T> SCHUSS_INLINE bool memory_is_change(const Work<T> &work) {
  return adds_memory(work.rule) && work.keep == T(1);
}

// f with how many lengths of a step are summed, as a constant.
template <Rule rule, class T, class F> SCHUSS_INLINE auto with_noted(const Work<T> &work, F f) {
  if constexpr (adds_memory(rule))
    if (memory_is_change(work)) return f(std::integral_constant<int, noted_at_once>());
  return f(std::integral_constant<int, noted>());
}

// A column of numbers that lie panel by panel, `rows` to a panel: so that no thread writes beside what another does.
template <class T> SCHUSS_INLINE long by_panels(int column, long rows) {
  return long(column / panel<T>) * rows * panel<T> + column % panel<T>;
}
// The sums of a group of a layer's rows from one column on, and behind those of all groups the numbers of the biases
// themselves; the sums of whole columns. Each kind lies a panel's width behind the one before.
template <class T> SCHUSS_INLINE T *squares_at(const Layer<T> &layer, int group, int column) {
  return layer.squares + by_panels<T>(column, (groups_of(layer.n_in) + 1) * noted) + long(group) * noted * panel<T>;
}
template <class T> SCHUSS_INLINE T *bias_terms(const Layer<T> &layer, int column) {
  return squares_at(layer, groups_of(layer.n_in), column);
}
template <class T> SCHUSS_INLINE T *column_squares_at(const Layer<T> &layer, int column) {
  return layer.column_squares + by_panels<T>(column, noted);
}

// The sums of one vector of columns: the first `kinds` of what is noted.
template <class T, int kinds = noted> struct Squares {
  Vec<T> sums[kinds] = {};

  __attribute__((always_inline)) void gradient(Vec<T> x) { sums[0] = fma(x, x, sums[0]); }
  __attribute__((always_inline)) void memory(Vec<T> x) { sums[1] = fma(x, x, sums[1]); }
  __attribute__((always_inline)) void change(Vec<T> w, Vec<T> before) {
    if constexpr (kinds == noted) sums[2] = fma(w - before, w - before, sums[2]);
  }

  __attribute__((always_inline)) void take(const T *from) {
    for (int i = 0; i < kinds; i++) sums[i] = load<T>(from + i * panel<T>);
  }
  __attribute__((always_inline)) void put(T *to) const {
    for (int i = 0; i < kinds; i++) store<T>(to + i * panel<T>, sums[i]);
  }
};

// What is to be squared later, to go on with a sum that is not known yet.
template <class T> struct Terms {
  Vec<T> terms[noted] = {};

  __attribute__((always_inline)) void gradient(Vec<T> x) { terms[0] = x; }
  __attribute__((always_inline)) void memory(Vec<T> x) { terms[1] = x; }
  __attribute__((always_inline)) void change(Vec<T> w, Vec<T> before) { terms[2] = w - before; }
  __attribute__((always_inline)) void put(T *to) const {
    for (int i = 0; i < noted; i++) store<T>(to + i * panel<T>, terms[i]);
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
    T *at = squares_at(layer, group, column);
    Squares<T, kinds> squares;
    if (row % rows_together) squares.take(at);
    for (; row < end; row++) f(row, squares);
    squares.put(at);
  }
}

// As many sums of each kind as a block has lanes, each of which adds up its columns; and then their halves.
template <class T, int kinds> struct Totals {
  Vec<T> sums[kinds][block_vectors] = {};

  __attribute__((always_inline)) void add(int i, int v, Vec<T> x) { sums[i][v] = sums[i][v] + x; }
  __attribute__((always_inline)) void note(T *norms) const {
    for (int i = 0; i < kinds; i++) norms[i] = T(__builtin_sqrt(sum_block<T>(sums[i])));
    if (kinds == noted_at_once) norms[2] = norms[1];
  }
};

// The groups and the bias of each of some columns, added up in that order.
template <class T, int kinds> SCHUSS_INLINE void add_groups(const Layer<T> &layer, Range columns) {
  for (int c = columns.first; c < least(columns.last, layer.n_out); c += lanes<T>) {
    for (int i = 0; i < kinds; i++) {
      const long kind = i * panel<T>;
      Vec<T> sum = {};
      for (int group = 0; group < groups_of(layer.n_in); group++)
        sum = sum + load<T>(squares_at(layer, group, c) + kind);
      const Vec<T> bias = layer.has_bias ? load<T>(bias_terms(layer, c) + kind) : Vec<T>{};
      store<T>(column_squares_at(layer, c) + kind, fma(bias, bias, sum));
    }
  }
}

// Four blocks of columns each, added up to one in the place of the first.
template <class T> constexpr int folded = 4 * block_lanes<T>;
template <class T, int kinds> SCHUSS_INLINE void fold_columns(const Layer<T> &layer, Range columns) {
  const auto at = [&](int c, int i) { return column_squares_at(layer, c) + i * panel<T>; };
  const auto of_layer = [&](int c, int i) { return first_lanes<T>(load<T>(at(c, i)), layer.n_out - c); };
  for (int first = columns.first; first < least(columns.last, layer.n_out); first += folded<T>)
    for (int c = first; c < first + block_lanes<T>; c += lanes<T>)
      for (int i = 0; i < kinds; i++) {
        Vec<T> sum = of_layer(c, i);
        for (int other = c + block_lanes<T>; other < least(first + folded<T>, layer.n_out); other += block_lanes<T>)
          sum = sum + of_layer(other, i);
        store<T>(at(c, i), sum);
      }
}

// By the thread that has made them, so that few numbers go from one processor to another: where a panel is folded to
// one block, a cache line of each kind.
template <class T> constexpr bool folds_panels = panel<T> == folded<T>;
template <class T, int kinds> SCHUSS_INLINE void note_as(const Layer<T> &layer, Range columns) {
  add_groups<T, kinds>(layer, columns);
  if constexpr (folds_panels<T>) fold_columns<T, kinds>(layer, columns);
}
template <class T>
__attribute__((noinline)) void note_columns(const Work<T> &work, const Layer<T> &layer, Range columns) {
  if (memory_is_change(work)) note_as<T, noted_at_once>(layer, columns);
  else note_as<T, noted>(layer, columns);
}

template <class T> SCHUSS_INLINE Range columns_of(const Range &panels) {
  return {panels.first * panel<T>, panels.last * panel<T>};
}

// Those that no thread has noted: all, or what two neighbours have updated together.
template <class T, int kinds> SCHUSS_INLINE void note_rest(const Work<T> &work, int l) {
  const Layer<T> &layer = work.layers[l];
  if (!work.owed.by_columns || !keeps_columns(work, l)) return note_as<T, kinds>(layer, {0, layer.n_out});
  for (int thread = 0; thread < work.team->threads; thread += 2)
    note_as<T, kinds>(layer, columns_of<T>(panel_share(work, l, work.owed.samples, thread).middle));
}

template <class T, int kinds> SCHUSS_INLINE void add_columns(const Work<T> &work) {
  Totals<T, kinds> totals;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    note_rest<T, kinds>(work, l);
    if constexpr (!folds_panels<T>) fold_columns<T, kinds>(layer, {0, layer.n_out});
    for (int first = 0; first < layer.n_out; first += folded<T>)
      for (int v = 0; v < block_vectors; v++)
        for (int i = 0; i < kinds; i++)
          totals.add(i, v, load<T>(column_squares_at(layer, first + v * lanes<T>) + i * panel<T>));
  }
  totals.note(work.owed.norms);
}

// The lengths of a step, after all threads have met, are owed until the next has come to its outputs: columns of other
// threads are asked for now, and would be waited for. Where each thread has kept columns for itself, it has noted them.
template <class T> void owe_norms(Work<T> &work, bool by_columns, int samples) {
  work.owed = {work.norms, by_columns, memory_is_change(work), samples};
  for (int l = 0; l < work.depth && work.team->threads > 1; l++)
    for (int i = 0; i < noted && by_columns && keeps_columns(work, l); i++)
      for (int c = 0; c < work.layers[l].n_out; c += folds_panels<T> ? folded<T> : block_lanes<T>)
        __builtin_prefetch(column_squares_at(work.layers[l], c) + i * panel<T>);
}
template <class T> __attribute__((noinline)) void note_owed(Work<T> &work) {
  if (!work.owed.norms) return;
  if (work.owed.at_once) add_columns<T, noted_at_once>(work);
  else add_columns<T, noted>(work);
  work.owed.norms = nullptr;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

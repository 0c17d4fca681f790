// A step where every layer, the inputs included, fits into one panel and one cache line: the same tiles as in larger
// networks, one after the other, with distances that are known while compiling and nothing to decide between them; then
// the rule, from the gradient in g. On such networks deciding takes longer than computing. Here the samples of a batch
// stand one below the other; beside.hpp has the way of five and more, side by side.
#pragma once
#include "applying.hpp"
#include "backward.hpp"
#include "update.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int narrow_vectors = least(panel_vectors, block_vectors);
template <class T> constexpr int narrow_columns = narrow_vectors * lanes<T>;
constexpr int sums_under_way = 8;  // of a tile: as many as hide how long each waits for its last term

// Distance of the rows of a narrow layer in batch buffers: a cache line.
template <class T> constexpr long line_of = block_lanes<T>;

// f with the number of vectors that a narrow layer's columns take.
template <class T, class F> SCHUSS_INLINE void with_narrow_vectors(int columns, F f) {
  if constexpr (narrow_vectors > 3) {
    if (columns > 3 * lanes<T>) return f(Count<4>());
    if (columns > 2 * lanes<T>) return f(Count<3>());
  }
  if constexpr (narrow_vectors > 1) {
    if (columns > lanes<T>) return f(Count<2>());
  }
  f(Count<1>());
}

template <class T, int NV, class Op>
SCHUSS_INLINE void narrow_tiles(const Op &op, const T *right, long stride, int rows, int terms) {
  constexpr int most = sums_under_way / NV;
  const Panel<T> p = {right, stride, 0, NV};
  int row = 0;
  for (; row + most <= rows; row += most) tile<T, most, NV, false>(op, row, p, 0, terms);
  if (most > 4 && row + 4 <= rows) tile<T, 4, NV, false>(op, row, p, 0, terms), row += 4;
  if (most > 2 && row + 3 == rows) return tile<T, 3, NV, false>(op, row, p, 0, terms);
  if (most > 2 && row + 2 <= rows) tile<T, 2, NV, false>(op, row, p, 0, terms), row += 2;
  if (row < rows) tile<T, 1, NV, false>(op, row, p, 0, terms);
}

template <class T>
__attribute__((noinline)) void narrow_forward(const Layer<T> &layer, const T *y, Activation activation, int n) {
  const ForwardOp<T, line_of<T>> op = {layer, activation, y, line_of<T>, 1};
  with_narrow_vectors<T>(layer.n_out, [&](auto vectors) __attribute__((always_inline)) {
    constexpr int NV = vectors.value;
    narrow_tiles<T, NV>(op, layer.w, NV * lanes<T>, n, layer.n_in);
  });
}

template <class T>
__attribute__((noinline)) void narrow_backward(const Layer<T> &layer, const Layer<T> &below, T *room, int n) {
  const BackwardOp<T, line_of<T>> op = {layer, below, backward_activation(below), layer.delta, line_of<T>, 1, room};
  with_narrow_vectors<T>(layer.n_in, [&](auto vectors) __attribute__((always_inline)) {
    constexpr int NV = vectors.value;
    narrow_tiles<T, NV>(op, op.panel_at(0, 0).b, NV * lanes<T>, n, layer.n_out);
  });
}

// Sums over samples, resumed where a batch comes in groups, which become a gradient in g with the last.
template <class T> struct NarrowSums {
  InGradient<T, true> ends;
  const T *a;  // outputs of the layer below
  long a_row, a_term;
  bool resumes = false, is_last = true;

  template <int MR, int NV> __attribute__((always_inline)) Nothing begin(int, const Panel<T> &) const { return {}; }
  template <int MR> __attribute__((always_inline)) Evenly<T> left(int row, int) const {
    return {a + row * a_row, a_row, a_term};
  }
  template <int NV> __attribute__((always_inline)) Vec<T> start(int row, const Panel<T> &, int v) const {
    return resumes ? load<T>(ends.place.g + (long(row) * NV + v) * lanes<T>) : Vec<T>{};
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &, Vec<T> (&c)[MR][NV]) const {
    ends(is_last ? Fate::gradient : Fate::kept, Spot{long(row) * NV * lanes<T>, row, 0}, c);
  }
};

// Of n rows of error signals.
template <class T>
SCHUSS_INLINE void narrow_sums_of(const NarrowSums<T> &op, const Layer<T> &layer, const T *delta, int n) {
  with_narrow_vectors<T>(layer.n_out, [&](auto vectors) __attribute__((always_inline)) {
    narrow_tiles<T, vectors.value>(op, delta, line_of<T>, layer.n_in, n);
    if (!layer.has_bias) return;
#pragma GCC unroll 4
    for (int v = 0; v < vectors.value; v++) {
      T *to = layer.b_g + v * lanes<T>;
      Vec<T> sum = op.resumes ? load<T>(to) : Vec<T>{};
#pragma GCC unroll 4
      for (int r = 0; r < n; r++) sum = sum + load<T>(delta + r * line_of<T> + v * lanes<T>);
      store<T>(to, op.is_last ? op.ends.scale * (Vec<T>{} - sum) : sum);
    }
  });
}
template <class T>
__attribute__((noinline)) void narrow_sums(const Work<T> &work, const Layer<T> &layer, const T *y, int n) {
  narrow_sums_of({{work, layer}, y, 1, line_of<T>}, layer, layer.delta, n);
}

// Applies the rule to the gradient times a factor, and takes the first `kinds` lengths. A layer's rows are one group.
template <class T, Rule rule, int kinds> __attribute__((noinline)) void narrow_apply(const Work<T> &work, T factor) {
  const Change<T, rule> change(work.rates);
  [[maybe_unused]] Totals<T, kinds> totals;
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Place<T> weights = weights_of(work, layer);
    const int vectors = narrow_vectors == 1 ? 1 : vectors_of<T>(layer.n_out);
    for (int v = 0; v < vectors; v++) {
      Noted<T, kinds> squares;
      for (int k = 0; k < layer.n_in; k++)
        apply_at<T, rule, true>(change, factor, weights, (long(k) * vectors + v) * lanes<T>, squares);
      if (layer.has_bias) apply_at<T, rule, false>(change, factor, biases_of(layer), v * lanes<T>, squares);
      if constexpr (kinds > 0)
        for (int i = 0; i < kinds; i++)
          totals.add(i, v, first_lanes<T>(squares.sums[i], layer.n_out - v * lanes<T>));
    }
  }
  if constexpr (kinds > 0) totals.note(work.norms);
}

template <class T> void narrow_update(const Work<T> &work, T factor) {
  with_rule(work.rule, [&](auto rule) {
    if (!work.norms) return narrow_apply<T, rule.value, 0>(work, factor);
    with_noted<rule.value>(work, [&](auto kinds) { narrow_apply<T, rule.value, kinds.value>(work, factor); });
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// A first layer that is fed by sparse rows, which are never made dense: net inputs are summed over the nonzeros of a
// row, in the order of the dense product, to which a zero adds nothing; so the bits are the same, up to the sign of
// zeros. The weights from a unit lie in one row, since those from the next are seldom asked for with them.
#pragma once
#include "update.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Whether layer l is fed by sparse rows; never where products are of pairs.
template <class T> SCHUSS_INLINE bool is_sparse(const Work<T> &work, int l) {
  return !in_pairs<T> && l == 0 && work.sparse.starts != nullptr;
}

struct Span {
  int64_t first, last;
};

// The first place in a span, whose columns are in order, with `column` or one beyond it.
SCHUSS_INLINE int64_t place_of(const int32_t *columns, Span s, int column) {
  while (s.first < s.last) {
    const int64_t middle = s.first + (s.last - s.first) / 2;
    if (columns[middle] < column) s.first = middle + 1;
    else s.last = middle;
  }
  return s.first;
}

// The nonzeros of row `row` of the chunk at work.
template <class T> SCHUSS_INLINE Span nonzeros(const Work<T> &work, int row) {
  const int64_t *start = work.sparse.starts + sample_at(work, row);
  return {start[0], start[1]};
}

// Those of them that belong to columns [first, last).
template <class T> SCHUSS_INLINE Span nonzeros(const Work<T> &work, int row, int first, int last) {
  const Span s = nonzeros(work, row);
  if (first == 0 && last == work.layers[0].n_in) return s;
  return {place_of(work.sparse.columns, s, first), place_of(work.sparse.columns, s, last)};
}

constexpr int ahead = 12;  // rows of weights between asking memory for one and its use

// Ask memory for some vectors, line by line.
template <class T, int writes> SCHUSS_INLINE void ask_for(const T *from, int vectors) {
  for (int i = 0; i < vectors * lanes<T>; i += line_bytes / int(sizeof(T))) __builtin_prefetch(from + i, writes);
}

// f(number, first) for the vectors of a row: as many at once as leave registers for what belongs to each; all where
// they are known.
template <int known = 0, class F> SCHUSS_INLINE void over_blocks(int vectors, F f) {
  if constexpr (known > 0) return f(Count<known>(), 0);
  int v = 0;
  for (; v + 4 <= vectors; v += 4) f(Count<4>(), v);
  if (v + 2 <= vectors) f(Count<2>(), v), v += 2;
  if (v < vectors) f(Count<1>(), v);
}

// Counts what a loop over nonzeros has done, and asks as often as the products do whether to go on.
template <class T> struct Effort {
  const Work<T> &work;
  double done = 0;
  bool given_up_after(int64_t terms, int vectors) {
    done += sparse_effort * 2.0 * double(terms) * vectors * lanes<T>;
    return done > 2e6 && ask();
  }
  bool ask() {
    const double flops = done;
    done = 0;
    return given_up(work, flops);
  }
};

// x_j = b_j + Σ_k y_k·w_kj over the nonzeros of a row, and y_j = f(x_j), for some units j.
template <class T, int NV>
SCHUSS_INLINE void forward_block(const Work<T> &work, const ForwardOp<T> &op, const Panel<T> &at, int row, Span s) {
  Vec<T> c[1][NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; v++) c[0][v] = op.template start<NV>(row, at, v);
  for (int64_t i = s.first; i < s.last; i++) {
    const T *w = at.b + work.sparse.columns[i] * at.stride;
    if (i + ahead < s.last) ask_for<T, 0>(at.b + work.sparse.columns[i + ahead] * at.stride, NV);
    const Vec<T> left = all<T>(work.sparse.values[i]);
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) c[0][v] = fma(left, load<T>(w + v * lanes<T>), c[0][v]);
  }
  op.template finish<1, NV>(row, at, c);
}

// Of rows [first, last).
template <class T>
__attribute__((noinline)) void forward_sparse(const Work<T> &work, const ForwardOp<T> &op, int first, int last) {
  const Panel<T> whole = op.panel_at(0, 0);
  Effort<T> effort{work, double(op.layer.n_in) * double(whole.stride)};  // the update's way through all weights
  for (int row = first; row < last; row++) {
    const Span s = nonzeros(work, row);
    over_blocks(whole.vectors, [&](auto nv, int v) {
      const Panel<T> at = {whole.b + v * lanes<T>, whole.stride, v * lanes<T>, nv.value};
      forward_block<T, nv.value>(work, op, at, row, s);
    });
    if (effort.given_up_after(s.last - s.first, whole.vectors)) return;
  }
  effort.ask();
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

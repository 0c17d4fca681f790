// Matrix products of many small networks, one network in each lane of a vector: every element is a sum in order,
// as in matmul.hpp.
#pragma once
#include "activations.hpp"
#include "lanes_job.hpp"

namespace schuss {
namespace SCHUSS_ISA {

enum class LaneSums {
  net_inputs,       // begin with `bias`, for all rows the same
  signals,          // are multiplied by what stands in their places, the slopes,
  signals_to_tanh,  // or by 1 − y² of the outputs that they go to
  gradients         // go on from what stands there if they resume; in `bias` the sums of B alone, without A
};
SCHUSS_INLINE constexpr bool are_signals(LaneSums kind) {
  return kind == LaneSums::signals || kind == LaneSums::signals_to_tanh;
}

// C(r, c) = Σ_i A(r, i)·B(i, c), i in order. Each element is a vector, of A a number for all lanes where `same`.
// Distances between elements are in numbers. Side by side are the columns of C, those of B but for signals, and of A
// the terms of a row, or for gradients the rows of a term.
template <class T> struct LaneProduct {
  int rows, columns, terms;
  bool same;
  const T *a;
  long a_next;  // from row to row, or from term to term
  const T *b;
  long b_term, b_column;
  T *to;
  long to_row;
  T *bias;  // (columns,), or null
  bool resumes;
  const T *outputs;  // laid out as C
};

// Rows [row, row + MR) and columns [column, column + NC) of C, and with `totals` the sums of B alone.
template <class T, LaneSums kind, bool same, int MR, int NC, bool totals>
SCHUSS_INLINE void lane_tile(const LaneProduct<T> &p, int row, int column) {
  const long b_column = are_signals(kind) ? p.b_column : lanes<T>, a_unit = same ? 1 : lanes<T>;
  const long a_row = kind == LaneSums::gradients ? a_unit : p.a_next, b_term = p.b_term, to_row = p.to_row;
  const long a_term = kind == LaneSums::gradients ? p.a_next : a_unit;
  const long place = row * to_row + column * lanes<T>;
  const T *a = p.a + row * a_row, *b = p.b + column * b_column;
  T *to = p.to + place;
  const bool resumes = kind == LaneSums::gradients && p.resumes;
  const bool biased = kind < LaneSums::signals && p.bias;
  Vec<T> c[MR * NC], total[NC];
#pragma GCC unroll 4
  for (int j = 0; j < NC; j++) {
    total[j] = biased || (totals && resumes) ? load<T>(p.bias + (column + j) * lanes<T>) : Vec<T>{};
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++)
      c[r * NC + j] = resumes ? load<T>(to + r * to_row + j * lanes<T>) : biased ? total[j] : Vec<T>{};
  }
  for (int i = p.terms; i > 0; i--, a += a_term, b += b_term) {
    Vec<T> right[NC];
#pragma GCC unroll 4
    for (int j = 0; j < NC; j++) {
      right[j] = load<T>(b + j * b_column);
      if (totals) total[j] = total[j] + right[j];
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) {
      const Vec<T> left = same ? all<T>(a[r * a_row]) : load<T>(a + r * a_row);
#pragma GCC unroll 4
      for (int j = 0; j < NC; j++) c[r * NC + j] = fma(left, right[j], c[r * NC + j]);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; totals && j < NC; j++) store<T>(p.bias + (column + j) * lanes<T>, total[j]);
#pragma GCC unroll 8
  for (int r = 0; r < MR; r++) {
#pragma GCC unroll 4
    for (int j = 0; j < NC; j++) {
      const long at = r * to_row + j * lanes<T>;
      Vec<T> sum = c[r * NC + j];
      if (kind == LaneSums::signals) sum = load<T>(to + at) * sum;
      if (kind == LaneSums::signals_to_tanh)
        sum = slope_at<T>(Activation::tanh, load<T>(p.outputs + place + at)) * sum;
      store<T>(to + at, sum);
    }
  }
}

template <class T, LaneSums kind, bool same, int MR, int NC>
SCHUSS_INLINE void lane_tiles(const LaneProduct<T> &p, int &row, int column) {
  if (kind == LaneSums::gradients && row == 0 && p.bias && p.rows >= MR)
    lane_tile<T, kind, same, MR, NC, kind == LaneSums::gradients>(p, row, column), row += MR;
  for (; row + MR <= p.rows; row += MR) lane_tile<T, kind, same, MR, NC, false>(p, row, column);
}

template <class T, LaneSums kind, bool same, int NC>
SCHUSS_INLINE void lane_rows(const LaneProduct<T> &p, int column) {
  int row = 0;
  if constexpr (NC == 1) lane_tiles<T, kind, same, 8, NC>(p, row, column);
  lane_tiles<T, kind, same, 4, NC>(p, row, column);
  lane_tiles<T, kind, same, 2, NC>(p, row, column);
  lane_tiles<T, kind, same, 1, NC>(p, row, column);
}

template <class T, LaneSums kind, bool same> SCHUSS_INLINE void lane_columns(const LaneProduct<T> &p) {
  int column = 0;
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
  for (; column + 4 <= p.columns; column += 4) lane_rows<T, kind, same, 4>(p, column);
#endif
  for (; column + 2 <= p.columns; column += 2) lane_rows<T, kind, same, 2>(p, column);
  if (column < p.columns) lane_rows<T, kind, same, 1>(p, column);
}

template <class T, LaneSums kind> SCHUSS_INLINE void lane_multiply(const LaneProduct<T> &p) {
  if (p.same && !are_signals(kind)) lane_columns<T, kind, true>(p);
  else lane_columns<T, kind, false>(p);
}

// Net inputs of a layer of one unit, MR samples at a time. A product as short as this takes no longer than working out
// the distances of any other.
template <class T, int MR>
SCHUSS_INLINE int lane_single(const T *y, int units, const T *w, Vec<T> bias, T *to, int row, int rows) {
  const long next = long(units) * lanes<T>;
  for (; row + MR <= rows; row += MR) {
    const T *a = y + row * next, *b = w;
    Vec<T> c[MR];
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) c[r] = bias;
    for (int i = units; i > 0; i--, a += lanes<T>, b += lanes<T>) {
      const Vec<T> right = load<T>(b);
#pragma GCC unroll 8
      for (int r = 0; r < MR; r++) c[r] = fma(load<T>(a + r * next), right, c[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) store<T>(to + (row + r) * lanes<T>, c[r]);
  }
  return row;
}
template <class T>
__attribute__((noinline)) void lane_single_unit(const T *y, int units, const T *w, const T *bias, T *to, int rows) {
  const Vec<T> start = bias ? load<T>(bias) : Vec<T>{};
  int row = lane_single<T, 8>(y, units, w, start, to, 0, rows);
  row = lane_single<T, 4>(y, units, w, start, to, row, rows);
  row = lane_single<T, 2>(y, units, w, start, to, row, rows);
  lane_single<T, 1>(y, units, w, start, to, row, rows);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Matrix products of many small networks, one network in each lane of a vector: every element is a sum in order,
// as in matmul.hpp.
#pragma once
#include "lanes_job.hpp"
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// C(r, c) = start + Σ_i A(r, i)·B(i, c), i in order. Each element is a vector, of A a number for all lanes where
// `same`; distances between elements are in numbers.
template <class T> struct LaneProduct {
  int rows, columns, terms;
  bool same;
  const T *a;
  long a_row, a_term;
  const T *b;
  long b_term, b_column;
  const T *start;  // null: zeros
  long start_row;
  T *to;
  long to_row;
};

template <class T, int MR, int NC, bool same, bool adjacent>
SCHUSS_INLINE void lane_tile(const LaneProduct<T> &p, int row, int column) {
  const long b_column = adjacent ? lanes<T> : p.b_column, a_row = p.a_row, a_term = p.a_term, b_term = p.b_term;
  const T *a = p.a + row * a_row, *b = p.b + column * b_column;
  T *to = p.to + row * p.to_row + column * lanes<T>;
  Vec<T> c[MR][NC];
  if (p.start) {
    const T *start = p.start + row * p.start_row + column * lanes<T>;
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++, start += p.start_row)
#pragma GCC unroll 4
      for (int j = 0; j < NC; j++) c[r][j] = load<T>(start + j * lanes<T>);
  } else {
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int j = 0; j < NC; j++) c[r][j] = Vec<T>{};
  }
  for (int i = p.terms; i > 0; i--, a += a_term, b += b_term) {
    Vec<T> right[NC];
#pragma GCC unroll 4
    for (int j = 0; j < NC; j++) right[j] = load<T>(b + j * b_column);
#pragma GCC unroll 8
    for (int r = 0; r < MR; r++) {
      const Vec<T> left = same ? all<T>(a[r * a_row]) : load<T>(a + r * a_row);
#pragma GCC unroll 4
      for (int j = 0; j < NC; j++) c[r][j] = fma(left, right[j], c[r][j]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < MR; r++, to += p.to_row)
#pragma GCC unroll 4
    for (int j = 0; j < NC; j++) store<T>(to + j * lanes<T>, c[r][j]);
}

template <class T, int NC, bool same, bool adjacent>
SCHUSS_INLINE void lane_rows(const LaneProduct<T> &p, int column) {
  int row = 0;
  for (; NC == 1 && row + 8 <= p.rows; row += 8)
    lane_tile<T, NC == 1 ? 8 : 4, NC, same, adjacent>(p, row, column);
  for (; row + 4 <= p.rows; row += 4) lane_tile<T, 4, NC, same, adjacent>(p, row, column);
  if (row + 2 <= p.rows) lane_tile<T, 2, NC, same, adjacent>(p, row, column), row += 2;
  if (row < p.rows) lane_tile<T, 1, NC, same, adjacent>(p, row, column);
}

template <class T, bool same, bool adjacent>
SCHUSS_INLINE void lane_columns(const LaneProduct<T> &p) {
  int column = 0;
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
  for (; column + 4 <= p.columns; column += 4) lane_rows<T, 4, same, adjacent>(p, column);
#endif
  for (; column + 2 <= p.columns; column += 2) lane_rows<T, 2, same, adjacent>(p, column);
  if (column < p.columns) lane_rows<T, 1, same, adjacent>(p, column);
}

template <class T> SCHUSS_INLINE void lane_multiply(const LaneProduct<T> &p) {
  if (p.same) lane_columns<T, true, true>(p);
  else if (p.b_column == lanes<T>) lane_columns<T, false, true>(p);
  else lane_columns<T, false, false>(p);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

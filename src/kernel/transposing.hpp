// Squares of numbers, transposed in registers; and rows of a batch buffer as columns, samples side by side.
#pragma once
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

#if defined(__clang__)
#define SCHUSS_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SCHUSS_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Ints<T>{__VA_ARGS__})
#endif

// AVX2 shuffles within halves of a vector by one instruction, and across them by two.
constexpr bool by_halves = SCHUSS_BYTES == 32;

// low = a0 b0 a1 b1 …, high = the second halves likewise; by halves, each half of its own.
template <class T> SCHUSS_INLINE void interleave(Vec<T> a, Vec<T> b, Vec<T> &low, Vec<T> &high) {
  if constexpr (lanes<T> == 2) {
    low = SCHUSS_SHUFFLE(a, b, 0, 2);
    high = SCHUSS_SHUFFLE(a, b, 1, 3);
  } else if constexpr (lanes<T> == 4 && by_halves) {
    low = SCHUSS_SHUFFLE(a, b, 0, 4, 2, 6);
    high = SCHUSS_SHUFFLE(a, b, 1, 5, 3, 7);
  } else if constexpr (lanes<T> == 4) {
    low = SCHUSS_SHUFFLE(a, b, 0, 4, 1, 5);
    high = SCHUSS_SHUFFLE(a, b, 2, 6, 3, 7);
  } else if constexpr (lanes<T> == 8 && by_halves) {
    low = SCHUSS_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    high = SCHUSS_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  } else if constexpr (lanes<T> == 8) {
    low = SCHUSS_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    high = SCHUSS_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  } else {
    low = SCHUSS_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    high = SCHUSS_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

// The lower halves of a and b, and the upper ones.
template <class T> SCHUSS_INLINE void exchange_halves(Vec<T> &a, Vec<T> &b) {
  const Vec<T> first = a, second = b;
  if constexpr (lanes<T> == 4) {
    a = SCHUSS_SHUFFLE(first, second, 0, 1, 4, 5);
    b = SCHUSS_SHUFFLE(first, second, 2, 3, 6, 7);
  } else if constexpr (lanes<T> == 8) {
    a = SCHUSS_SHUFFLE(first, second, 0, 1, 2, 3, 8, 9, 10, 11);
    b = SCHUSS_SHUFFLE(first, second, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// Interleaving row i of a square with row i + side/2, log2(side) times over, is a transposition. By halves there are
// four squares, of which two change places.
template <class T> SCHUSS_INLINE void transpose_square(Vec<T> (&m)[lanes<T>]) {
  constexpr int side = by_halves ? lanes<T> / 2 : lanes<T>, half = side / 2;
  Vec<T> next[lanes<T>];
#pragma GCC unroll 4
  for (int stage = 1; stage < side; stage *= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T> / 2; i++) {
      const int r = i / half * side + i % half;
      interleave<T>(m[r], m[r + half], next[2 * i], next[2 * i + 1]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; r++) m[r] = next[r];
  }
#pragma GCC unroll 8
  for (int r = 0; r < side && by_halves; r++) exchange_halves<T>(m[r], m[r + side]);
}

// Few columns: of what a transposition computes only so many rows are used, and the compiler leaves out the rest.
template <class T> constexpr int few = lanes<T> < 4 ? lanes<T> : 4;

// The first `count` rows of m, and zeros where there are no more.
template <class T>
SCHUSS_INLINE void load_rows(Vec<T> (&m)[lanes<T>], const T *from, long stride, int count) {
  if (count >= lanes<T>) {
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; r++) m[r] = load<T>(from + r * stride);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; r++) m[r] = r < count ? load<T>(from + r * stride) : Vec<T>{};
  }
}

// The first `count` of at most `most` columns of `rows` rows, each as a row.
template <class T, int most>
SCHUSS_INLINE void turn_columns(T *to, long to_stride, const T *from, long stride, int rows, int count) {
  Vec<T> m[lanes<T>];
  load_rows<T>(m, from, stride, rows);
  transpose_square<T>(m);
#pragma GCC unroll 16
  for (int r = 0; r < most; r++)
    if (r < count) store<T>(to + r * to_stride, m[r]);
}

// Rows `from` of a batch buffer, `rows` of them, into columns `to`. One is all that its columns hold.
template <class T> SCHUSS_INLINE void turn_in(T *to, const T *from, long stride, int n, int rows) {
  constexpr int all_columns = lanes<T>;
  if (rows == 1) {
    for (int c = 0; c < n; c++) store<T>(to + c * lanes<T>, all<T>(from[c]));
    return;
  }
  for (int c = 0; c < n; c += lanes<T>) {
    if (n - c <= few<T>) turn_columns<T, few<T>>(to + c * lanes<T>, lanes<T>, from + c, stride, rows, few<T>);
    else turn_columns<T, all_columns>(to + c * lanes<T>, lanes<T>, from + c, stride, rows, all_columns);
  }
}

// Columns that all lanes share, as a row.
template <class T> SCHUSS_INLINE Vec<T> row_of_columns(const T *from, int count) {
  Vec<T> row = {};
  for (int j = 0; j < count; j++)
    row = pick<T>(lane_numbers<T>() == Ints<T>{} + j, load<T>(from + j * lanes<T>), row);
  return row;
}

template <class T, int columns>
SCHUSS_INLINE void turn_rows(T *to, long stride, const T *from, long from_stride, int n, int rows) {
  Vec<T> m[lanes<T>];
#pragma GCC unroll 16
  for (int r = 0; r < lanes<T>; r++) m[r] = r < columns && r < n ? load<T>(from + r * from_stride) : Vec<T>{};
  transpose_square<T>(m);
#pragma GCC unroll 16
  for (int r = 0; r < lanes<T>; r++)
    if (r < rows) store<T>(to + r * stride, m[r]);
}

// And back. What lies beyond column n becomes zero: padding must not leak into padded weights.
template <class T>
SCHUSS_INLINE void as_rows(T *to, long stride, const T *from, long from_stride, int n, int rows) {
  for (int c = 0; c < n; c += lanes<T>, from += lanes<T> * from_stride) {
    if (n - c <= few<T>) turn_rows<T, few<T>>(to + c, stride, from, from_stride, n - c, rows);
    else turn_rows<T, lanes<T>>(to + c, stride, from, from_stride, n - c, rows);
  }
}
template <class T> SCHUSS_INLINE void turn_out(T *to, const T *from, long stride, int n, int rows) {
  if (rows > 1) return as_rows(to, stride, from, lanes<T>, n, rows);
  for (int c = 0; c < n; c += lanes<T>)
    store<T>(to + c, row_of_columns(from + c * lanes<T>, n - c < lanes<T> ? n - c : lanes<T>));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

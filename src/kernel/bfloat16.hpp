// The terms of products: numbers, or pairs of bfloat16 where the processor adds up two products at once. AVX-512's
// bfloat16 rounds ties to even, takes numbers too small for a float32 of full precision for zero, and makes no others.
#pragma once
#include "simd.hpp"

#ifndef SCHUSS_PAIRS
#define SCHUSS_PAIRS 0
#endif

namespace schuss {
namespace SCHUSS_ISA {

// Whether products of T are those of pairs of bfloat16: see pairs.hpp.
template <class T> constexpr bool in_pairs = SCHUSS_PAIRS && sizeof(T) == sizeof(float);
template <class T> SCHUSS_INLINE int terms_of(int n) { return in_pairs<T> ? (n + 1) / 2 : n; }

// Of pairs, lane i of the one is numbers 2i and 2i+1 of a row that a and b hold; that of the other, lane i of a and of
// b. A product's upper half is added first.
#if SCHUSS_PAIRS && defined(__AVX512BF16__)
SCHUSS_INLINE VecF pair_along(VecF a, VecF b) { return (VecF)_mm512_cvtne2ps_pbh(b, a); }
SCHUSS_INLINE VecF pair_across(VecF a, VecF b) {
  const VecU lower = (VecU)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)_mm512_cvtneps_pbh(a));
  const VecU upper = (VecU)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)_mm512_cvtneps_pbh(b));
  return (VecF)(lower | upper << 16);
}
SCHUSS_INLINE VecF add_pair(VecF a, VecF b, VecF c) { return _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b); }
#elif SCHUSS_PAIRS
SCHUSS_INLINE VecF without_tiny(VecF x) {
  return (VecF)((VecU)x & ~((VecU)(((VecU)x & 0x7f800000u) == 0) & 0x7fffffffu));
}
SCHUSS_INLINE VecU to_bfloat16(VecF x) {
  const VecU bits = (VecU)without_tiny(x), rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return x == x ? rounded : (bits >> 16) | 0x40u;  // NaN stays NaN
}
SCHUSS_INLINE VecF pair_across(VecF a, VecF b) { return (VecF)(to_bfloat16(a) | (to_bfloat16(b) << 16)); }
SCHUSS_INLINE VecF pair_along(VecF a, VecF b) {
  const VecU lower = to_bfloat16(a), upper = to_bfloat16(b);
  VecU pairs;
  for (int i = 0; i < lanes<float>; i++) {
    const VecU &half = i < lanes<float> / 2 ? lower : upper;
    const int at = 2 * i % lanes<float>;
    pairs[i] = half[at] | (half[at + 1] << 16);
  }
  return (VecF)pairs;
}
SCHUSS_INLINE VecF add_pair(VecF a, VecF b, VecF c) {
  const auto lower = [](VecF x) { return without_tiny((VecF)((VecU)x << 16)); };
  const auto upper = [](VecF x) { return without_tiny((VecF)((VecU)x & 0xffff0000u)); };
  const VecF half = without_tiny(fma(upper(a), upper(b), without_tiny(c)));
  return without_tiny(fma(lower(a), lower(b), half));
}
#else
template <class V> SCHUSS_INLINE V pair_along(V a, V) { return a; }   // never called
template <class V> SCHUSS_INLINE V pair_across(V a, V) { return a; }
#endif

// A term of a product: x in all lanes, times b, and c.
template <class T> SCHUSS_INLINE Vec<T> left_of(const T *x) {
#if SCHUSS_PAIRS
  if constexpr (in_pairs<T>) return (VecF)(VecI{} + *reinterpret_cast<const int32_t *>(x));
#endif
  return all<T>(*x);
}
template <class T> SCHUSS_INLINE Vec<T> add_product(Vec<T> a, Vec<T> b, Vec<T> c) {
#if SCHUSS_PAIRS
  if constexpr (in_pairs<T>) return add_pair(a, b, c);
#endif
  return fma(a, b, c);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

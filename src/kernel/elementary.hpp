// exp, expm1, tanh, log, log1p and the logistic function on vectors. Our own, so that every processor
// gives the same bits. Worst errors found are stated in docs/promises.md and held by tests/kernel.
#pragma once
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T> struct Constants;
template <> struct Constants<float> {
  static constexpr float log2e = 1.44269504f;
  // ln 2 in two parts; the first has so few bits that k·ln2_hi is exact
  static constexpr float ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f, ln2 = 0.693147180559945309f;
  static constexpr float round = 12582912.0f + 127;  // 1.5·2^23 and the bias of exponents
  static constexpr float exp_low = -104.0f, exp_high = 89.0f;
  static constexpr float tanh_high = 10.0f;
  // (exp(r) − 1 − r)/r² for |r| ≤ ½·ln 2, the least error of exp(r) − 1 in proportion: 2^−26, and 2^−61 in float64
  static constexpr float exp_tail[] = {0.499999982f, 0.166665436f, 0.0416671997f, 0.00836652051f, 0.00138825294f};
  static constexpr int log_terms = 5;
  static constexpr int32_t exponent_as_number = 0x4B000000;  // bits of 2^23
  static constexpr float exponent_offset = 8388608.0f;
};
template <> struct Constants<double> {
  static constexpr double log2e = 1.4426950408889634074;
  static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
  static constexpr double ln2 = 0.693147180559945309417;
  static constexpr double round = 6755399441055744.0 + 1023;  // 1.5·2^52
  static constexpr double exp_low = -746.0, exp_high = 710.0;
  static constexpr double tanh_high = 20.0;
  static constexpr double exp_tail[] = {
      0.5, 0.16666666666666677, 0.041666666666666509, 0.0083333333333216923, 0.0013888888888962272,
      0.00019841269885963662, 2.4801587172745699e-5, 2.7557244376606184e-6, 2.755740245762988e-7,
      2.5108978015143752e-8, 2.087538898065244e-9};
  static constexpr int log_terms = 11;
  static constexpr int64_t exponent_as_number = 0x4330000000000000;  // bits of 2^52
  static constexpr double exponent_offset = 4503599627370496.0;
};
template <class T> constexpr int exp_terms = sizeof(Constants<T>::exp_tail) / sizeof(T);

// 2^k for integer k within the normal exponents
template <class T> SCHUSS_INLINE Vec<T> power_of_two(Ints<T> k) {
  return (Vec<T>)(((Bits<T>)k + Simd<T>::bias) << Simd<T>::mantissa);
}
// The same from k + round, whose last bits are the exponent of 2^k.
template <class T> SCHUSS_INLINE Vec<T> power_of_rounded(Vec<T> rounded) {
  return (Vec<T>)((Bits<T>)rounded << Simd<T>::mantissa);
}

// The functions that follow take K vectors. Each operation is written for all of them before the next: the processor
// looks ahead less far than one of these chains is long.
#define SCHUSS_EACH _Pragma("GCC unroll 8") for (int i = 0; i < K; i++)

// x = k·ln 2 + r with |r| ≤ ½·ln 2; adding `round` to x·log₂e makes it an integer, k + round.
template <class T, int K> SCHUSS_INLINE void reduce(const Vec<T> (&x)[K], Vec<T> (&rounded)[K], Vec<T> (&r)[K]) {
  using C = Constants<T>;
  SCHUSS_EACH rounded[i] = fma(x[i], all<T>(C::log2e), all<T>(C::round));
  SCHUSS_EACH r[i] = fma(rounded[i] - C::round, all<T>(-C::ln2_hi), x[i]);
  SCHUSS_EACH r[i] = fma(rounded[i] - C::round, all<T>(-C::ln2_lo), r[i]);
}

// Coefficient t of exp's tail for a 2^d-th of its argument, times 2^d: powers of two change no rounding.
template <class T, int d> constexpr T tail_term(int t) { return Constants<T>::exp_tail[t] * T(1 << d * (t + 1)); }

// r ← (exp(2^d·r) − 1)/2^d for |2^d·r| ≤ ½·ln 2
template <class T, int d, int K> SCHUSS_INLINE void exp_near_zero(Vec<T> (&r)[K]) {
  constexpr int last = exp_terms<T> - 1;
  Vec<T> p[K];
  SCHUSS_EACH p[i] = all<T>(tail_term<T, d>(last));
#pragma GCC unroll 16
  for (int t = last - 1; t >= 0; t--) SCHUSS_EACH p[i] = fma(p[i], r[i], all<T>(tail_term<T, d>(t)));
  SCHUSS_EACH r[i] = fma(r[i] * r[i], p[i], r[i]);
}

// x ← exp(x) where it is neither subnormal nor infinite
template <class T, int K> SCHUSS_INLINE void exp_within(Vec<T> (&x)[K]) {
  Vec<T> rounded[K], r[K];
  reduce<T>(x, rounded, r);
  exp_near_zero<T, 0>(r);
  SCHUSS_EACH x[i] = (r[i] + T(1)) * power_of_rounded<T>(rounded[i]);
}

template <class T, int K> SCHUSS_INLINE void exp(Vec<T> (&x)[K]) {
  using C = Constants<T>;
  Vec<T> rounded[K], r[K];
  Ints<T> k[K], half[K];  // two factors, so that results may overflow or become subnormal gently
  SCHUSS_EACH x[i] = at_most(at_least(x[i], all<T>(C::exp_low)), all<T>(C::exp_high));
  reduce<T>(x, rounded, r);
  exp_near_zero<T, 0>(r);
  SCHUSS_EACH k[i] = (Ints<T>)((Bits<T>)rounded[i] - (Bits<T>)all<T>(C::round));
  SCHUSS_EACH half[i] = k[i] >> 1;
  SCHUSS_EACH x[i] = (r[i] + T(1)) * power_of_two<T>(half[i]) * power_of_two<T>(k[i] - half[i]);
}

// exp(x) − 1 for x ≤ 60, accurate near 0
template <class T, int K> SCHUSS_INLINE void expm1(Vec<T> (&x)[K]) {
  Vec<T> rounded[K], r[K], power[K];
  SCHUSS_EACH x[i] = at_most(at_least(x[i], all<T>(T(-60))), all<T>(T(60)));
  reduce<T>(x, rounded, r);
  exp_near_zero<T, 0>(r);
  SCHUSS_EACH power[i] = power_of_rounded<T>(rounded[i]);
  SCHUSS_EACH x[i] = fma(power[i], r[i], power[i] - T(1));
}

// tanh x = e/(e+2) with e = exp(2|x|) − 1. |x| is never doubled: r is half of what `reduce` makes of 2|x|. One ln 2 is
// enough here, for where k is large tanh hardly depends on e.
template <class T, int K> SCHUSS_INLINE void tanh(Vec<T> (&x)[K]) {
  using C = Constants<T>;
  constexpr typename Simd<T>::Int sign = typename Simd<T>::Int(1) << (sizeof(T) * 8 - 1);
  Vec<T> e[K], rounded[K], r[K], power[K];
  SCHUSS_EACH r[i] = at_most(absolute<T>(x[i]), all<T>(C::tanh_high));
  SCHUSS_EACH rounded[i] = fma(r[i], all<T>(2 * C::log2e), all<T>(C::round));
  SCHUSS_EACH r[i] = fma(rounded[i] - C::round, all<T>(-C::ln2 / 2), r[i]);
  exp_near_zero<T, 1>(r);
  SCHUSS_EACH power[i] = power_of_rounded<T>(rounded[i]);
  SCHUSS_EACH e[i] = fma(power[i] + power[i], r[i], power[i] - T(1));
  SCHUSS_EACH x[i] = (Vec<T>)((Ints<T>)(e[i] / (e[i] + T(2))) | ((Ints<T>)x[i] & sign));
}

// 1/(1 + exp(−x)), and e = exp(−|x|) with it
template <class T, int K> SCHUSS_INLINE void logistic(Vec<T> (&x)[K], Vec<T> (&e)[K]) {
  const Vec<T> one = all<T>(T(1));
  SCHUSS_EACH e[i] = -absolute<T>(x[i]);
  exp<T>(e);
  SCHUSS_EACH x[i] = pick<T>(x[i] < all<T>(T(0)), e[i], one) / (e[i] + one);
}
template <class T, int K> SCHUSS_INLINE void logistic(Vec<T> (&x)[K]) {
  Vec<T> e[K];
  logistic<T>(x, e);
}

// The same functions of one vector
#define SCHUSS_OF_ONE(function)                                \
  template <class T> SCHUSS_INLINE Vec<T> function(Vec<T> x) { \
    Vec<T> one[1] = {x};                                       \
    function<T>(one);                                          \
    return one[0];                                             \
  }
SCHUSS_OF_ONE(exp)
SCHUSS_OF_ONE(exp_within)
SCHUSS_OF_ONE(expm1)
SCHUSS_OF_ONE(tanh)
SCHUSS_OF_ONE(logistic)
#undef SCHUSS_OF_ONE

// log(w) + carry/w for normal w > 0: the method of fdlibm, with the series of atanh in s = f/(2+f)
template <class T> SCHUSS_INLINE Vec<T> log_with_carry(Vec<T> w, Vec<T> carry) {
  using C = Constants<T>;
  using S = Simd<T>;
  constexpr typename S::Int one_bits = typename S::Int(S::bias) << S::mantissa;
  constexpr typename S::Int fraction = (typename S::Int(1) << S::mantissa) - 1;
  // shift the boundary from 1 to √½, so that f = m − 1 lies around 0
  const Bits<T> root_half = (Bits<T>)all<T>(T(0.70710678118654752440));
  Bits<T> bits = (Bits<T>)w + (one_bits - root_half);
  Bits<T> exponent = bits >> S::mantissa;  // biased
  Vec<T> f = (Vec<T>)((bits & fraction) + root_half) - T(1);
  Vec<T> k = (Vec<T>)(exponent | C::exponent_as_number) - (C::exponent_offset + T(S::bias));
  Vec<T> s = f / (f + T(2)), z = s * s, p = all<T>(T(2.0 / (2 * C::log_terms + 1)));
#pragma GCC unroll 16
  for (int i = C::log_terms - 1; i >= 1; i--) p = fma(p, z, all<T>(T(2.0 / (2 * i + 1))));
  Vec<T> half_square = T(0.5) * f * f;
  Vec<T> low = fma(k, all<T>(C::ln2_lo), carry / w);
  low = fma(s, fma(z, p, half_square), low);
  return fma(k, all<T>(C::ln2_hi), f - (half_square - low));
}

template <class T> SCHUSS_INLINE Vec<T> log_at_edges(Vec<T> w, Vec<T> result) {
  Vec<T> infinity = all<T>(T(__builtin_inf()));
  result = pick<T>(w == infinity, infinity, result);
  result = pick<T>(w == all<T>(T(0)), -infinity, result);
  return pick<T>(w >= all<T>(T(0)), result, all<T>(T(__builtin_nan(""))));
}

// Subnormal arguments are not served: they give a wrong result.
template <class T> SCHUSS_INLINE Vec<T> log(Vec<T> x) {
  return log_at_edges<T>(x, log_with_carry<T>(x, Vec<T>{}));
}

template <class T> SCHUSS_INLINE Vec<T> log1p(Vec<T> u) {
  Vec<T> one = all<T>(T(1)), w = u + one;
  Vec<T> carry = pick<T>(u < one, u - (w - one), one - (w - u));  // what rounding 1 + u lost
  Vec<T> result = log_at_edges<T>(w, log_with_carry<T>(w, carry));
  return pick<T>(w == one, u, result);  // keeps −0 and subnormals
}

// log(1 + exp(x)) from x and e = exp(−|x|)
template <class T> SCHUSS_INLINE Vec<T> softplus(Vec<T> x, Vec<T> e) {
  return pick<T>(x < all<T>(T(0)), all<T>(T(0)), x) + log1p<T>(e);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

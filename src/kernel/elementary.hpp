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
  static constexpr float ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f;
  static constexpr float round = 12582912.0f;  // 1.5·2^23: adding it rounds to an integer
  static constexpr float exp_low = -104.0f, exp_high = 89.0f;
  static constexpr float tanh_high = 10.0f;
  static constexpr int exp_terms = 7, log_terms = 5;
  static constexpr int32_t exponent_as_number = 0x4B000000;  // bits of 2^23
  static constexpr float exponent_offset = 8388608.0f;
};
template <> struct Constants<double> {
  static constexpr double log2e = 1.4426950408889634074;
  static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
  static constexpr double round = 6755399441055744.0;  // 1.5·2^52
  static constexpr double exp_low = -746.0, exp_high = 710.0;
  static constexpr double tanh_high = 20.0;
  static constexpr int exp_terms = 13, log_terms = 11;
  static constexpr int64_t exponent_as_number = 0x4330000000000000;  // bits of 2^52
  static constexpr double exponent_offset = 4503599627370496.0;
};

// 2^k for integer k within the normal exponents
template <class T> SCHUSS_INLINE Vec<T> power_of_two(Ints<T> k) {
  return (Vec<T>)(((Bits<T>)k + Simd<T>::bias) << Simd<T>::mantissa);
}

// x = k·ln 2 + r with |r| ≤ ½·ln 2
template <class T> SCHUSS_INLINE void reduce(Vec<T> x, Ints<T> &k, Vec<T> &r) {
  using C = Constants<T>;
  Vec<T> shifted = x * C::log2e + C::round;
  k = (Ints<T>)((Bits<T>)shifted - (Bits<T>)all<T>(C::round));
  Vec<T> whole = shifted - C::round;
  r = fma(whole, all<T>(-C::ln2_hi), x);
  r = fma(whole, all<T>(-C::ln2_lo), r);
}

// (exp(r) − 1 − r)/r² by its series: Σ r^i/(i+2)!
template <class T> constexpr T exp_term(int i) {
  constexpr double inverse_factorial[] = {
      1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
      1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0, 1.0 / 87178291200.0};
  return T(inverse_factorial[i]);
}
template <class T> SCHUSS_INLINE Vec<T> exp_tail(Vec<T> r) {
  constexpr int last = Constants<T>::exp_terms - 2;
  Vec<T> p = all<T>(exp_term<T>(last));
#pragma GCC unroll 16
  for (int i = last - 1; i >= 0; i--) p = fma(p, r, all<T>(exp_term<T>(i)));
  return p;
}

// exp(x) where it is neither subnormal nor infinite
template <class T> SCHUSS_INLINE Vec<T> exp_within(Vec<T> x) {
  Ints<T> k;
  Vec<T> r;
  reduce<T>(x, k, r);
  return (fma(r * r, exp_tail<T>(r), r) + T(1)) * power_of_two<T>(k);
}

template <class T> SCHUSS_INLINE Vec<T> exp(Vec<T> x) {
  using C = Constants<T>;
  x = at_most(at_least(x, all<T>(C::exp_low)), all<T>(C::exp_high));
  Ints<T> k;
  Vec<T> r;
  reduce<T>(x, k, r);
  Vec<T> p = fma(r * r, exp_tail<T>(r), r) + T(1);
  Ints<T> half = k >> 1;  // two factors, so that results may overflow or become subnormal gently
  return p * power_of_two<T>(half) * power_of_two<T>(k - half);
}

// exp(x) − 1 for |x| ≤ 60, accurate near 0
template <class T> SCHUSS_INLINE Vec<T> expm1_within(Vec<T> x) {
  Ints<T> k;
  Vec<T> r;
  reduce<T>(x, k, r);
  Vec<T> p = fma(r * r, exp_tail<T>(r), r);
  Vec<T> power = power_of_two<T>(k);
  return fma(power, p, power - T(1));
}

// The same for x ≤ 60
template <class T> SCHUSS_INLINE Vec<T> expm1(Vec<T> x) {
  return expm1_within<T>(at_most(at_least(x, all<T>(T(-60))), all<T>(T(60))));
}

// Coefficient i of exp's tail for half its argument, times two: powers of two change no rounding.
template <class T> constexpr T half_term(int i) { return exp_term<T>(i) * T(2 << i); }

// tanh x = e/(e+2) with e = exp(2|x|) − 1, of K vectors. Each operation is written for all of them before the
// next: the processor looks ahead less far than one of these chains is long. |x| is never doubled: r is half of what
// `reduce` makes of 2|x|, and p half of exp − 1. And k comes from one multiply-add where `reduce` rounds twice, which
// makes it another at some twenty arguments halfway between two, all of them with the same result.
template <class T, int K> SCHUSS_INLINE void tanh_together(Vec<T> (&x)[K]) {
  using C = Constants<T>;
  constexpr int last = C::exp_terms - 2;
  constexpr typename Simd<T>::Int sign = typename Simd<T>::Int(1) << (sizeof(T) * 8 - 1);
  const Vec<T> one = all<T>(T(1)), two = all<T>(T(2));
  Vec<T> e[K], shifted[K], r[K], p[K], power[K];
#define SCHUSS_EACH _Pragma("GCC unroll 8") for (int i = 0; i < K; i++)
  SCHUSS_EACH r[i] = at_most(absolute<T>(x[i]), all<T>(C::tanh_high));
  SCHUSS_EACH shifted[i] = fma(r[i], all<T>(2 * C::log2e), all<T>(C::round));
  SCHUSS_EACH r[i] = fma(shifted[i] - C::round, all<T>(-C::ln2_hi / 2), r[i]);
  SCHUSS_EACH r[i] = fma(shifted[i] - C::round, all<T>(-C::ln2_lo / 2), r[i]);
  SCHUSS_EACH p[i] = all<T>(half_term<T>(last));
#pragma GCC unroll 16
  for (int term = last - 1; term >= 0; term--) SCHUSS_EACH p[i] = fma(p[i], r[i], all<T>(half_term<T>(term)));
  SCHUSS_EACH p[i] = fma(r[i] * r[i], p[i], r[i]);
  SCHUSS_EACH power[i] = (Vec<T>)((Bits<T>)shifted[i] << Simd<T>::mantissa);  // 2^k without its exponent's bias
  SCHUSS_EACH e[i] = (Vec<T>)((Bits<T>)power[i] + (Bits<T>)one) - T(1);
  SCHUSS_EACH e[i] = fma((Vec<T>)((Bits<T>)power[i] + (Bits<T>)two), p[i], e[i]);
  SCHUSS_EACH x[i] = (Vec<T>)((Ints<T>)(e[i] / (e[i] + T(2))) | ((Ints<T>)x[i] & sign));
#undef SCHUSS_EACH
}

template <class T> SCHUSS_INLINE Vec<T> tanh(Vec<T> x) {
  Vec<T> one[1] = {x};
  tanh_together<T, 1>(one);
  return one[0];
}

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

template <class T> SCHUSS_INLINE Vec<T> logistic(Vec<T> x) {
  Vec<T> e = exp<T>(-absolute<T>(x)), one = all<T>(T(1));
  return pick<T>(x < all<T>(T(0)), e, one) / (e + one);
}

template <class T> SCHUSS_INLINE Vec<T> softplus(Vec<T> x) {
  Vec<T> positive = pick<T>(x < all<T>(T(0)), all<T>(T(0)), x);
  return positive + log1p<T>(exp<T>(-absolute<T>(x)));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

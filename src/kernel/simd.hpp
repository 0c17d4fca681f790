// Vectors of one instruction set. SCHUSS_ISA names the set and SCHUSS_BYTES its width; CMakeLists.txt sets both.
// Lanes are only ever independent elements, so the width never changes a result.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Vectors of 64 bytes are AVX-512's. Where that is not compiled for, they are halves of AVX2's: that is how its bits
// are tested on a processor without it (SCHUSS_EMULATE in CMakeLists.txt).
#if SCHUSS_BYTES == 64 && defined(__AVX512F__)
#define SCHUSS_AVX512_THERE 1
#else
#define SCHUSS_AVX512_THERE 0
#endif

#define SCHUSS_INLINE static inline __attribute__((always_inline))
// A long function that many call: GCC would make one for each constant that it is called with.
#if defined(__clang__)
#define SCHUSS_ONE_FUNCTION __attribute__((noinline))
#else
#define SCHUSS_ONE_FUNCTION __attribute__((noinline, noclone))
#endif

namespace schuss {
namespace SCHUSS_ISA {

typedef float VecF __attribute__((vector_size(SCHUSS_BYTES)));
typedef double VecD __attribute__((vector_size(SCHUSS_BYTES)));
typedef int32_t VecI __attribute__((vector_size(SCHUSS_BYTES)));
typedef int64_t VecL __attribute__((vector_size(SCHUSS_BYTES)));
typedef uint32_t VecU __attribute__((vector_size(SCHUSS_BYTES)));
typedef uint64_t VecW __attribute__((vector_size(SCHUSS_BYTES)));

template <class T> struct Simd;

template <> struct Simd<float> {
  typedef VecF V;
  typedef VecI I;
  typedef VecU U;
  typedef int32_t Int;
  static constexpr int mantissa = 23, bias = 127;
};

template <> struct Simd<double> {
  typedef VecD V;
  typedef VecL I;
  typedef VecW U;
  typedef int64_t Int;
  static constexpr int mantissa = 52, bias = 1023;
};

template <class T> using Vec = typename Simd<T>::V;
template <class T> using Ints = typename Simd<T>::I;
template <class T> using Bits = typename Simd<T>::U;  // for sums that may wrap around

template <class T> constexpr int lanes = SCHUSS_BYTES / int(sizeof(T));
// Reductions along a row always use 64 bytes' worth of partial sums, whatever the vector width.
template <class T> constexpr int block_lanes = 64 / int(sizeof(T));
constexpr int block_vectors = 64 / SCHUSS_BYTES;

template <class T> SCHUSS_INLINE Vec<T> load(const T *p) { return *reinterpret_cast<const Vec<T> *>(p); }
template <class T> SCHUSS_INLINE void store(T *p, Vec<T> v) { *reinterpret_cast<Vec<T> *>(p) = v; }
template <class T> SCHUSS_INLINE Vec<T> all(T x) { return x - Vec<T>{}; }  // x − 0 keeps the sign of x

template <class T> SCHUSS_INLINE Vec<T> pick(Ints<T> mask, Vec<T> yes, Vec<T> no) { return mask ? yes : no; }

// 0, 1, 2 … in the lanes.
template <class T> SCHUSS_INLINE Ints<T> lane_numbers() {
  Ints<T> numbers;
  for (int i = 0; i < lanes<T>; i++) numbers[i] = i;
  return numbers;
}

// The first n numbers at p, n < lanes, and zeros; what lies behind them is not read.
SCHUSS_INLINE VecF load_first(const float *p, int n) {
#if SCHUSS_AVX512_THERE
  return _mm512_maskz_loadu_ps((1u << n) - 1, p);
#elif SCHUSS_BYTES == 32
  return _mm256_maskload_ps(p, (__m256i)(lane_numbers<float>() < VecI{} + n));
#else
  VecF v = {};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}
SCHUSS_INLINE VecD load_first(const double *p, int n) {
#if SCHUSS_AVX512_THERE
  return _mm512_maskz_loadu_pd((1u << n) - 1, p);
#elif SCHUSS_BYTES == 32
  return _mm256_maskload_pd(p, (__m256i)(lane_numbers<double>() < VecL{} + n));
#else
  VecD v = {};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}

template <class T> SCHUSS_INLINE Vec<T> load_anywhere(const T *p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
// The first n numbers at p, n up to `lanes`, which need not be aligned.
template <class T> SCHUSS_INLINE Vec<T> load_up_to(const T *p, int n) {
  return n < lanes<T> ? load_first(p, n) : load_anywhere(p);
}

#if SCHUSS_BYTES == 64 && !SCHUSS_AVX512_THERE
// f of the lower halves and of the upper ones.
template <class V, class Half, class F> SCHUSS_INLINE V in_halves(V a, V b, V c, F f) {
  Half x[2], y[2], z[2];
  __builtin_memcpy(x, &a, sizeof a), __builtin_memcpy(y, &b, sizeof b), __builtin_memcpy(z, &c, sizeof c);
  for (int i = 0; i < 2; i++) x[i] = f(x[i], y[i], z[i]);
  __builtin_memcpy(&a, x, sizeof a);
  return a;
}
#endif

// a·b + c in one rounding where the set has it; the baseline rounds twice and says so (fused = false).
SCHUSS_INLINE VecF fma(VecF a, VecF b, VecF c) {
#if SCHUSS_AVX512_THERE
  return _mm512_fmadd_ps(a, b, c);
#elif SCHUSS_BYTES == 32
  return _mm256_fmadd_ps(a, b, c);
#elif SCHUSS_BYTES == 64
  return in_halves<VecF, __m256>(a, b, c, [](__m256 x, __m256 y, __m256 z) { return _mm256_fmadd_ps(x, y, z); });
#elif defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
SCHUSS_INLINE VecD fma(VecD a, VecD b, VecD c) {
#if SCHUSS_AVX512_THERE
  return _mm512_fmadd_pd(a, b, c);
#elif SCHUSS_BYTES == 32
  return _mm256_fmadd_pd(a, b, c);
#elif SCHUSS_BYTES == 64
  return in_halves<VecD, __m256d>(a, b, c, [](__m256d x, __m256d y, __m256d z) { return _mm256_fmadd_pd(x, y, z); });
#elif defined(__aarch64__)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}
#if SCHUSS_BYTES > 16 || defined(__aarch64__)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

// Products of the lower halves of 64-bit lanes, in full.
SCHUSS_INLINE VecW multiply_lower(VecW a, VecW b) {
#if SCHUSS_AVX512_THERE
  return (VecW)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b);  // GCC 12 warns of its plain form
#elif SCHUSS_BYTES == 32
  return (VecW)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__) && SCHUSS_BYTES == 16
  return (VecW)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__aarch64__)
  return (VecW)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
  return (a & uint64_t(0xFFFFFFFF)) * (b & uint64_t(0xFFFFFFFF));
#endif
}

// Correctly rounded, as IEEE 754 asks and NumPy does. (Masked, since GCC 12 warns of its own unmasked ones.)
SCHUSS_INLINE VecF square_root(VecF x) {
#if SCHUSS_AVX512_THERE
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif SCHUSS_BYTES == 32
  return _mm256_sqrt_ps(x);
#elif defined(__x86_64__) && SCHUSS_BYTES == 16
  return _mm_sqrt_ps(x);
#elif defined(__aarch64__)
  return vsqrtq_f32(x);
#else
  for (int i = 0; i < int(sizeof(x) / sizeof(x[0])); i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}
SCHUSS_INLINE VecD square_root(VecD x) {
#if SCHUSS_AVX512_THERE
  return _mm512_maskz_sqrt_pd(0xff, x);
#elif SCHUSS_BYTES == 32
  return _mm256_sqrt_pd(x);
#elif defined(__x86_64__) && SCHUSS_BYTES == 16
  return _mm_sqrt_pd(x);
#elif defined(__aarch64__)
  return vsqrtq_f64(x);
#else
  for (int i = 0; i < int(sizeof(x) / sizeof(x[0])); i++) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}

// x held below or above a limit; NaN stays NaN.
#if SCHUSS_AVX512_THERE
SCHUSS_INLINE VecF at_most(VecF x, VecF limit) { return _mm512_maskz_min_ps(0xffff, limit, x); }
SCHUSS_INLINE VecD at_most(VecD x, VecD limit) { return _mm512_maskz_min_pd(0xff, limit, x); }
SCHUSS_INLINE VecF at_least(VecF x, VecF limit) { return _mm512_maskz_max_ps(0xffff, limit, x); }
SCHUSS_INLINE VecD at_least(VecD x, VecD limit) { return _mm512_maskz_max_pd(0xff, limit, x); }
#elif SCHUSS_BYTES == 32
SCHUSS_INLINE VecF at_most(VecF x, VecF limit) { return _mm256_min_ps(limit, x); }
SCHUSS_INLINE VecD at_most(VecD x, VecD limit) { return _mm256_min_pd(limit, x); }
SCHUSS_INLINE VecF at_least(VecF x, VecF limit) { return _mm256_max_ps(limit, x); }
SCHUSS_INLINE VecD at_least(VecD x, VecD limit) { return _mm256_max_pd(limit, x); }
#else
template <class V> SCHUSS_INLINE V at_most(V x, V limit) { return x > limit ? limit : x; }
template <class V> SCHUSS_INLINE V at_least(V x, V limit) { return x < limit ? limit : x; }
#endif

template <class T> SCHUSS_INLINE Vec<T> absolute(Vec<T> x) {
  constexpr typename Simd<T>::Int sign = typename Simd<T>::Int(1) << (sizeof(T) * 8 - 1);
  return (Vec<T>)((Ints<T>)x & ~sign);
}
template <class T> SCHUSS_INLINE Vec<T> copy_sign(Vec<T> size, Vec<T> sign_of) {
  constexpr typename Simd<T>::Int sign = typename Simd<T>::Int(1) << (sizeof(T) * 8 - 1);
  return (Vec<T>)(((Ints<T>)size & ~sign) | ((Ints<T>)sign_of & sign));
}
// −1, 0 or 1; NaN gives 0.
template <class T> SCHUSS_INLINE Vec<T> sign(Vec<T> x) {
  Vec<T> zero = {};
  return pick<T>(x > zero, all<T>(1), pick<T>(x < zero, all<T>(-1), zero));
}

// Half a vector of floats as doubles. (GCC 12 converts quarters.)
typedef float HalfF __attribute__((vector_size(SCHUSS_BYTES / 2)));
SCHUSS_INLINE VecD as_doubles(HalfF x) {
#if SCHUSS_AVX512_THERE
  return _mm512_maskz_cvtps_pd(0xff, x);
#elif SCHUSS_BYTES == 32
  return _mm256_cvtps_pd(x);
#else
  return __builtin_convertvector(x, VecD);
#endif
}

// As many elements as a vector of doubles has, as doubles.
SCHUSS_INLINE VecD load_wide(const double *p) { return load<double>(p); }
SCHUSS_INLINE VecD load_wide(const float *p) {
  return as_doubles(*reinterpret_cast<const HalfF *>(p));
}
template <class T> constexpr int wide_parts = int(sizeof(double) / sizeof(T));  // vectors of doubles for one of T
// The lower or the upper half of a vector of floats, as doubles; of a vector of doubles there is one part.
SCHUSS_INLINE VecD widened(VecD x, int) { return x; }
SCHUSS_INLINE VecD widened(VecF x, int half) {
  HalfF halves[2];
  __builtin_memcpy(halves, &x, sizeof x);
  return as_doubles(halves[half]);
}

// The sum of n lanes, by halves.
template <class T, int n> struct Halves {
  typedef T V __attribute__((vector_size(n * sizeof(T))));
  static __attribute__((always_inline)) T sum(V v) {
    typename Halves<T, n / 2>::V halves[2];
    __builtin_memcpy(halves, &v, sizeof v);
    return Halves<T, n / 2>::sum(halves[0] + halves[1]);
  }
};
template <class T> struct Halves<T, 1> {
  typedef T V;
  static __attribute__((always_inline)) T sum(V v) { return v; }
};

// And of a block's partial sums: the same tree for every vector width.
template <class T> SCHUSS_INLINE T sum_block(const Vec<T> (&part)[block_vectors]) {
  Vec<T> v = part[0];
  if constexpr (block_vectors == 2) v = part[0] + part[1];
  if constexpr (block_vectors == 4) v = (part[0] + part[2]) + (part[1] + part[3]);
  return Halves<T, lanes<T>>::sum(v);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

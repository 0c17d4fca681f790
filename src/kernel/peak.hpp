// The most multiply-adds that one core can do: a loop that touches no memory. Every speed of the kernel is a
// share of this one.
#pragma once
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Independent sums: more than the processor keeps under way, and together with both factors not more than
// it has registers.
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
constexpr int peak_sums = 24;
#else
constexpr int peak_sums = 12;
#endif

// c ← c·a + b, so many times for each of the sums; how many operations that was. Each c comes nearer to
// b / (1−a), so no number ever grows or vanishes, and none can be worked out before its turn.
template <class T> double multiply_adds(long rounds, T a, T b, T *sum) {
  Vec<T> c[peak_sums], total = {};
#pragma GCC unroll 24
  for (int i = 0; i < peak_sums; i++) c[i] = all<T>(T(i));
  const Vec<T> left = all<T>(a), right = all<T>(b);
  for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 24
    for (int i = 0; i < peak_sums; i++) c[i] = fma(c[i], left, right);
  }
#pragma GCC unroll 24
  for (int i = 0; i < peak_sums; i++) total = total + c[i];
  *sum = total[0];
  return 2.0 * peak_sums * lanes<T> * double(rounds);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

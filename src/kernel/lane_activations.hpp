// Outputs of many small networks, one network in each lane of a vector, and with them the slopes, which stand where
// the error signals will.
#pragma once
#include "activations.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T, int K> SCHUSS_INLINE int tanh_with_slopes(T *y, T *slope, int v, int vectors) {
  for (; v + K <= vectors; v += K) {
    Vec<T> x[K];
#pragma GCC unroll 8
    for (int i = 0; i < K; i++) x[i] = load<T>(y + (v + i) * lanes<T>);
    tanh_together<T, K>(x);
#pragma GCC unroll 8
    for (int i = 0; i < K; i++) {
      store<T>(y + (v + i) * lanes<T>, x[i]);
      store<T>(slope + (v + i) * lanes<T>, slope_at<T>(Activation::tanh, x[i], nullptr));
    }
  }
  return v;
}

template <class T> SCHUSS_INLINE void tanh_with_slopes(T *y, T *slope, int vectors) {
  int v = 0;
#if SCHUSS_BYTES == 64 || defined(__aarch64__)  // registers for so many
  v = tanh_with_slopes<T, 8>(y, slope, v, vectors);
#endif
  v = tanh_with_slopes<T, 4>(y, slope, v, vectors);
  v = tanh_with_slopes<T, 2>(y, slope, v, vectors);
  tanh_with_slopes<T, 1>(y, slope, v, vectors);
}

template <class T, Activation a> void slopes_of(const T *y, T *slope, int vectors) {
  for (long i = 0; i < long(vectors) * lanes<T>; i += lanes<T>)
    store<T>(slope + i, slope_at<T>(a, load<T>(y + i), nullptr));
}

// Replace net inputs by outputs.
template <class T> __attribute__((noinline)) void activate_with_slopes(Activation a, T *y, T *slope, int vectors) {
  if (a == Activation::tanh) return tanh_with_slopes(y, slope, vectors);
  activate<T>(a, y, slope, 0, 1, vectors);
  if (!slope_from_output(a)) return;
  switch (a) {
    case Activation::logistic: return slopes_of<T, Activation::logistic>(y, slope, vectors);
    case Activation::relu: return slopes_of<T, Activation::relu>(y, slope, vectors);
    case Activation::leaky_relu: return slopes_of<T, Activation::leaky_relu>(y, slope, vectors);
    case Activation::elu: return slopes_of<T, Activation::elu>(y, slope, vectors);
    case Activation::exp: return slopes_of<T, Activation::exp>(y, slope, vectors);
    default: return slopes_of<T, Activation::identity>(y, slope, vectors);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Outputs of many small networks, one network in each lane of a vector, and with them the slopes, which stand where
// the error signals will.
#pragma once
#include "activations.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T, Activation a> void slopes_of(const T *y, T *slope, int vectors) {
  for (long i = 0; i < long(vectors) * lanes<T>; i += lanes<T>)
    store<T>(slope + i, slope_at<T>(a, load<T>(y + i)));
}

// What sweeps of tanh do most: nothing is asked of it but vectors that follow one another.
template <class T> __attribute__((noinline)) void tanh_along(T *y, int vectors) {
  T *const no_slopes = nullptr;
  along<T, 1, at_once>(y, no_slopes, 0, vectors, [](auto &x, auto &) { tanh<T>(x); });
}

// In one pass: relu is so short that a second would count.
template <class T> void relu_with_slopes(T *y, T *slope, int vectors) {
  for (long i = 0; i < long(vectors) * lanes<T>; i += lanes<T>) {
    const Vec<T> out = relu<T>(load<T>(y + i));
    store<T>(y + i, out);
    store<T>(slope + i, slope_at<T>(Activation::relu, out));
  }
}

// Replace net inputs by outputs.
template <class T> __attribute__((noinline)) void activate_with_slopes(Activation a, T *y, T *slope, int vectors) {
  if (a == Activation::relu) return relu_with_slopes(y, slope, vectors);
  activate<T>(a, y, slope, 0, 1, vectors);
  if (stores_slope[int(a)]) return;  // it wrote them itself
  switch (a) {
    case Activation::logistic: return slopes_of<T, Activation::logistic>(y, slope, vectors);
    case Activation::tanh: return slopes_of<T, Activation::tanh>(y, slope, vectors);
    case Activation::leaky_relu: return slopes_of<T, Activation::leaky_relu>(y, slope, vectors);
    case Activation::elu: return slopes_of<T, Activation::elu>(y, slope, vectors);
    case Activation::exp: return slopes_of<T, Activation::exp>(y, slope, vectors);
    default: return slopes_of<T, Activation::identity>(y, slope, vectors);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

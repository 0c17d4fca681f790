// The gradient of the first layer of many small networks, one network in each lane of a vector. Nothing else asks for
// that layer's error signals: each is made from those above where it is needed, and never stored.
#pragma once
#include "activations.hpp"
#include "lanes_job.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int most_first_inputs = 4;  // sums for four units, which stay in registers

// Sums, sample by sample in their order, of inputs times signals, and in `bias` of signals alone.
template <class T> struct LaneFirst {
  int samples, units, above;  // of the first layer, and of the second
  const T *x;                 // a sample's inputs side by side: vectors, or where `same` a number for all lanes
  long x_next;
  const T *y;                 // outputs of the first layer
  const T *delta, *w;         // error signals of the second and its weights
  T *to, *bias;               // bias or null
  bool resumes;
};

// The error signals of `count` units of a tanh layer for one sample: those above along the weights, times 1 − y².
template <class T, int count>
SCHUSS_INLINE void lane_tanh_signals(const LaneFirst<T> &p, const T *y, const T *delta, const T *w,
                                     Vec<T> (&signal)[count]) {
#pragma GCC unroll 4
  for (int c = 0; c < count; c++) signal[c] = Vec<T>{};
  for (int j = 0; j < p.above; j++) {
    const Vec<T> above = load<T>(delta + j * lanes<T>);
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) signal[c] = fma(above, load<T>(w + (c * p.above + j) * lanes<T>), signal[c]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < count; c++)
    signal[c] = slope_at<T>(Activation::tanh, load<T>(y + c * lanes<T>), nullptr) * signal[c];
}

// Of all inputs, and of units [unit, unit + count).
template <class T, bool same, int inputs, int count>
SCHUSS_INLINE void lane_first_units(const LaneFirst<T> &p, int unit) {
  constexpr long L = lanes<T>;
  const T *x = p.x, *y = p.y + unit * L, *delta = p.delta, *w = p.w + unit * p.above * L;
  T *to = p.to + unit * L;
  Vec<T> sum[inputs * count], total[count], signal[count];
#pragma GCC unroll 4
  for (int c = 0; c < count; c++) {
    total[c] = p.resumes && p.bias ? load<T>(p.bias + (unit + c) * L) : Vec<T>{};
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) sum[k * count + c] = p.resumes ? load<T>(to + (k * p.units + c) * L) : Vec<T>{};
  }
  for (int s = p.samples; s > 0; s--, x += p.x_next, y += p.units * L, delta += p.above * L) {
    lane_tanh_signals<T, count>(p, y, delta, w, signal);
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) {
      const Vec<T> left = same ? all<T>(x[k]) : load<T>(x + k * L);
#pragma GCC unroll 4
      for (int c = 0; c < count; c++) sum[k * count + c] = fma(left, signal[c], sum[k * count + c]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) total[c] = total[c] + signal[c];
  }
#pragma GCC unroll 4
  for (int c = 0; c < count; c++) {
    if (p.bias) store<T>(p.bias + (unit + c) * L, total[c]);
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) store<T>(to + (k * p.units + c) * L, sum[k * count + c]);
  }
}

template <class T, bool same, int inputs> void lane_first_layer(const LaneFirst<T> &p) {
  int unit = 0;
#if SCHUSS_BYTES == 64 || defined(__aarch64__)  // registers for so many
  for (; unit + 4 <= p.units; unit += 4) lane_first_units<T, same, inputs, 4>(p, unit);
#endif
  for (; unit + 2 <= p.units; unit += 2) lane_first_units<T, same, inputs, 2>(p, unit);
  if (unit < p.units) lane_first_units<T, same, inputs, 1>(p, unit);
}

template <class T, bool same> SCHUSS_INLINE void lane_first_of(const LaneFirst<T> &p, int inputs) {
  switch (inputs) {
    case 1: return lane_first_layer<T, same, 1>(p);
    case 2: return lane_first_layer<T, same, 2>(p);
    case 3: return lane_first_layer<T, same, 3>(p);
    default: return lane_first_layer<T, same, most_first_inputs>(p);
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

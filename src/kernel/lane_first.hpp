// The first layer of many small networks, one network in each lane of a vector, where it has few inputs: its net
// inputs, and its gradient. Nothing else asks for that layer's error signals: each is made from those above where it is
// needed, and never stored. A second layer of one unit has its gradient made beside, from the same outputs and signals.
#pragma once
#include "activations.hpp"
#include "lane_gather.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Net inputs, sample by sample: weights and biases go from memory into the sums, so that an output takes an instruction
// for each of its terms, one for its bias and one for its store.
template <class T, bool same, int inputs>
void lane_net_inputs_of(const T *x, long x_next, const Layer<T> &layer, int n) {
  constexpr long L = lanes<T>;
  const long end = layer.n_out * L;
  T *y = layer.y;
  for (int row = 0; row < n; row++, x += x_next, y += end) {
    Vec<T> left[inputs];
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) left[k] = same ? all<T>(x[k]) : load<T>(x + k * L);
#pragma GCC unroll 4
    for (long c = 0; c < end; c += L) {
      Vec<T> sum = load<T>(layer.b + c);
#pragma GCC unroll 4
      for (int k = 0; k < inputs; k++) sum = fma(left[k], load<T>(layer.w + k * end + c), sum);
      store<T>(y + c, sum);
    }
  }
}

template <class T>
SCHUSS_INLINE void lane_first_net_inputs(const T *x, long x_next, bool same, const Layer<T> &layer, int n) {
  with_few_inputs(layer.n_in, [&](auto few) {
    if (same) lane_net_inputs_of<T, true, few.value>(x, x_next, layer, n);
    else lane_net_inputs_of<T, false, few.value>(x, x_next, layer, n);
  });
}

// Sums, sample by sample in their order, of inputs times signals, and in `bias` of signals alone.
template <class T> struct LaneFirst {
  int samples, units, above;  // of the first layer, and of the second
  const T *x;                 // a sample's inputs side by side: vectors, or where `same` a number for all lanes
  long x_next;
  const T *y;                 // outputs of the first layer
  const T *delta, *w;         // error signals of the second and its weights
  T *to, *bias;               // bias or null
  bool resumes;
  T *to_above, *bias_above;   // sums of a second layer of one unit; of more they are null
};

// The error signals of `count` units of a tanh layer for one sample: those above along the weights, times 1 − y².
template <class T, int count, bool single>
SCHUSS_INLINE void lane_tanh_signals(const LaneFirst<T> &p, const T *y, const T *delta, const T *w,
                                     Vec<T> (&signal)[count]) {
#pragma GCC unroll 4
  for (int c = 0; c < count; c++) signal[c] = Vec<T>{};
  const int n = single ? 1 : p.above;
  for (int j = 0; j < n; j++) {
    const Vec<T> above = load<T>(delta + j * lanes<T>);
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) signal[c] = fma(above, load<T>(w + (c * n + j) * lanes<T>), signal[c]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < count; c++)
    signal[c] = slope_at<T>(Activation::tanh, load<T>(y + c * lanes<T>)) * signal[c];
}

// Of all inputs, and of units [unit, unit + count); where the second layer has a single unit, also its sums from these
// units. Returns those of its bias.
template <class T, bool same, int inputs, int count, bool single>
SCHUSS_INLINE Vec<T> lane_first_units(const LaneFirst<T> &p, int unit) {
  constexpr long L = lanes<T>;
  const T *x = p.x, *y = p.y + unit * L, *delta = p.delta, *w = p.w + unit * p.above * L;
  T *to = p.to + unit * L;
  Vec<T> sum[inputs * count], total[count], signal[count], above[count], total_above = {};
  if (single && p.resumes && p.bias_above) total_above = load<T>(p.bias_above);
#pragma GCC unroll 4
  for (int c = 0; c < count; c++) {
    if (single) above[c] = p.resumes ? load<T>(p.to_above + (unit + c) * L) : Vec<T>{};
    total[c] = p.resumes && p.bias ? load<T>(p.bias + (unit + c) * L) : Vec<T>{};
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) sum[k * count + c] = p.resumes ? load<T>(to + (k * p.units + c) * L) : Vec<T>{};
  }
  for (int s = p.samples; s > 0; s--, x += p.x_next, y += p.units * L, delta += p.above * L) {
    lane_tanh_signals<T, count, single>(p, y, delta, w, signal);
    if (single) {
      const Vec<T> right = load<T>(delta);
      total_above = total_above + right;
#pragma GCC unroll 4
      for (int c = 0; c < count; c++) above[c] = fma(load<T>(y + c * L), right, above[c]);
    }
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
    if (single) store<T>(p.to_above + (unit + c) * L, above[c]);
#pragma GCC unroll 4
    for (int k = 0; k < inputs; k++) store<T>(to + (k * p.units + c) * L, sum[k * count + c]);
  }
  return total_above;
}

template <class T, bool same, int inputs, bool single> void lane_first_layer(const LaneFirst<T> &p) {
  int unit = 0;
  Vec<T> total = {};
#if SCHUSS_BYTES == 64 || defined(__aarch64__)  // registers for so many
  for (; unit + 4 <= p.units; unit += 4) total = lane_first_units<T, same, inputs, 4, single>(p, unit);
#endif
  for (; unit + 2 <= p.units; unit += 2) total = lane_first_units<T, same, inputs, 2, single>(p, unit);
  if (unit < p.units) total = lane_first_units<T, same, inputs, 1, single>(p, unit);
  if (single && p.bias_above) store<T>(p.bias_above, total);
}

template <class T, bool same, int inputs> SCHUSS_INLINE void lane_first_inputs(const LaneFirst<T> &p) {
  if (p.to_above) lane_first_layer<T, same, inputs, true>(p);
  else lane_first_layer<T, same, inputs, false>(p);
}

template <class T> SCHUSS_INLINE void lane_first_sums_of(const LaneFirst<T> &p, bool same, int inputs) {
  with_few_inputs(inputs, [&](auto few) {
    if (same) lane_first_inputs<T, true, few.value>(p);
    else lane_first_inputs<T, false, few.value>(p);
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// What is written down of some weights while steps are made: where each of them stands, and where to.
#pragma once
#include <cstdint>

namespace schuss {

// The weight from unit k to unit j of a layer; its bias where k is n_in.
struct WeightPlace {
  int layer, k, j;
};

// For each step of a call; observe.hpp fills it.
template <class T> struct Observation {
  const WeightPlace *weights;  // (count,)
  long count, batch_size;
  T *theta;       // (steps, count): the weights before the step
  T *memory;      // (steps, rows of the rule, count): what the rule remembers of them before it
  T *sums;        // (steps, count): Σ_p y_k·δ_j
  T *factor;      // (steps,): what clipping multiplied the gradient by
  int32_t *rows;  // (steps, batch_size): the samples; −1 where a batch is short
  T *y, *delta;   // (steps, batch_size, count): y_k and δ_j of each sample
};

}  // namespace schuss

// Many small networks of one shape side by side: what lanes.hpp is told of a group of them, one network a lane.
#pragma once
#include "kernel.hpp"

namespace schuss {

// The steps of one call for as many networks as a vector has lanes. In the layers of `work` every number of a
// matrix is a vector with a lane for each network: w, memory and g hold n_in · n_out of them row by row, b holds
// n_out, and y and delta hold n_out for each row of the batch; delta holds the slopes until the error signals come.
// Weights and biases of all layers stand one after the other, and so do sums and memory. Strides and transposed
// weights are not used.
template <class T> struct LaneJob {
  Work<T> *work;                 // network, data and room; its batch, rates and penalties are not used
  long n, batch_size, steps, first_place;
  bool mean;                     // losses and gradients are means over the batch
  const int32_t *const *orders;  // (lanes,) of the epochs touched, n each; null: samples in their own order
  bool same_order;               // of all lanes
  const double *const *rates;    // (lanes,) of the first step; a rule's numbers for each step follow,
  long rate_step;                // so far from one step to the next: 0 where they never change
  const double *const *keeps;    // (lanes,) what decay leaves of the weights, likewise; null: all
  long keep_step;
  const T *l2, *l1;              // (lanes,)
  T *weight_batch;               // (work.chunk,) vectors: how often the samples count
  double *const *losses;         // (lanes,) of each step
};

}  // namespace schuss

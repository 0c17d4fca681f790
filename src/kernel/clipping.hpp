// What is done where a gradient that stands in g is too long: g·min(1, clip/‖g‖).
#pragma once
#include "lengths.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// After all threads have met: every one of them works it out for itself.
template <class T> T clip_factor(const Work<T> &work) {
  const double length = length_of(work, work.gradient_squares);
  return length > work.clip ? T(work.clip / length) : T(1);
}

template <class T> void scale_gradient(const Work<T> &work, T factor, int thread) {
  for (int l = 0; l < work.depth; l++) {
    const Layer<T> &layer = work.layers[l];
    const Range r = share(layer.n_in, rows_together, thread, work.team->threads);
    for (int p = 0; p * panel<T> < layer.n_out; p++) {
      const Panel<T> at = weight_panel<T>(layer.g, layer.n_in, layer.n_out, p, r.first);
      T *g = layer.g + (at.b - layer.g);
      for (long i = 0; i < (r.last - r.first) * at.stride; i += lanes<T>)
        store<T>(g + i, factor * load<T>(g + i));
    }
    for (int c = 0; thread == 0 && c < layer.n_out; c += lanes<T>)
      store<T>(layer.b_g + c, factor * load<T>(layer.b_g + c));
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Outputs of one network with its weights packed once, for many small questions. Several threads may ask it.
#pragma once
#include <utility>

#include "advance.hpp"

namespace schuss {

template <class T> class Predictor {
 public:
  Predictor(Problem problem, const Table<T> &table, const T *theta, int threads)
      : problem_(std::move(problem)), table_(table), threads_(threads),
        weights_(problem_, table, {1, 0, false, 0, false}) {
    weights_.pack(theta, nullptr);
  }
  int n_in() const { return problem_.layers.front(); }
  int n_out() const { return problem_.layers.back(); }
  double flops(long n) const { return problem_.flops_per_sample(n_in()) / 3 * double(n); }

  // y (n, n_out) for x (n, n_in); not all of it once `poll` has said stop.
  void operator()(long n, const T *x, T *y, const Poll &poll) {
    outputs<T>(problem_, shelf_, table_, {n, x, {}, nullptr, nullptr, nullptr}, threads_, nullptr, y, poll, &weights_);
  }

 private:
  const Problem problem_;
  const Table<T> &table_;
  const int threads_;
  Workspace<T> weights_;
  Shelf<T> shelf_;
};

}  // namespace schuss

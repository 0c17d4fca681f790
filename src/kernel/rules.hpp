// The rules of method/rules/: a rule's numbers for one step, and what it makes of a vector of weights. Each
// operation is rounded on its own, as NumPy rounds it for arrays of T and Python's numbers.
#pragma once
#include "kernel.hpp"
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Made from the numbers of a step; called with the weights that stand at place i, with the rule's memory and
// with their gradient, it changes the memory there and returns the new weights.
template <class T, Rule rule> struct Change;

template <class T> struct Change<T, Rule::gradient_descent> {
  T rate;
  explicit Change(const double *r) : rate(T(r[0])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, T *const *, long, Vec<T> gradient) const {
    return w - rate * gradient;
  }
};

template <class T> struct Change<T, Rule::momentum> {
  T rate, momentum;
  explicit Change(const double *r) : rate(T(r[0])), momentum(T(r[1])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, T *const *memory, long i, Vec<T> gradient) const {
    const Vec<T> velocity = momentum * load<T>(memory[0] + i) - rate * gradient;
    store<T>(memory[0] + i, velocity);
    return w + velocity;
  }
};

template <class T> struct Change<T, Rule::nesterov> {
  T rate, momentum;
  explicit Change(const double *r) : rate(T(r[0])), momentum(T(r[1])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, T *const *memory, long i, Vec<T> gradient) const {
    const Vec<T> push = rate * gradient, velocity = momentum * load<T>(memory[0] + i) - push;
    store<T>(memory[0] + i, velocity);
    return w + (momentum * velocity - push);
  }
};

template <class T> struct Change<T, Rule::adam> {
  T rate, beta_1, rest_1, beta_2, rest_2, epsilon;
  explicit Change(const double *r)
      : rate(T(r[0])), beta_1(T(r[1])), rest_1(T(1.0 - r[1])), beta_2(T(r[2])), rest_2(T(1.0 - r[2])),
        epsilon(T(r[3])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, T *const *memory, long i, Vec<T> gradient) const {
    const Vec<T> mean = beta_1 * load<T>(memory[0] + i) + rest_1 * gradient;
    const Vec<T> mean_square = beta_2 * load<T>(memory[1] + i) + rest_2 * (gradient * gradient);
    store<T>(memory[0] + i, mean);
    store<T>(memory[1] + i, mean_square);
    return w - rate * mean / (square_root(mean_square) + epsilon);
  }
};

// Whether a rule draws roots, which take several times as long as all the rest of it.
SCHUSS_INLINE constexpr bool has_roots(Rule rule) { return rule == Rule::adam; }

}  // namespace SCHUSS_ISA
}  // namespace schuss

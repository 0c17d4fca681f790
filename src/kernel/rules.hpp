// The rules of method/rules/: a rule's numbers for one step, and what it makes of a vector of weights. Each
// operation is rounded on its own, as NumPy rounds it for arrays of T and Python's numbers.
#pragma once
#include "kernel.hpp"
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Made from the numbers of a step; called with a vector of weights, with what the rule remembers of them and with
// their gradient, it changes the memory and returns the new weights.
template <class T, Rule rule> struct Change;

template <class T> struct Change<T, Rule::gradient_descent> {
  T rate;
  explicit Change(const double *r) : rate(T(r[0])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *, Vec<T> gradient) const {
    return w - rate * gradient;
  }
};

template <class T> struct Change<T, Rule::momentum> {
  T rate, momentum;
  explicit Change(const double *r) : rate(T(r[0])), momentum(T(r[1])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = momentum * memory[0] - rate * gradient;
    return w + memory[0];
  }
};

template <class T> struct Change<T, Rule::nesterov> {
  T rate, momentum;
  explicit Change(const double *r) : rate(T(r[0])), momentum(T(r[1])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    const Vec<T> push = rate * gradient;
    memory[0] = momentum * memory[0] - push;
    return w + (momentum * memory[0] - push);
  }
};

template <class T> struct Change<T, Rule::adam> {
  T rate, beta_1, rest_1, beta_2, rest_2, epsilon;
  explicit Change(const double *r)
      : rate(T(r[0])), beta_1(T(r[1])), rest_1(T(1.0 - r[1])), beta_2(T(r[2])), rest_2(T(1.0 - r[2])),
        epsilon(T(r[3])) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = beta_1 * memory[0] + rest_1 * gradient;
    memory[1] = beta_2 * memory[1] + rest_2 * (gradient * gradient);
    return w - rate * memory[0] / (square_root(memory[1]) + epsilon);
  }
};

// Whether a rule draws roots, which take several times as long as all the rest of it.
SCHUSS_INLINE constexpr bool has_roots(Rule rule) { return rule == Rule::adam; }

}  // namespace SCHUSS_ISA
}  // namespace schuss

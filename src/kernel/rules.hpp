// The rules of method/rules/: a rule's numbers for one step, and what it makes of a vector of weights. Each
// operation is rounded on its own, as NumPy rounds it for arrays of T and Python's numbers.
#pragma once
#include "kernel.hpp"
#include "simd.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Number i of a step, as a rule takes it, and one minus it: the same for all lanes,
template <class T, class N> struct Numbers {
  static N at(const double *r, int i) { return T(r[i]); }
  static N rest(const double *r, int i) { return T(1.0 - r[i]); }
};
// or one for each of them, where those of number 0 come first.
template <class T> struct Numbers<T, Vec<T>> {
  template <class F> static Vec<T> of(F f) {
    Vec<T> numbers;
    for (int lane = 0; lane < lanes<T>; lane++) numbers[lane] = T(f(lane));
    return numbers;
  }
  static Vec<T> at(const double *r, int i) { return of([=](int lane) { return r[i * lanes<T> + lane]; }); }
  static Vec<T> rest(const double *r, int i) { return of([=](int lane) { return 1.0 - r[i * lanes<T> + lane]; }); }
};

// Made from the numbers of a step; called with a vector of weights, with what the rule remembers of them and with
// their gradient, it changes the memory and returns the new weights. N is T, or a vector of them.
template <class T, Rule rule, class N = T> struct Change;

template <class T, class N> struct Change<T, Rule::gradient_descent, N> {
  using Of = Numbers<T, N>;
  N rate;
  explicit Change(const double *r) : rate(Of::at(r, 0)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *, Vec<T> gradient) const {
    return w - rate * gradient;
  }
};

template <class T, class N> struct Change<T, Rule::momentum, N> {
  using Of = Numbers<T, N>;
  N rate, momentum;
  explicit Change(const double *r) : rate(Of::at(r, 0)), momentum(Of::at(r, 1)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = momentum * memory[0] - rate * gradient;
    return w + memory[0];
  }
};

template <class T, class N> struct Change<T, Rule::nesterov, N> {
  using Of = Numbers<T, N>;
  N rate, momentum;
  explicit Change(const double *r) : rate(Of::at(r, 0)), momentum(Of::at(r, 1)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    const Vec<T> push = rate * gradient;
    memory[0] = momentum * memory[0] - push;
    return w + (momentum * memory[0] - push);
  }
};

template <class T, class N> struct Change<T, Rule::adam, N> {
  using Of = Numbers<T, N>;
  N rate, beta_1, rest_1, beta_2, rest_2, epsilon;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), beta_1(Of::at(r, 1)), rest_1(Of::rest(r, 1)), beta_2(Of::at(r, 2)),
        rest_2(Of::rest(r, 2)), epsilon(Of::at(r, 3)) {}
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

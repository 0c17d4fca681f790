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

template <class T, class N> struct Change<T, Rule::outer_momentum, N> {
  using Of = Numbers<T, N>;
  N rate, momentum, take, share, fresh;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), momentum(Of::at(r, 1)), take(Of::at(r, 2)), share(Of::at(r, 3)), fresh(Of::at(r, 4)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = momentum * memory[0] + take * gradient;
    return w - rate * (share * memory[0] + fresh * gradient);
  }
};

template <class T, class N> struct Change<T, Rule::averaged_momentum, N> {
  using Of = Numbers<T, N>;
  N rate, beta, rest;
  explicit Change(const double *r) : rate(Of::at(r, 0)), beta(Of::at(r, 1)), rest(Of::rest(r, 1)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = beta * memory[0] + rest * gradient;
    return w - rate * memory[0];
  }
};

template <class T, class N> struct Change<T, Rule::quasi_hyperbolic, N> {
  using Of = Numbers<T, N>;
  N rate, beta, rest, nu, fresh;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), beta(Of::at(r, 1)), rest(Of::rest(r, 1)), nu(Of::at(r, 2)), fresh(Of::rest(r, 2)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = beta * memory[0] + rest * gradient;
    return w - rate * (fresh * gradient + nu * memory[0]);
  }
};

template <class T, class N> struct Change<T, Rule::rmsprop, N> {
  using Of = Numbers<T, N>;
  N rate, beta, rest, epsilon;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), beta(Of::at(r, 1)), rest(Of::rest(r, 1)), epsilon(Of::at(r, 2)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = beta * memory[0] + rest * (gradient * gradient);
    return w - rate * gradient / (square_root(memory[0]) + epsilon);
  }
};

template <class T, class N> struct Change<T, Rule::adagrad, N> {
  using Of = Numbers<T, N>;
  N rate, epsilon;
  explicit Change(const double *r) : rate(Of::at(r, 0)), epsilon(Of::at(r, 1)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = memory[0] + gradient * gradient;
    return w - rate * gradient / (square_root(memory[0]) + epsilon);
  }
};

template <class T, class N> struct Change<T, Rule::aggmo, N> {
  using Of = Numbers<T, N>;
  N rate, beta_1, beta_2, beta_3;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), beta_1(Of::at(r, 1)), beta_2(Of::at(r, 2)), beta_3(Of::at(r, 3)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = beta_1 * memory[0] + gradient;
    memory[1] = beta_2 * memory[1] + gradient;
    memory[2] = beta_3 * memory[2] + gradient;
    return w - rate * ((memory[0] + memory[1] + memory[2]) * T(1.0 / 3.0));
  }
};

template <class T, class N> struct Change<T, Rule::lion, N> {
  using Of = Numbers<T, N>;
  N rate, beta_1, rest_1, beta_2, rest_2;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), beta_1(Of::at(r, 1)), rest_1(Of::rest(r, 1)), beta_2(Of::at(r, 2)),
        rest_2(Of::rest(r, 2)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    const Vec<T> towards = beta_1 * memory[0] + rest_1 * gradient;
    memory[0] = beta_2 * memory[0] + rest_2 * gradient;
    return w - rate * sign<T>(towards);
  }
};

template <class T, class N> struct Change<T, Rule::lookahead, N> {
  using Of = Numbers<T, N>;
  N rate, momentum, back, goes_on;
  explicit Change(const double *r)
      : rate(Of::at(r, 0)), momentum(Of::at(r, 1)), back(Of::at(r, 2)), goes_on(Of::at(r, 3)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    memory[0] = momentum * memory[0] - rate * gradient;
    const Vec<T> way = memory[1] + memory[0];
    memory[1] = goes_on * way;
    return w + (memory[0] - back * way);
  }
};

template <class T, class N> struct Change<T, Rule::schedule_free, N> {
  using Of = Numbers<T, N>;
  N rate, keep, mix, fresh;
  explicit Change(const double *r) : rate(Of::at(r, 0)), keep(Of::at(r, 1)), mix(Of::at(r, 2)), fresh(Of::at(r, 3)) {}
  __attribute__((always_inline)) Vec<T> operator()(Vec<T> w, Vec<T> *memory, Vec<T> gradient) const {
    const Vec<T> push = rate * gradient, before = memory[0];
    memory[0] = keep * (before - push);
    return w + (mix * before - fresh * push);
  }
};

// Whether the sums of a tile leave the registers for a rule. The first three do not: they are the fastest, and have
// copies of the update, and of what sparse rows need. Of the others some draw roots, which take longer than the way.
SCHUSS_INLINE constexpr bool goes_through_memory(Rule rule) { return int(rule) > int(Rule::nesterov); }

template <Rule rule> struct RuleConstant {
  static constexpr Rule value = rule;
};

// f with a rule as a constant, to choose a function of its own: what leads there is compiled once for all rules.
template <class F> SCHUSS_INLINE void with_rule(Rule rule, F f) {
  switch (rule) {
    case Rule::momentum: return f(RuleConstant<Rule::momentum>());
    case Rule::nesterov: return f(RuleConstant<Rule::nesterov>());
    case Rule::adam: return f(RuleConstant<Rule::adam>());
    case Rule::outer_momentum: return f(RuleConstant<Rule::outer_momentum>());
    case Rule::averaged_momentum: return f(RuleConstant<Rule::averaged_momentum>());
    case Rule::quasi_hyperbolic: return f(RuleConstant<Rule::quasi_hyperbolic>());
    case Rule::rmsprop: return f(RuleConstant<Rule::rmsprop>());
    case Rule::adagrad: return f(RuleConstant<Rule::adagrad>());
    case Rule::aggmo: return f(RuleConstant<Rule::aggmo>());
    case Rule::lion: return f(RuleConstant<Rule::lion>());
    case Rule::lookahead: return f(RuleConstant<Rule::lookahead>());
    case Rule::schedule_free: return f(RuleConstant<Rule::schedule_free>());
    default: return f(RuleConstant<Rule::gradient_descent>());
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Biases: weights from a unit whose output is 1. They carry no penalty and do not decay.
#pragma once
#include "update.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Σ_p δ_j for some vectors of units j. A sum waits for each of its terms, so four are made at once where there are.
constexpr int bias_sums = 4;
template <class T>
__attribute__((noinline)) void sum_signals(const Layer<T> &layer, bool resumes, int samples, int c, int vectors,
                                           T *to) {
  const auto sum = [&](auto count, int first) {
    constexpr int K = count.value;
    const T *delta = layer.delta + first;
    Vec<T> sums[K];
    SCHUSS_EACH sums[i] = resumes ? load<T>(layer.b_g + first + i * lanes<T>) : Vec<T>{};
    for (int r = 0; r < samples; r++, delta += layer.stride)
      SCHUSS_EACH sums[i] = sums[i] + load<T>(delta + i * lanes<T>);
    SCHUSS_EACH store<T>(to + (first - c) + i * lanes<T>, sums[i]);
  };
  if (vectors == bias_sums) return sum(Count<bias_sums>(), c);
  for (int v = 0; v < vectors; v++) sum(Count<1>(), c + v * lanes<T>);
}

template <class T, Rule rule>
void update_biases(const Work<T> &work, const Change<T, rule> &change, int l, Fate fate, bool resumes,
                   int samples, Range panels) {
  const Layer<T> &layer = work.layers[l];
  const Place<T> biases = biases_of(layer);
  const int end = least(layer.n_out, panels.last * panel<T>);
  alignas(line_bytes) T sums[bias_sums * lanes<T>];
  for (int c = panels.first * panel<T>; c < end; c += bias_sums * lanes<T>) {
    const int vectors = least(bias_sums, vectors_of<T>(end - c));
    sum_signals(layer, resumes, samples, c, vectors, sums);
    for (int i = 0; i < vectors * lanes<T>; i += lanes<T>) {
      const Vec<T> sum = load<T>(sums + i);
      if (fate != Fate::squared) {
        settle<T, rule, false, Penalty::none>(fate, work.scale, change, biases, c + i, sum);
        continue;
      }
      Terms<T> terms;
      settle<T, rule, false, Penalty::none>(fate, work.scale, change, biases, c + i, sum, terms);
      terms.put(bias_terms(layer, c + i));
    }
  }
}

// From gradients that stand in g, times a factor.
template <class T, Rule rule>
void apply_to_biases(const Change<T, rule> &change, T factor, const Layer<T> &layer) {
  const Place<T> biases = biases_of(layer);
  for (int c = 0; c < layer.n_out; c += lanes<T>) {
    Terms<T> terms;
    apply_at<T, rule, false>(change, factor, biases, c, terms);
    terms.put(bias_terms(layer, c));
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

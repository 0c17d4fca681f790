// Biases: weights from a unit whose output is 1. They carry no penalty and do not decay.
#pragma once
#include "applying.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Σ_p δ_j for some vectors of units j. A sum waits for each of its terms, so four are made at once where there are.
constexpr int bias_sums = 4;
template <class T>
__attribute__((noinline)) void sum_signals(const Layer<T> &layer, bool resumes, int samples, int c, int vectors,
                                           Vec<T> *to) {
  const auto sum = [&](auto count, int first) {
    constexpr int K = count.value;
    const T *delta = layer.delta + first;
    Vec<T> sums[K];
    SCHUSS_EACH sums[i] = resumes ? load<T>(layer.b_g + first + i * lanes<T>) : Vec<T>{};
    for (int r = 0; r < samples; r++, delta += layer.stride)
      SCHUSS_EACH sums[i] = sums[i] + load<T>(delta + i * lanes<T>);
    SCHUSS_EACH to[(first - c) / lanes<T> + i] = sums[i];
  };
  if (vectors == bias_sums) return sum(Count<bias_sums>(), c);
  for (int v = 0; v < vectors; v++) sum(Count<1>(), c + v * lanes<T>);
}

// f(c, vectors) for the biases of some panels, from c on as many vectors at once as sums are made.
template <class T, class F> SCHUSS_INLINE void over_biases(const Layer<T> &layer, Range panels, F f) {
  const int end = least(layer.n_out, panels.last * panel<T>);
  for (int c = panels.first * panel<T>; c < end; c += bias_sums * lanes<T>)
    f(c, least(bias_sums, vectors_of<T>(end - c)));
}

// change() for some vectors of biases from c on, whose gradients are gradient(v); what their lengths need is noted.
template <class T, class G, class F>
SCHUSS_INLINE void note_biases(const Work<T> &work, const Layer<T> &layer, int c, int vectors, G gradient, F change) {
  Vec<T> before[bias_sums];
  for (int v = 0; v < vectors; v++) before[v] = load<T>(layer.b + c + v * lanes<T>);
  change();
  for (int v = 0; v < vectors; v++) {
    const int i = c + v * lanes<T>;
    Terms<T> terms;
    terms.gradient(gradient(v));
    if (memory_rows[int(work.rule)] > 0) terms.memory(load<T>(layer.b_memory[0] + i));
    terms.change(load<T>(layer.b + i), before[v]);
    terms.put(bias_terms(layer, i));
  }
}

template <class T>
void update_biases(const Work<T> &work, int l, Fate fate, bool resumes, int samples, Range panels) {
  const Layer<T> &layer = work.layers[l];
  const Place<T> biases = biases_of(layer);
  const bool squares = fate == Fate::squared;
  const Run<T> run = run_of(work, squares ? Fate::updated : fate);
  over_biases(layer, panels, [&](int c, int vectors) {
    Vec<T> sums[bias_sums];
    sum_signals(layer, resumes, samples, c, vectors, sums);
    const auto change = [&] { run(work, layer, biases, {c, 0, c}, sums, 1, vectors); };
    const auto gradient = [&](int v) { return gradient_of<T, Penalty::none>(sums[v], biases, 0, work.scale); };
    if (squares) note_biases(work, layer, c, vectors, gradient, change);
    else change();
  });
}

// From gradients that stand in g, times a factor.
template <class T> void apply_to_biases(const Work<T> &work, T factor, const Layer<T> &layer) {
  const Apply<T> apply = apply_of(work);
  over_biases(layer, all_panels(layer), [&](int c, int vectors) {
    const auto change = [&] { apply(work, factor, biases_of(layer), c, c + vectors * lanes<T>); };
    const auto gradient = [&](int v) { return load<T>(layer.b_g + c + v * lanes<T>); };
    if (work.norms) note_biases(work, layer, c, vectors, gradient, change);
    else change();
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Weights of a first layer from inputs that no sample of a sparse batch meets. Their gradient is zero, but they change
// too, by what the rule remembers and by decay. They may lag behind: when a batch needs them, or when someone looks
// at all, they go through the steps that they have missed, each with its roundings, in registers.
#pragma once
#include "sparse.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Ask memory for the weights from unit k in one panel, and for what belongs to them, line by line.
template <class T, Rule rule, int NV> SCHUSS_INLINE void ask_for(const Place<T> &weights, long i) {
  constexpr int line = line_bytes / int(sizeof(T));
#pragma GCC unroll 4
  for (const long end = i + NV * lanes<T>; i < end; i += line) {
    __builtin_prefetch(weights.w + i, 1);
    for (int r = 0; r < memory_rows[int(rule)]; r++) __builtin_prefetch(weights.memory[r] + i, 1);
  }
}

// f(number of vectors, place of the weights from a unit met, that of its sums, its place in `met`), one panel after
// the other, the memory asked for in time.
template <class T, Rule rule, class F> SCHUSS_INLINE void over_met(const Work<T> &work, int first, F f) {
  const Layer<T> &layer = work.layers[0];
  const Place<T> weights = weights_of(work, layer);
  const int end = first + work.n_met;
  for (int p = 0; p * panel<T> < layer.n_out; p++)
    with_vectors(least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors), [&](auto nv) {
      constexpr long row = nv.value * lanes<T>;
      const long begin = long(p) * panel<T> * layer.n_in;
      for (int m = first; m < end; m++) {
        if (m + ahead < end) ask_for<T, rule, nv.value>(weights, begin + work.met[m + ahead] * row);
        f(nv, begin + work.met[m] * row, begin + m * row, m);
      }
    });
}

// What the sums of inputs that the batch met become, where the other weights lag behind.
template <class T, Rule rule, bool decays>
void settle_met(const Work<T> &work, const Change<T, rule> &change, int first) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  over_met<T, rule>(work, first, [&](auto nv, long at, long g, int) {
#pragma GCC unroll 4
    for (int v = 0; v < nv.value; v++) {
      const Vec<T> sum = load<T>(weights.g + g + v * lanes<T>);
      store<T>(weights.g + g + v * lanes<T>, Vec<T>{});
      settle<T, rule, decays, Penalty::none>(Fate::updated, work.scale, change, weights, at + v * lanes<T>, sum);
    }
  });
}

// A step with a gradient of zero. Momentum takes rate·0 from its memory, which changes nothing: it is left out.
template <class T, Rule rule>
SCHUSS_INLINE Vec<T> without_gradient(const Change<T, rule> &change, Vec<T> w, Vec<T> *memory) {
  if constexpr (rule == Rule::momentum) return w + (memory[0] = change.momentum * memory[0]);
  else return change(w, memory, Vec<T>{});
}

// The steps [from, to) that NV vectors of weights have missed: without penalties a sum of zero is a gradient of zero.
template <class T, Rule rule, bool decays, int NV>
SCHUSS_INLINE void make_missed(const Work<T> &work, const Place<T> &weights, long i, long from, long to) {
  Remembered<T, rule> at[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; v++) at[v].take(weights, i + v * lanes<T>);
  for (long s = from; s < to; s++) {
    const Change<T, rule> change(work.all_rates + s * rate_counts[int(rule)]);
    const T keep = decays ? T(work.all_keeps[s]) : T(1);
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) at[v].w = without_gradient(change, decays ? keep * at[v].w : at[v].w, at[v].memory);
  }
#pragma GCC unroll 4
  for (int v = 0; v < NV; v++) at[v].put(weights, i + v * lanes<T>);
}

constexpr int lags_told_apart = 16;  // longer ones go together

// Sort the units met by how many steps they have missed, so that the loop over those steps ends where the processor
// expects it to; false where none has missed any.
template <class T> bool sort_by_lag(const Work<T> &work, int first, long to) {
  int32_t *met = work.met + first, *sorted = work.place_met + first;  // which is written last
  const auto lag_of = [&](int32_t k) {
    const long lag = to - work.settled[k];
    return lag < lags_told_apart ? int(lag) : lags_told_apart - 1;
  };
  int begins[lags_told_apart + 1] = {};
  for (int m = 0; m < work.n_met; m++) begins[lag_of(met[m]) + 1]++;
  if (begins[1] == work.n_met) return false;
  for (int lag = 1; lag < lags_told_apart; lag++) begins[lag] += begins[lag - 1];
  for (int m = 0; m < work.n_met; m++) sorted[begins[lag_of(met[m])]++] = met[m];
  for (int m = 0; m < work.n_met; m++) met[m] = sorted[m];
  for (int m = 0; m < work.n_met; m++) work.place_met[met[m]] = first + m;
  return true;
}

// Bring the weights from the units met up to step `to`.
template <class T, Rule rule, bool decays> void catch_up(const Work<T> &work, int first, long to) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  if (!sort_by_lag(work, first, to)) return;
  over_met<T, rule>(work, first, [&](auto nv, long at, long, int m) {
    const long from = work.settled[work.met[m]];
    if (from < to) make_missed<T, rule, decays, nv.value>(work, weights, at, from, to);
  });
  for (int m = first; m < first + work.n_met; m++) work.settled[work.met[m]] = int32_t(to);
}

// All of them up to the step that comes next.
template <class T, Rule rule> __attribute__((noinline)) void catch_up_all(Work<T> &work, int first, int last) {
  forget_met(work, first);
  for (int k = first; k < last; k++) work.met[first + work.n_met++] = k;
  if (work.all_keeps) catch_up<T, rule, true>(work, first, work.number);
  else catch_up<T, rule, false>(work, first, work.number);
  work.n_met = 0;
  note_met_next(work, first, last);
}

// The sums of a step, and then the weights that the next one meets.
template <class T, Rule rule, bool decays>
__attribute__((noinline)) void update_met(Work<T> &work, const Change<T, rule> &change, int first, int last) {
  settle_met<T, rule, decays>(work, change, first);
  for (int m = first; m < first + work.n_met; m++) work.settled[work.met[m]] = int32_t(work.number + 1);
  forget_met(work, first);
  note_met_next(work, first, last);
  catch_up<T, rule, decays>(work, first, work.number + 1);
}

template <class T, Rule rule>
void update_sparse(Work<T> &work, const Change<T, rule> &change, Fate fate, int samples, int first, int last) {
  scatter(work, samples, first, last, fate == Fate::updated);
  if (fate == Fate::kept) return;
  if (work.lags && work.all_keeps) return update_met<T, rule, true>(work, change, first, last);
  if (work.lags) return update_met<T, rule, false>(work, change, first, last);
  settle_sums<T, rule>(work, change, fate, first, last);
  if (fate == Fate::updated) forget_met(work, first);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Weights of a first layer from inputs that no sample of a sparse batch meets. Their gradient is zero, but they change
// too, by what the rule remembers and by decay. They may lag behind: when a batch needs them, or when someone looks
// at all, they go through the steps that they have missed, each with its roundings, in registers.
#pragma once
#include "met.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// f with the vectors of a row as a constant where they are few, since a loop over them would be most of what is done,
// and else with 0.
template <class F> SCHUSS_INLINE void with_row(int vectors, F f) {
  if (vectors == 1) return f(Count<1>());
  if (vectors == 2) return f(Count<2>());
  f(Count<0>());
}

// f(k, place) for the row of weights from each input met, k, the memory asked for in time.
template <class T, Rule rule, int known, class F> SCHUSS_INLINE void over_met(const Work<T> &work, int first, F f) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  const int32_t *met = work.met;
  const int end = first + work.n_met, vectors = known ? known : vectors_of<T>(work.layers[0].n_out);
  const long row = vectors * lanes<T>;
  for (int m = first; m < end; m++) {
    if (m + ahead < end) {
      const long next = met[m + ahead] * row;
      ask_for<T, 1>(weights.w + next, vectors);
      for (int r = 0; r < memory_rows[int(rule)]; r++) ask_for<T, 1>(weights.memory[r] + next, vectors);
    }
    f(met[m], met[m] * row);
  }
}

// What the sums of inputs that the batch met become, where the other weights lag behind or rest.
template <class T, Rule rule, int known>
__attribute__((noinline)) void settle_met_by(const Work<T> &work, bool resumes, int first) {
  const Layer<T> &layer = work.layers[0];
  const Place<T> weights = weights_of(work, layer);
  const Change<T, rule> change(work.rates);
  const T scale = work.scale, *deltas = layer.delta;
  const int vectors = known ? known : vectors_of<T>(layer.n_out);
  const long stride = layer.stride;
  const Nonzero<T> *list = listed(work, first);
  int32_t *lists = work.lists;
  over_met<T, rule, known>(work, first, [&](int k, long row) __attribute__((always_inline)) {
    const int32_t n = lists[k];
    lists[k] = 0;
    const T *g = sums_of(work, k);
    over_blocks<known>(vectors, [&](auto nv, int v) __attribute__((always_inline)) {
      const long at = v * lanes<T>;
      Vec<T> sums[nv.value];
      sum_list<T, nv.value>(list, n, deltas + at, stride, g + at, resumes, sums);
#pragma GCC unroll 4
      for (int i = 0; i < nv.value; i++)
        settle<T, rule, true, Penalty::none>(scale, change, weights, row + at + i * lanes<T>, sums[i]);
    });
  });
}

template <class T> void settle_met(const Work<T> &work, bool resumes, int first) {
  with_rule(work.rule, [&](auto rule) {
    with_row(vectors_of<T>(work.layers[0].n_out), [&](auto known) {
      settle_met_by<T, rule.value, known.value>(work, resumes, first);
    });
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
    const T keep = decays && work.all_keeps ? T(work.all_keeps[s]) : T(1);
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

// Make the steps before `to` that the weights from units met have missed.
template <class T, Rule rule, bool decays, int known>
__attribute__((noinline)) void make_up(const Work<T> &work, int first, long to) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  const int vectors = known ? known : vectors_of<T>(work.layers[0].n_out);
  over_met<T, rule, known>(work, first, [&](int k, long row) __attribute__((always_inline)) {
    const long from = work.settled[k];
    if (from == to) return;
    over_blocks<known>(vectors, [&](auto nv, int v) __attribute__((always_inline)) {
      make_missed<T, rule, decays, nv.value>(work, weights, row + v * lanes<T>, from, to);
    });
  });
}

// Bring the weights from the units met up to step `to`.
template <class T> void catch_up(const Work<T> &work, int first, long to) {
  if (!sort_by_lag(work, first, to)) return;
  with_rule(work.rule, [&](auto rule) {
    with_row(vectors_of<T>(work.layers[0].n_out), [&](auto known) {
      constexpr bool decays = goes_through_memory(rule.value);  // one function is enough: they take longer anyway
      if (work.all_keeps) make_up<T, rule.value, true, known.value>(work, first, to);
      else make_up<T, rule.value, decays, known.value>(work, first, to);
    });
  });
  for (int m = first; m < first + work.n_met; m++) work.settled[work.met[m]] = int32_t(to);
}

// All of them up to the step that comes next.
template <class T> void catch_up_all(Work<T> &work, int first, int last) {
  forget_met(work, first);
  for (int k = first; k < last; k++) work.met[first + work.n_met++] = k;
  catch_up(work, first, work.number);
  work.n_met = 0;
  note_met(work, work.next, first, last);
}

// The sums of a step, and then the weights that the next one meets.
template <class T> void update_met(Work<T> &work, bool resumes, int first, int last) {
  settle_met(work, resumes, first);
  for (int m = first; m < first + work.n_met; m++) work.settled[work.met[m]] = int32_t(work.number + 1);
  forget_met(work, first);
  note_met(work, work.next, first, last);
  catch_up(work, first, work.number + 1);
}

// The rows of a chunk, as many at once as there is room for; the last of them with those before.
template <class T>
void update_sparse(Work<T> &work, Fate fate, bool resumes, int samples, int first, int last) {
  if (!work.lags) note_met(work, samples_from(work.batch, work.begin, samples), first, last);
  else if (work.is_first && work.begin == 0) note_met(work, work.batch, first, last);
  int row = list_nonzeros(work, resumes, 0, samples, first, last);
  while (row < samples || fate == Fate::kept) {
    if (!keep_sums(work, resumes, fate != Fate::updated, first) || row == samples) return;
    resumes = true;
    row = list_nonzeros(work, resumes, row, samples, first, last);
  }
  work.n_met_now = 0;
  if (work.lags) return update_met(work, resumes, first, last);
  if (fate == Fate::updated && rests(work)) settle_met(work, resumes, first);
  else settle_sums(work, fate, resumes, first, last);
  if (fate != Fate::updated) return;
  if (resumes) clear_sums(work, false, first, last);
  else forget_met(work, first);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Which inputs the sparse rows of a batch meet, and the gradient of the weights from them. Its sums run over the rows
// in order, as those of the dense product, to which a zero adds nothing; for that each input met has a list of its
// nonzeros, of as many rows at once as there is room for.
#pragma once
#include "sparse.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Note which inputs in [first, last) some samples meet.
template <class T> void note_met(Work<T> &work, const Batch &samples, int first, int last) {
  const Batch now = work.batch;
  const long begin = work.begin;
  work.batch = samples;
  work.begin = 0;
  for (int row = 0; row < samples.n; row++) {
    const Span s = nonzeros(work, row, first, last);
    for (int64_t i = s.first; i < s.last; i++) {
      const int32_t k = work.sparse.columns[i];
      if (work.is_met[k]) continue;
      work.is_met[k] = true;
      work.place_met[k] = first + work.n_met;
      work.met[first + work.n_met++] = k;
    }
  }
  work.batch = now;
  work.begin = begin;
}

template <class T> void forget_met(Work<T> &work, int first) {
  for (int m = first; m < first + work.n_met; m++) work.is_met[work.met[m]] = false;
  work.n_met = 0;
}

// The nonzeros listed whose inputs begin with `first`: their numbers begin with 1.
template <class T> SCHUSS_INLINE Nonzero<T> *listed(const Work<T> &work, int first) {
  return work.nonzeros + long(first) * nonzeros_held;
}

// List the nonzeros of rows of a chunk from `row` on, as far as there is room; where it ends, at `samples` at most. A
// list is begun with its last row.
template <class T> int list_nonzeros(Work<T> &work, bool resumes, int row, int samples, int first, int last) {
  int64_t room = int64_t(last - first) * nonzeros_held;
  int end = row;
  for (; end < samples; end++) {
    const Span s = nonzeros(work, end, first, last);
    if (s.last - s.first > room) break;
    room -= s.last - s.first;
  }
  Nonzero<T> *list = listed(work, first);
  int32_t number = 0;
  for (int r = end - 1; r >= row; r--) {
    const Span s = nonzeros(work, r, first, last);
    for (int64_t i = s.first; i < s.last; i++) {
      const int32_t k = work.sparse.columns[i];
      if (resumes && work.lists[k] == 0) work.met_now[first + work.n_met_now++] = k;
      list[number] = {work.sparse.values[i], r, work.lists[k]};
      work.lists[k] = ++number;
    }
  }
  work.n_listed = number;
  return end;
}

// Σ_p y_k·δ_j over the nonzeros of a list from number `n` on, for some units j, whose error signals begin at `delta`;
// with what stands in g from rows before.
template <class T, int NV>
SCHUSS_INLINE void sum_list(const Nonzero<T> *list, int32_t n, const T *delta, long stride, const T *g, bool resumes,
                            Vec<T> (&sums)[NV]) {
#pragma GCC unroll 4
  for (int v = 0; v < NV; v++) sums[v] = resumes ? load<T>(g + v * lanes<T>) : Vec<T>{};
  for (; n; n = list[n - 1].next) {
    const Vec<T> left = all<T>(list[n - 1].value);
    const T *right = delta + list[n - 1].row * stride;
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) sums[v] = fma(left, load<T>(right + v * lanes<T>), sums[v]);
  }
}

// The numbers in a row of weights, padding included.
template <class T> SCHUSS_INLINE long row_of(const Layer<T> &layer) {
  return long(vectors_of<T>(layer.n_out)) * lanes<T>;
}

// The row of g for input k: where weights of others lag behind, g holds those met alone.
template <class T> SCHUSS_INLINE T *sums_of(const Work<T> &work, int k) {
  return work.layers[0].g + (work.lags ? work.place_met[k] : k) * row_of(work.layers[0]);
}

// Bring the sums of input k into its row of g; its list ends.
template <class T>
__attribute__((noinline)) void sum_row(const Work<T> &work, const Nonzero<T> *list, int k, bool resumes) {
  const Layer<T> &layer = work.layers[0];
  T *g = sums_of(work, k);
  over_blocks(vectors_of<T>(layer.n_out), [&](auto nv, int v) {
    const long at = v * lanes<T>;
    Vec<T> sums[nv.value];
    sum_list<T, nv.value>(list, work.lists[k], layer.delta + at, layer.stride, g + at, resumes, sums);
#pragma GCC unroll 4
    for (int i = 0; i < nv.value; i++) store<T>(g + at + i * lanes<T>, sums[i]);
  });
  work.lists[k] = 0;
}

// Leave the sums in g for the rows that follow: at first of all inputs that are met, then of those listed. False if
// the step is given up: then lists are left that must not be gone on with.
template <class T> bool keep_sums(Work<T> &work, bool resumes, bool asks, int first) {
  const int32_t *units = (resumes ? work.met_now : work.met) + first;
  const int count = resumes ? work.n_met_now : work.n_met, each = count ? work.n_listed / count + 1 : 0;
  Effort<T> effort{work};
  for (int i = 0; i < count; i++) {
    sum_row(work, listed(work, first), units[i], resumes);
    if (asks && effort.given_up_after(each, vectors_of<T>(work.layers[0].n_out))) return false;
  }
  work.n_met_now = 0;
  return true;
}

// f(k, place) for the row of weights from each unit k in [first, last), or from those met alone, until it is false.
template <class T, class F>
SCHUSS_INLINE void over_rows(const Work<T> &work, bool everywhere, int first, int last, F f) {
  const long row = row_of(work.layers[0]);
  const int end = everywhere ? last : first + work.n_met;
  for (int m = first; m < end; m++) {
    const int k = everywhere ? m : work.met[m];
    if (!f(k, k * row)) return;
  }
}

// Between two steps all of g is zero, but where weights lag behind. Under a penalty a gradient may stand everywhere.
template <class T> void clear_sums(Work<T> &work, bool everywhere, int first, int last) {
  const Layer<T> &layer = work.layers[0];
  over_rows(work, everywhere, first, last, [&](int, long at) {
    for (long i = at; i < at + row_of(layer); i += lanes<T>) store<T>(layer.g + i, Vec<T>{});
    return true;
  });
  forget_met(work, first);
}

// Whether weights without a gradient stay as they are.
template <class T, Rule rule> SCHUSS_INLINE bool rests(const Work<T> &work) {
  return rule == Rule::gradient_descent && !is_penalised(work) && work.keep == T(1);
}

// What the sums of weights from units [first, last) become. Those of a unit that no sample met are zero.
template <class T, Rule rule>
__attribute__((noinline)) void settle_sums(const Work<T> &work, const Change<T, rule> &change, Fate fate, bool resumes,
                                           int first, int last) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  const bool everywhere = fate == Fate::updated ? !rests<T, rule>(work) : is_penalised(work);
  const int vectors = vectors_of<T>(work.layers[0].n_out);
  Effort<T> effort{work};
  over_rows(work, everywhere, first, last, [&](int k, long i) {
    const bool met = work.is_met[k];
    if (met) sum_row(work, listed(work, first), k, resumes);
    for (const long end = i + vectors * lanes<T>; i < end; i += lanes<T>) {
      const Vec<T> sum = met ? load<T>(weights.g + i) : Vec<T>{};
      if (met && fate == Fate::updated) store<T>(weights.g + i, Vec<T>{});
      settle<T, rule, true, Penalty::any>(fate, work.scale, change, weights, i, sum);
    }
    return fate == Fate::updated || !met || !effort.given_up_after(work.n_listed / work.n_met + 1, vectors);
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

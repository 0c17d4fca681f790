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

// The sums of some vectors of weights from input k, from vector `from` on; they may be put where they stand in g.
template <class T>
__attribute__((noinline)) void sum_row(const Work<T> &work, const Nonzero<T> *list, int k, int from, int vectors,
                                       bool resumes, Vec<T> *to) {
  const Layer<T> &layer = work.layers[0];
  const T *g = sums_of(work, k), *deltas = layer.delta;
  over_blocks(vectors, [&](auto nv, int v) {
    const long at = (from + v) * lanes<T>;
    Vec<T> sums[nv.value];
    sum_list<T, nv.value>(list, work.lists[k], deltas + at, layer.stride, g + at, resumes, sums);
#pragma GCC unroll 4
    for (int i = 0; i < nv.value; i++) to[v + i] = sums[i];
  });
}

// Leave the sums in g for the rows that follow: at first of all inputs that are met, then of those listed. False if
// the step is given up: then lists are left that must not be gone on with.
template <class T> bool keep_sums(Work<T> &work, bool resumes, bool asks, int first) {
  const int32_t *units = (resumes ? work.met_now : work.met) + first;
  const int count = resumes ? work.n_met_now : work.n_met, each = count ? work.n_listed / count + 1 : 0;
  const int vectors = vectors_of<T>(work.layers[0].n_out);
  Effort<T> effort{work};
  for (int i = 0; i < count; i++) {
    const int k = units[i];
    sum_row(work, listed(work, first), k, 0, vectors, resumes, reinterpret_cast<Vec<T> *>(sums_of(work, k)));
    work.lists[k] = 0;
    if (asks && effort.given_up_after(each, vectors)) return false;
  }
  work.n_met_now = 0;
  return true;
}

template <class T> void clear_row(const Layer<T> &layer, int k) {
  T *g = layer.g + k * row_of(layer);
  for (int v = 0; v < vectors_of<T>(layer.n_out); v++) store<T>(g + v * lanes<T>, Vec<T>{});
}

// Between two steps all of g is zero, but where weights lag behind. Under a penalty a gradient may stand everywhere.
template <class T> void clear_sums(Work<T> &work, bool everywhere, int first, int last) {
  const Layer<T> &layer = work.layers[0];
  const int end = everywhere ? last : first + work.n_met;
  for (int m = first; m < end; m++) clear_row(layer, everywhere ? m : work.met[m]);
  forget_met(work, first);
}

// Whether weights without a gradient stay as they are.
template <class T> SCHUSS_INLINE bool rests(const Work<T> &work) {
  return work.rule == Rule::gradient_descent && !is_penalised(work) && work.keep == T(1);
}

constexpr int settled_together = 32;  // vectors of weights that follow one another

// What the sums of `rows` rows of weights from unit k on become. Those of a unit that no sample met are zero.
template <class T>
void settle_rows(const Work<T> &work, const Nonzero<T> *list, Run<T> run, int k, int rows, bool resumes) {
  const Layer<T> &layer = work.layers[0];
  const Place<T> weights = weights_of(work, layer);
  const int vectors = vectors_of<T>(layer.n_out);
  for (int v = 0; v < vectors; v += settled_together) {
    const int count = least(settled_together, vectors - v);
    Vec<T> sums[settled_together];
    for (int r = 0; r < rows; r++) {
      if (work.is_met[k + r]) sum_row(work, list, k + r, v, count, resumes, sums + r * count);
      else for (int i = 0; i < count; i++) sums[r * count + i] = Vec<T>{};
    }
    run(work, layer, weights, {k * row_of(layer) + v * lanes<T>, k, v * lanes<T>}, sums, rows, count);
  }
}

// Of all weights from units [first, last), or of those met alone, which are the only ones whose gradient is not zero.
template <class T>
__attribute__((noinline)) void settle_sums(const Work<T> &work, Fate fate, bool resumes, int first, int last) {
  const bool everywhere = fate == Fate::updated || is_penalised(work);
  const int vectors = vectors_of<T>(work.layers[0].n_out), end = everywhere ? last : first + work.n_met;
  const int together = everywhere && vectors < settled_together ? settled_together / vectors : 1;
  const Run<T> run = run_of(work, fate);
  Effort<T> effort{work};
  for (int m = first; m < end; m += together) {
    const int begin = everywhere ? m : work.met[m], rows = least(together, end - m);
    settle_rows(work, listed(work, first), run, begin, rows, resumes);
    for (int k = begin; k < begin + rows; k++) {
      if (!work.is_met[k]) continue;
      work.lists[k] = 0;
      if (fate != Fate::updated && effort.given_up_after(work.n_listed / work.n_met + 1, vectors)) return;
    }
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

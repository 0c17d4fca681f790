// A first layer that is fed by sparse rows, which are never made dense: net inputs are summed over the
// nonzeros of a row, and the gradient's sums are scattered into g. Both run in the order of the dense products,
// to which a zero adds nothing; so the bits are the same, up to the sign of zeros.
#pragma once
#include "update.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Whether layer l is fed by sparse rows.
template <class T> SCHUSS_INLINE bool is_sparse(const Work<T> &work, int l) {
  return l == 0 && work.sparse.starts != nullptr;
}

struct Span {
  int64_t first, last;
};

// The first place in a span, whose columns are in order, with `column` or one beyond it.
SCHUSS_INLINE int64_t place_of(const int32_t *columns, Span s, int column) {
  while (s.first < s.last) {
    const int64_t middle = s.first + (s.last - s.first) / 2;
    if (columns[middle] < column) s.first = middle + 1;
    else s.last = middle;
  }
  return s.first;
}

// The nonzeros of row `row` of the chunk at work.
template <class T> SCHUSS_INLINE Span nonzeros(const Work<T> &work, int row) {
  const int64_t *start = work.sparse.starts + sample_at(work, row);
  return {start[0], start[1]};
}

// Those of them that belong to columns [first, last).
template <class T> SCHUSS_INLINE Span nonzeros(const Work<T> &work, int row, int first, int last) {
  const Span s = nonzeros(work, row);
  if (first == 0 && last == work.layers[0].n_in) return s;
  return {place_of(work.sparse.columns, s, first), place_of(work.sparse.columns, s, last)};
}

constexpr int ahead = 12;  // nonzeros between asking memory for a row of weights and its use

// Counts what a loop over nonzeros has done, and asks as often as the products do whether to go on.
template <class T> struct Effort {
  const Work<T> &work;
  double done = 0;
  bool given_up_after(int64_t terms, int vectors) {
    done += sparse_effort * 2.0 * double(terms) * vectors * lanes<T>;
    return done > 2e6 && ask();
  }
  bool ask() {
    const double flops = done;
    done = 0;
    return given_up(work, flops);
  }
};

// Rows [first, last) of one panel: x_j = b_j + Σ_k y_k·w_kj over the nonzeros, and y_j = f(x_j).
template <class T, int NV>
SCHUSS_INLINE void forward_panel(const Work<T> &work, const ForwardOp<T> &op, int p, int first, int last) {
  const Panel<T> at = op.panel_at(p, 0);
  Effort<T> effort{work, double(op.layer.n_in) * NV * lanes<T>};  // the update's way through all weights
  for (int row = first; row < last; row++) {
    const Span s = nonzeros(work, row);
    Vec<T> c[1][NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) c[0][v] = op.template start<NV>(row, at, v);
    for (int64_t i = s.first; i < s.last; i++) {
      const T *w = at.b + long(work.sparse.columns[i]) * (NV * lanes<T>);
      if (i + ahead < s.last) __builtin_prefetch(at.b + long(work.sparse.columns[i + ahead]) * (NV * lanes<T>));
      const Vec<T> left = all<T>(work.sparse.values[i]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) c[0][v] = fma(left, load<T>(w + v * lanes<T>), c[0][v]);
    }
    op.template finish<1, NV>(row, at, c);
    if (effort.given_up_after(s.last - s.first, NV)) return;
  }
  effort.ask();
}

template <class T>
__attribute__((noinline)) void forward_sparse(const Work<T> &work, const ForwardOp<T> &op, int first, int last) {
  for (int p = 0; p * panel<T> < op.layer.n_out; p++)
    with_vectors(op.panel_at(p, 0).vectors,
                 [&](auto vectors) { forward_panel<T, vectors.value>(work, op, p, first, last); });
}

// The row of g with the sums of unit k.
template <class T> SCHUSS_INLINE long sums_of(const Work<T> &work, int k) {
  return work.lags ? work.place_met[k] : k;
}

// g_kj ← g_kj + y_k·δ_j for the rows of a chunk in order; k in [first, last), j in one panel.
template <class T, int NV>
SCHUSS_INLINE void scatter_panel(const Work<T> &work, const Layer<T> &layer, int p, int samples, int first, int last,
                                 bool finish) {
  T *sums = layer.g + long(p) * panel<T> * layer.n_in;
  Effort<T> effort{work};
  for (int row = 0; row < samples; row++) {
    const Span s = nonzeros(work, row, first, last);
    const T *delta = layer.delta + row * layer.stride + p * panel<T>;
    Vec<T> right[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) right[v] = load<T>(delta + v * lanes<T>);
    for (int64_t i = s.first; i < s.last; i++) {
      T *g = sums + sums_of(work, work.sparse.columns[i]) * (NV * lanes<T>);
      if (i + ahead < s.last)
        __builtin_prefetch(sums + sums_of(work, work.sparse.columns[i + ahead]) * (NV * lanes<T>), 1);
      const Vec<T> left = all<T>(work.sparse.values[i]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) store<T>(g + v * lanes<T>, fma(left, right[v], load<T>(g + v * lanes<T>)));
    }
    if (!finish && effort.given_up_after(s.last - s.first, NV)) return;
  }
}

// Note which units in [first, last) a chunk meets.
template <class T> void note_met(Work<T> &work, int samples, int first, int last) {
  for (int row = 0; row < samples; row++) {
    const Span s = nonzeros(work, row, first, last);
    for (int64_t i = s.first; i < s.last; i++) {
      const int32_t k = work.sparse.columns[i];
      if (work.is_met[k]) continue;
      work.is_met[k] = true;
      work.place_met[k] = first + work.n_met;
      work.met[first + work.n_met++] = k;
    }
  }
}

// Those of the batch that comes next.
template <class T> void note_met_next(Work<T> &work, int first, int last) {
  const Batch now = work.batch;
  const long begin = work.begin;
  work.batch = work.next;
  work.begin = 0;
  note_met(work, int(work.next.n), first, last);
  work.batch = now;
  work.begin = begin;
}

// Add what a chunk gives to the sums of weights from units [first, last).
template <class T>
__attribute__((noinline)) void scatter(Work<T> &work, int samples, int first, int last, bool finish) {
  const Layer<T> &layer = work.layers[0];
  if (!work.lags || work.is_first) note_met(work, samples, first, last);
  for (int p = 0; p * panel<T> < layer.n_out; p++) {
    const int vectors = weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, 0).vectors;
    with_vectors(vectors, [&](auto nv) { scatter_panel<T, nv.value>(work, layer, p, samples, first, last, finish); });
  }
}

// f(k, first, last) for the places of the weights from each unit k in [first, last), or from those met alone.
template <class T, class F>
SCHUSS_INLINE void over_rows(const Work<T> &work, bool everywhere, int first, int last, F f) {
  const Layer<T> &layer = work.layers[0];
  const int end = everywhere ? last : first + work.n_met;
  for (int p = 0; p * panel<T> < layer.n_out; p++)
    for (int m = first; m < end; m++) {
      const int k = everywhere ? m : work.met[m];
      const Panel<T> at = weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, k);
      f(k, at.b - layer.w, at.b - layer.w + at.stride);
    }
}

template <class T> void forget_met(Work<T> &work, int first) {
  for (int m = first; m < first + work.n_met; m++) work.is_met[work.met[m]] = false;
  work.n_met = 0;
}

// Between two steps all of g is zero. Under a penalty a gradient may stand everywhere.
template <class T> void clear_sums(Work<T> &work, bool everywhere, int first, int last) {
  const Layer<T> &layer = work.layers[0];
  over_rows(work, everywhere, first, last, [&](int, long i, long end) {
    for (; i < end; i += lanes<T>) store<T>(layer.g + i, Vec<T>{});
  });
  forget_met(work, first);
}

// Whether weights without a gradient stay as they are.
template <class T, Rule rule> SCHUSS_INLINE bool rests(const Work<T> &work) {
  return rule == Rule::gradient_descent && !is_penalised(work) && work.keep == T(1);
}

// What the sums of weights from units [first, last) become. Those of a unit that no sample met are zero, and are
// not read.
template <class T, Rule rule>
__attribute__((noinline)) void settle_sums(const Work<T> &work, const Change<T, rule> &change, Fate fate, int first,
                                           int last) {
  const Place<T> weights = weights_of(work, work.layers[0]);
  const bool everywhere = fate == Fate::updated ? !rests<T, rule>(work) : is_penalised(work);
  over_rows(work, everywhere, first, last, [&](int k, long i, long end) {
    const bool met = work.is_met[k];
    for (; i < end; i += lanes<T>) {
      const Vec<T> sum = met ? load<T>(weights.g + i) : Vec<T>{};
      if (met && fate == Fate::updated) store<T>(weights.g + i, Vec<T>{});
      settle<T, rule, true, Penalty::any>(fate, work.scale, change, weights, i, sum);
    }
  });
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

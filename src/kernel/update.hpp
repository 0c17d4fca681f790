// The weight gradient and the update rule. A tile of Σ_p y_k·δ_j is turned into velocity and weight while
// it stands in registers; it is written to memory only where something asked for the gradient, or where
// a large batch comes in several chunks.
#pragma once
#include "losses.hpp"
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Which sample stands in row `row` of the chunk at work.
template <class T> SCHUSS_INLINE long sample_at(const Work<T> &work, int row) {
  const long place = work.begin + row;
  return work.batch.order ? work.batch.order[place] : work.batch.first + place;
}

template <class T> SCHUSS_INLINE bool is_penalised(const Work<T> &work) { return work.l2 != T(0) || work.l1 != T(0); }

// g = scale·(l2·w + l1·sign w − Σ), the formula of method/backprop.py
template <class T> SCHUSS_INLINE Vec<T> gradient_of(Vec<T> sum, Vec<T> w, T scale, T l2, T l1) {
  Vec<T> penalty = {};
  if (l2 != T(0)) penalty = l2 * w;
  if (l1 != T(0)) penalty = penalty + l1 * sign<T>(w);
  return scale * (penalty - sum);
}

// The rules of method/rules/, each operation rounded on its own, as NumPy rounds it.
template <class T, Rule rule>
SCHUSS_INLINE void apply_rule(T *w, T *v, Vec<T> gradient, T learning_rate, T momentum) {
  const Vec<T> push = learning_rate * gradient, before = load<T>(w);
  if (rule == Rule::gradient_descent) return store<T>(w, before - push);
  const Vec<T> velocity = momentum * load<T>(v) - push;
  store<T>(v, velocity);
  store<T>(w, before + (rule == Rule::momentum ? velocity : momentum * velocity - push));
}

// What a finished sum becomes.
enum class Fate { kept, gradient, updated };

template <class T, Rule rule>
SCHUSS_INLINE void settle(Fate fate, const Work<T> &work, T *w, T *v, T *g, Vec<T> sum, T l2, T l1) {
  if (fate == Fate::kept) return store<T>(g, sum);
  const Vec<T> gradient = gradient_of<T>(sum, load<T>(w), work.scale, l2, l1);
  if (fate == Fate::gradient) return store<T>(g, gradient);
  apply_rule<T, rule>(w, v, gradient, work.learning_rate, work.momentum);
}

// Σ_p y_k·δ_j: rows are units k of the layer below, columns units j, terms the samples of a chunk.
template <class T, Rule rule> struct UpdateOp {
  const Work<T> &work;
  const Layer<T> &layer;
  Fate fate;
  bool resumes;  // an earlier chunk has left its sums in g
  const T *a;
  long a_row, a_term;
  bool is_first = true, is_last = true;

  Panel<T> panel_at(int p, int k) const {
    const int vectors = least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors);
    return {layer.delta + k * layer.stride + p * panel<T>, layer.stride, p * panel<T>, vectors};
  }
  long place(int row, int column) const {
    const int p = column / panel<T>, vectors = least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors);
    return long(p) * panel<T> * layer.n_in + long(row) * vectors * lanes<T> + (column - p * panel<T>);
  }
  __attribute__((always_inline)) Vec<T> start(int row, int column) const {
    return is_first && !resumes ? Vec<T>{} : load<T>(layer.g + place(row, column));
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    const Fate now = is_last ? fate : Fate::kept;
    const long at = place(row, p.at);
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) {
        const long i = at + (r * NV + v) * lanes<T>;
        settle<T, rule>(now, work, layer.w + i, layer.v + i, layer.g + i, c[r][v], work.l2, work.l1);
      }
  }
};

template <class T, Rule rule>
__attribute__((noinline)) void update_weights(const Work<T> &work, int l, const T *y, Fate fate, bool resumes,
                                              int samples, int first, int last) {
  const Layer<T> &layer = work.layers[l];
  multiply<T>(work, UpdateOp<T, rule>{work, layer, fate, resumes, y, 1, layer.stride_in}, first, last,
              layer.n_out, samples, fate == Fate::updated);
}

// Rows [first, last) from sums in g.
template <class T, Rule rule>
void apply_to_weights(const Work<T> &work, const Layer<T> &layer, int first, int last) {
  for (int p = 0; p * panel<T> < layer.n_out; p++) {
    const Panel<T> at = weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, first);
    const long begin = at.b - layer.w, end = begin + (last - first) * at.stride;
    for (long i = begin; i < end; i += lanes<T>)
      settle<T, rule>(Fate::updated, work, layer.w + i, layer.v + i, nullptr, load<T>(layer.g + i), work.l2, work.l1);
  }
}

template <class T, Rule rule> void apply_to_biases(const Work<T> &work, const Layer<T> &layer) {
  for (int c = 0; c < layer.n_out; c += lanes<T>)
    settle<T, rule>(Fate::updated, work, layer.b + c, layer.b_v + c, nullptr, load<T>(layer.b_g + c), T(0), T(0));
}

// Biases are weights from a unit whose output is 1; they carry no penalty.
template <class T, Rule rule>
void update_biases(const Work<T> &work, int l, Fate fate, bool resumes, int samples) {
  const Layer<T> &layer = work.layers[l];
  for (int c = 0; c < layer.n_out; c += lanes<T>) {
    Vec<T> sum = resumes ? load<T>(layer.b_g + c) : Vec<T>{};
    for (int r = 0; r < samples; r++) sum = sum + load<T>(layer.delta + r * layer.stride + c);
    settle<T, rule>(fate, work, layer.b + c, layer.b_v + c, layer.b_g + c, sum, T(0), T(0));
  }
}

// Copy rows [first, first + lanes) of w, as columns, into w_t.
template <class T> void transpose_rows(const Layer<T> &layer, int first) {
  const int width = vectors_of<T>(layer.n_in);
  const int p_t = first / panel<T>, vectors_t = least(panel_vectors, width - p_t * panel_vectors);
  const long stride_t = long(vectors_t) * lanes<T>;
  T *to = layer.w_t + long(p_t) * panel<T> * layer.n_out + (first - p_t * panel<T>);
  for (int c = 0; c < layer.n_out; c += lanes<T>) {
    const Panel<T> p = weight_panel<T>(layer.w, layer.n_in, layer.n_out, c / panel<T>, 0);
    const T *from = p.b + (c - p.at);
    Vec<T> m[lanes<T>];
    for (int r = 0; r < lanes<T>; r++)
      m[r] = first + r < layer.n_in ? load<T>(from + (first + r) * p.stride) : Vec<T>{};
    transpose_square<T>(m);
    const int columns = least(lanes<T>, layer.n_out - c);
    for (int j = 0; j < columns; j++) store<T>(to + (c + j) * stride_t, m[j]);
  }
}

template <class T> void transpose(const Layer<T> &layer, int row, int rows) {
  if (!layer.w_t) return;
  for (; row < rows; row += lanes<T>) transpose_rows<T>(layer, row);
}

// ½·l2·Σ w² + l1·Σ |w| of row k of a layer; padding is zero and adds nothing.
template <class T> double penalty_of_row(const Work<T> &work, const Layer<T> &layer, int k) {
  Vec<T> squares[block_vectors] = {}, sizes[block_vectors] = {};
  for (int c = 0; c < layer.n_out; c += lanes<T>) {
    const Panel<T> p = weight_panel<T>(layer.w, layer.n_in, layer.n_out, c / panel<T>, k);
    const Vec<T> w = load<T>(p.b + (c - p.at));
    const int part = c / lanes<T> % block_vectors;
    squares[part] = squares[part] + w * w;
    sizes[part] = sizes[part] + absolute<T>(w);
  }
  return 0.5 * double(work.l2) * double(sum_block<T>(squares)) + double(work.l1) * double(sum_block<T>(sizes));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

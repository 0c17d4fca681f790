// The weight gradient and the update. A tile of Σ_p y_k·δ_j is turned into memory and weight while it
// stands in registers; it is written to memory only where something asked for the gradient, or where
// a large batch comes in several chunks.
#pragma once
#include "ahead.hpp"
#include "lengths.hpp"
#include "losses.hpp"
#include "pairs.hpp"
#include "rules.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Which sample stands in row `row` of the chunk at work.
template <class T> SCHUSS_INLINE long sample_at(const Work<T> &work, int row) {
  const long place = work.begin + row;
  return work.batch.order ? work.batch.order[place] : work.batch.first + place;
}

template <class T> SCHUSS_INLINE const T *input_of(const Work<T> &work, int l) {
  return l == 0 ? work.x_batch : work.layers[l - 1].y;
}

// The inputs of layer l for one row of the chunk at work.
template <class T> SCHUSS_INLINE const T *input_row(const Work<T> &work, int l, int row) {
  if (l == 0 && work.in_place) return work.x + sample_at(work, row) * work.x_stride;
  return input_of(work, l) + row * work.layers[l].stride_in;
}

template <class T> SCHUSS_INLINE bool is_penalised(const Work<T> &work) { return work.l2 != T(0) || work.l1 != T(0); }

// Weights and what belongs to each, at equal places; biases carry no penalty and do not decay.
template <class T> struct Place {
  T *w, *g, *const *memory;
  T l2, l1, keep;
};
template <class T> SCHUSS_INLINE Place<T> weights_of(const Work<T> &work, const Layer<T> &layer) {
  return {layer.w, layer.g, layer.memory, work.l2, work.l1, work.keep};
}
template <class T> SCHUSS_INLINE Place<T> biases_of(const Layer<T> &layer) {
  return {layer.b, layer.b_g, layer.b_memory, T(0), T(0), T(1)};
}

// Which penalties a gradient may hold: what is known while compiling need not be asked of every vector.
enum class Penalty { none, l2, any };

// g = scale·(l2·w + l1·sign w − Σ), the formula of method/backprop.py
template <class T, Penalty penalty>
SCHUSS_INLINE Vec<T> gradient_of(Vec<T> sum, const Place<T> &place, long i, T scale) {
  Vec<T> pull = {};
  if (penalty == Penalty::l2 || (penalty == Penalty::any && place.l2 != T(0))) pull = place.l2 * load<T>(place.w + i);
  if (penalty == Penalty::any && place.l1 != T(0)) pull = pull + place.l1 * sign<T>(load<T>(place.w + i));
  return scale * (pull - sum);
}

// A vector of weights with what the rule remembers of them.
template <class T, Rule rule> struct Remembered {
  static constexpr int rows = memory_rows[int(rule)];
  Vec<T> w, memory[rows > 0 ? rows : 1];

  __attribute__((always_inline)) void take(const Place<T> &place, long i) {
    w = load<T>(place.w + i);
    for (int r = 0; r < rows; r++) memory[r] = load<T>(place.memory[r] + i);
  }
  __attribute__((always_inline)) void put(const Place<T> &place, long i) const {
    for (int r = 0; r < rows; r++) store<T>(place.memory[r] + i, memory[r]);
    store<T>(place.w + i, w);
  }
};

// A vector's new weights from its gradient.
template <class T, Rule rule, bool decays, class Note>
SCHUSS_INLINE void apply_rule(const Change<T, rule> &change, const Place<T> &place, long i, Vec<T> gradient,
                              Note &note) {
  Remembered<T, rule> at;
  at.take(place, i);
  const Vec<T> before = at.w;
  at.w = change(decays ? place.keep * at.w : at.w, at.memory, gradient);
  at.put(place, i);
  if constexpr (Remembered<T, rule>::rows > 0) note.memory(at.memory[0]);
  note.change(at.w, before);
}

// What a finished sum becomes. One that is squared is updated too, and what moves is added up for its lengths.
enum class Fate { kept, gradient, updated, squared };
SCHUSS_INLINE bool is_update(Fate fate) { return fate == Fate::updated || fate == Fate::squared; }

template <class T, Rule rule, bool decays, Penalty penalty, class Note>
SCHUSS_INLINE void settle(Fate fate, T scale, const Change<T, rule> &change, const Place<T> &place, long i,
                          Vec<T> sum, Note &note) {
  if (fate == Fate::kept) return store<T>(place.g + i, sum);
  const Vec<T> gradient = gradient_of<T, penalty>(sum, place, i, scale);
  if (fate == Fate::gradient) return store<T>(place.g + i, gradient);
  note.gradient(gradient);
  apply_rule<T, rule, decays>(change, place, i, gradient, note);
}
template <class T, Rule rule, bool decays, Penalty penalty>
SCHUSS_INLINE void settle(Fate fate, T scale, const Change<T, rule> &change, const Place<T> &place, long i,
                          Vec<T> sum) {
  NoSquares<T> none;
  settle<T, rule, decays, penalty>(fate, scale, change, place, i, sum, none);
}

// Where a tile begins: its places follow one another.
struct Spot {
  long at;
  int row, column;
};

template <class T>
using Run = void (*)(const Work<T> &, const Layer<T> &, Fate, Spot, const Vec<T> *sums, int rows, int vectors);

// What a tile's sums become. Here, while they are in registers:
template <class T, Rule rule, Penalty penalty> struct InRegisters {
  T scale;
  Change<T, rule> change;
  Place<T> place;
  const Layer<T> &layer;
  InRegisters(const Work<T> &work, const Layer<T> &l, Run<T>)
      : scale(work.scale), change(work.rates), place(weights_of(work, l)), layer(l) {}

  template <Fate fate, int MR, int NV> __attribute__((always_inline)) void all(long at, Vec<T> (&sums)[MR][NV]) const {
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++)
        settle<T, rule, false, penalty>(fate, scale, change, place, at + (r * NV + v) * lanes<T>, sums[r][v]);
  }
  // The tile lies within a group of rows.
  template <int MR, int NV> __attribute__((always_inline)) void all_squared(Spot spot, Vec<T> (&sums)[MR][NV]) const {
    T *to = squares_at(layer, spot.row / rows_together, spot.column);
    const bool goes_on = spot.row % rows_together != 0;
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) {
      Squares<T, adds_memory(rule) ? noted_at_once : noted> columns;  // weights in registers do not decay
      if (goes_on) columns.take(to + v * lanes<T>);
#pragma GCC unroll 16
      for (int r = 0; r < MR; r++)
        settle<T, rule, false, penalty>(Fate::updated, scale, change, place, spot.at + (r * NV + v) * lanes<T>,
                                        sums[r][v], columns);
      columns.put(to + v * lanes<T>);
    }
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void operator()(Fate fate, Spot spot, Vec<T> (&sums)[MR][NV]) const {
    if (fate == Fate::updated) all<Fate::updated>(spot.at, sums);
    else if (fate == Fate::squared) all_squared(spot, sums);
    else if (fate == Fate::gradient) all<Fate::gradient>(spot.at, sums);
    else all<Fate::kept>(spot.at, sums);
  }
};

// And here by one function for all sizes of tiles: for rules that go through memory, and for weights that decay or are
// pulled to zero, so that the others need not ask.
template <class T> struct ThroughMemory {
  const Work<T> &work;
  const Layer<T> &layer;
  Run<T> run;
  ThroughMemory(const Work<T> &w, const Layer<T> &l, Run<T> r) : work(w), layer(l), run(r) {}

  template <int MR, int NV>
  __attribute__((always_inline)) void operator()(Fate fate, Spot spot, Vec<T> (&sums)[MR][NV]) const {
    Vec<T> copy[MR * NV];  // what a function is shown would stand in memory from the first product on
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) copy[r * NV + v] = sums[r][v];
    run(work, layer, fate, spot, copy, MR, NV);
  }
};

template <class T, Rule rule>
void settle_run(const Work<T> &work, const Layer<T> &layer, Fate fate, Spot spot, const Vec<T> *sums, int rows,
                int vectors) {
  const Change<T, rule> change(work.rates);
  const Place<T> place = weights_of(work, layer);
  for (int i = 0; i < rows * vectors; i++)
    settle<T, rule, true, Penalty::any>(fate, work.scale, change, place, spot.at + i * lanes<T>, sums[i]);
}
template <class T, Rule rule>
void square_run(const Work<T> &work, const Layer<T> &layer, Fate fate, Spot spot, const Vec<T> *sums, int rows,
                int vectors) {
  const Change<T, rule> change(work.rates);
  const Place<T> place = weights_of(work, layer);
  for (int v = 0; v < vectors; v++)
    down_column(layer, spot.column + v * lanes<T>, spot.row, spot.row + rows, [&](int row, Squares<T> &squares) {
      const int i = (row - spot.row) * vectors + v;
      settle<T, rule, true, Penalty::any>(fate, work.scale, change, place, spot.at + i * lanes<T>, sums[i], squares);
    });
}

// With each term asks for a vector of what the tile will change, and for the same term of the next tile. All at once
// they would keep the sums waiting.
template <class T, int vectors> struct Fetching {
  const T *w, *memory;
  const T *const *rows;
  long next;
  __attribute__((always_inline)) void operator()(int i) const {
    __builtin_prefetch(rows[i] + next);
    if (i >= vectors) return;
    __builtin_prefetch(w + i * lanes<T>, 1);
    __builtin_prefetch(memory + i * lanes<T>, 1);
  }
};

// Σ_p y_k·δ_j: rows are units k of the layer below, columns units j, terms the samples of a chunk.
template <class T, class Settle> struct UpdateOp {
  Settle settle;
  const Work<T> &work;
  Ahead &ahead;
  const Layer<T> &layer;
  Fate fate;
  bool resumes;  // an earlier chunk has left its sums in g
  const T *const *rows;
  bool is_first = true, is_last = true;

  Panel<T> panel_at(int p, int k) const {
    const int vectors = least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors);
    const T *delta = in_pairs<T> ? layer.delta_pairs.across : layer.delta;
    return {delta + k * layer.stride + p * panel<T>, layer.stride, p * panel<T>, vectors};
  }
  long place(int row, int column) const {
    const int p = column / panel<T>, vectors = least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors);
    return long(p) * panel<T> * layer.n_in + long(row) * vectors * lanes<T> + (column - p * panel<T>);
  }
  bool by_groups() const { return fate == Fate::squared; }
  template <int MR, int NV>
  __attribute__((always_inline)) Fetching<T, MR * NV> begin(int row, const Panel<T> &p) const {
    const long at = place(row, p.at);
    if (!is_update(fate)) return {layer.g + at, layer.g + at, rows, row + 2 * MR - 1};
    return {layer.w + at, layer.memory[0] + at, rows, row + 2 * MR - 1};
  }
  template <int MR> __attribute__((always_inline)) AcrossRows<T> left(int row, int k) const {
    return {rows + k, row, nullptr};
  }
  __attribute__((always_inline)) Vec<T> start(int row, int column) const {
    return is_first && !resumes ? Vec<T>{} : load<T>(layer.g + place(row, column));
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    settle(is_last ? fate : Fate::kept, Spot{place(row, p.at), row, p.at}, c);
    bring_nearer(work, ahead);
  }
};

// Copy rows [first, first + lanes) of some panels of w, as columns, into w_t.
template <class T> void transpose_rows(const Layer<T> &layer, int first, Range panels) {
  const int width = vectors_of<T>(layer.n_in);
  const int p_t = first / panel<T>, vectors_t = least(panel_vectors, width - p_t * panel_vectors);
  const long stride_t = long(vectors_t) * lanes<T>;
  T *to = layer.w_t + long(p_t) * panel<T> * layer.n_out + (first - p_t * panel<T>);
  const int end = least(layer.n_out, panels.last * panel<T>);
  for (int c = panels.first * panel<T>; c < end; c += lanes<T>) {
    const Panel<T> p = weight_panel<T>(layer.w, layer.n_in, layer.n_out, c / panel<T>, 0);
    const T *from = p.b + (c - p.at) + first * p.stride;
    const int rows = least(lanes<T>, layer.n_in - first), columns = least(lanes<T>, layer.n_out - c);
    if (columns <= few<T>) turn_columns<T, few<T>>(to + c * stride_t, stride_t, from, p.stride, rows, columns);
    else turn_columns<T, lanes<T>>(to + c * stride_t, stride_t, from, p.stride, rows, columns);
  }
}

template <class T> void transpose(const Layer<T> &layer, const Part &part) {
  if (!in_pairs<T> && !layer.w_t) return;
  for (int row = part.rows.first; row < part.rows.last; row += lanes<T>) {
    if (in_pairs<T>) pair_weights<T>(layer, row, part.panels);
    else transpose_rows<T>(layer, row, part.panels);
  }
}

// Not inlined, so that all rules that go through memory share one.
template <class T, class Settle>
__attribute__((noinline)) void multiply_update(Work<T> &work, Run<T> run, int l, const T *y, Fate fate,
                                               bool resumes, int samples, const Part &part) {
  const Layer<T> &layer = work.layers[l];
  const int terms = terms_of<T>(samples);
  const T *rows[chunk_rows];
  for (int i = 0; i < terms; i++)
    rows[i] = in_pairs<T> ? input_pairs(work, l).across + i * layer.stride_in : y + i * layer.stride_in;
  if (l == 0 && work.in_place)
    for (int i = 0; i < terms; i++) rows[i] = input_row(work, l, i);
  const UpdateOp<T, Settle> op = {{work, layer, run}, work, work.ahead, layer, fate, resumes, rows};
  for (int p = part.panels.first; p < part.panels.last; p++) {
    const Part one = {part.rows, {p, p + 1}};
    multiply<T>(work, op, one, terms, is_update(fate));
    if (is_update(fate) && !work.last_step) transpose<T>(layer, one);  // while it is near
  }
}

template <class T, Rule rule>
void update_weights(Work<T> &work, int l, const T *y, Fate fate, bool resumes, int samples, const Part &part) {
  auto *update = multiply_update<T, ThroughMemory<T>>;
  if constexpr (!goes_through_memory(rule)) {
    const bool in_registers = work.keep == T(1) && work.l1 == T(0);
    if (in_registers && work.l2 == T(0)) update = multiply_update<T, InRegisters<T, rule, Penalty::none>>;
    if (in_registers && work.l2 != T(0)) update = multiply_update<T, InRegisters<T, rule, Penalty::l2>>;
  }
  Run<T> run = fate == Fate::squared ? square_run<T, rule> : settle_run<T, rule>;
  update(work, run, l, y, fate, resumes, samples, part);
}

// A vector's new weights from its gradient in g, times a factor.
template <class T, Rule rule, bool decays, class Note>
SCHUSS_INLINE void apply_at(const Change<T, rule> &change, T factor, const Place<T> &place, long i, Note &note) {
  const Vec<T> gradient = load<T>(place.g + i);
  note.gradient(gradient);
  apply_rule<T, rule, decays>(change, place, i, factor * gradient, note);
}

// Rows [first, last) of a panel likewise, and the sums of the first `kinds` lengths.
template <class T, Rule rule, int kinds>
void apply_to_panel(const Change<T, rule> &change, T factor, const Layer<T> &layer, const Place<T> &weights,
                    const Panel<T> &at, int first, int last) {
  const long begin = at.b - layer.w, end = begin + (last - first) * at.stride;
  if constexpr (kinds == 0) {
    NoSquares<T> none;
    for (long i = begin; i < end; i += lanes<T>) apply_at<T, rule, true>(change, factor, weights, i, none);
  } else {
    for (int c = 0; c < at.stride; c += lanes<T>)
      down_column<T, kinds>(layer, at.at + c, first, last, [&](int row, Squares<T, kinds> &squares) {
        apply_at<T, rule, true>(change, factor, weights, begin + (row - first) * at.stride + c, squares);
      });
  }
}

// And of all panels.
template <class T, Rule rule>
void apply_to_weights(const Work<T> &work, const Change<T, rule> &change, T factor, const Layer<T> &layer,
                      int first, int last) {
  auto *apply = apply_to_panel<T, rule, 0>;
  if (work.norms) apply = apply_to_panel<T, rule, noted>;
  if constexpr (adds_memory(rule))
    if (work.norms && memory_is_change(work)) apply = apply_to_panel<T, rule, noted_at_once>;
  const Place<T> weights = weights_of(work, layer);
  for (int p = 0; p * panel<T> < layer.n_out; p++)
    apply(change, factor, layer, weights, weight_panel<T>(layer.w, layer.n_in, layer.n_out, p, first), first, last);
}

template <class T, Rule rule>
void apply_to_biases(const Change<T, rule> &change, T factor, const Layer<T> &layer) {
  const Place<T> biases = biases_of(layer);
  for (int c = 0; c < layer.n_out; c += lanes<T>) {
    Terms<T> terms;
    apply_at<T, rule, false>(change, factor, biases, c, terms);
    terms.put(bias_terms(layer, c));
  }
}

// Biases are weights from a unit whose output is 1; they carry no penalty.
template <class T, Rule rule>
void update_biases(const Work<T> &work, const Change<T, rule> &change, int l, Fate fate, bool resumes,
                   int samples, Range panels) {
  const Layer<T> &layer = work.layers[l];
  const Place<T> biases = biases_of(layer);
  const int end = least(layer.n_out, panels.last * panel<T>);
  for (int c = panels.first * panel<T>; c < end; c += lanes<T>) {
    Vec<T> sum = resumes ? load<T>(layer.b_g + c) : Vec<T>{};
    for (int r = 0; r < samples; r++) sum = sum + load<T>(layer.delta + r * layer.stride + c);
    if (fate != Fate::squared) {
      settle<T, rule, false, Penalty::none>(fate, work.scale, change, biases, c, sum);
      continue;
    }
    Terms<T> terms;
    settle<T, rule, false, Penalty::none>(fate, work.scale, change, biases, c, sum, terms);
    terms.put(bias_terms(layer, c));
  }
}

template <class T> void transpose_some(const Layer<T> &layer, int first, int last) {
  transpose<T>(layer, {{first, last}, {0, panels_of<T>(layer.n_out)}});
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

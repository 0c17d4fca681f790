// The weight gradient and the update. A whole tile of Σ_p y_k·δ_j is turned into memory and weight while it
// stands in registers; it is written to memory only where something asked for the gradient, or where
// a large batch comes in several chunks.
#pragma once
#include "ahead.hpp"
#include "pairs.hpp"
#include "settling.hpp"
#include "strips.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Which sample stands in row `row` of the chunk at work.
template <class T> SCHUSS_INLINE long sample_at(const Work<T> &work, int row) {
  const long place = work.begin + row;
  return work.batch.order ? work.batch.order[place] : work.batch.first + place;
}

// n samples of a batch from place `begin` on.
SCHUSS_INLINE Batch samples_from(const Batch &batch, long begin, long n) {
  return {batch.order ? batch.order + begin : nullptr, batch.first + begin, n};
}

template <class T> SCHUSS_INLINE const T *input_of(const Work<T> &work, int l) {
  return l == 0 ? work.x_batch : work.layers[l - 1].y;
}

// The inputs of layer l for one row of the chunk at work.
template <class T> SCHUSS_INLINE const T *input_row(const Work<T> &work, int l, int row) {
  if (l == 0 && work.in_place) return work.x + sample_at(work, row) * work.x_stride;
  return input_of(work, l) + row * work.layers[l].stride_in;
}

// With each of the first terms asks for a line of what the tile will change: all at once would keep the sums waiting.
template <class T, int vectors> struct AskingForOwn {
  static constexpr int terms = (vectors * int(sizeof(Vec<T>)) + line_bytes - 1) / line_bytes;
  static constexpr int line = line_bytes / int(sizeof(T));
  const T *w, *memory;
  __attribute__((always_inline)) void operator()(int i) const {
    __builtin_prefetch(w + i * line, 1);
    __builtin_prefetch(memory + i * line, 1);
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

  Panel<T> panel_at(int p) const {
    const int vectors = least(panel_vectors, vectors_of<T>(layer.n_out) - p * panel_vectors);
    const T *delta = in_pairs<T> ? layer.delta_pairs.across : layer.delta;
    return {delta + p * panel<T>, layer.stride, p * panel<T>, vectors};
  }
  template <int NV> __attribute__((always_inline)) long place(int row, const Panel<T> &p) const {
    return long(p.at) * layer.n_in + long(row) * NV * lanes<T>;
  }
  bool by_groups() const { return fate == Fate::squared; }
  template <int MR, int NV>
  __attribute__((always_inline)) AskingForOwn<T, MR * NV> begin(int row, const Panel<T> &p) const {
    const long at = place<NV>(row, p);
    if (!is_update(fate)) return {layer.g + at, layer.g + at};
    return {layer.w + at, layer.memory[0] + at};
  }
  template <int MR> __attribute__((always_inline)) AcrossRows<T, MR> left(int row, int k) const {
    return {rows + k, row, nullptr};
  }
  template <int NV> __attribute__((always_inline)) Vec<T> start(int row, const Panel<T> &p, int v) const {
    return resumes ? load<T>(layer.g + place<NV>(row, p) + v * lanes<T>) : Vec<T>{};
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    settle(fate, Spot{place<NV>(row, p), row, p.at}, c);
    bring_nearer(work, ahead);
  }
};

// From strips.
template <class T, class Settle> struct StripsOp : UpdateOp<T, Settle> {
  Strips<T> strips;
  template <int MR> __attribute__((always_inline)) Evenly<T> left(int row, int) const {
    return {strips.of(row), 1, MR};
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    asm volatile("" : : "r"(this) : "memory");  // or the compiler keeps the rule's numbers in registers, and a sum not
    UpdateOp<T, Settle>::finish(row, p, c);
  }
};

// Tiles of fewer rows than there are registers for: by functions that all rules share, as each is long.
template <class T> using SmallTiles = UpdateOp<T, ThroughMemory<T>>;
template <class T, int MR, int NV>
__attribute__((noinline)) void small_tile(const SmallTiles<T> &op, int row, const Panel<T> &p, int terms) {
  tile<T, MR, NV, true>(op, row, p, 0, terms);
}

template <class T, int NV, class Op>
SCHUSS_INLINE void update_tiles(const Op &op, const SmallTiles<T> &small, const Range &rows, const Panel<T> &p,
                                int terms) {
  in_tiles<NV>(rows.first, rows.last, op.by_groups(), [&](auto count, int row) __attribute__((always_inline)) {
    if constexpr (count.value == tile_rows[NV]) tile<T, count.value, NV, true>(op, row, p, 0, terms);
    else small_tile<T, count.value, NV>(small, row, p, terms);
  });
}

// By a function of its own, as its room is large.
template <class T, class Settle>
__attribute__((noinline)) void update_from_strips(const Work<T> &work, const UpdateOp<T, Settle> &op,
                                                  const SmallTiles<T> &small, int terms, const Part &part) {
  alignas(line_bytes) T room[strip_room];
  for (int row = part.rows.first; row < part.rows.last; row += rows_together) {
    const Range group = {row, least(row + rows_together, part.rows.last)};
    const StripsOp<T, Settle> from = {op, bring_together(room, op.rows, terms, group, op.by_groups())};
    for (int p = part.panels.first; p < part.panels.last; p++) {
      if (!is_update(op.fate) && given_up(work, 2.0 * rows_together * terms * panel<T>)) return;
      update_tiles<T, panel_vectors>(from, small, group, op.panel_at(p), terms);
    }
    if (is_update(op.fate) && !work.last_step) pair_weights<T>(op.layer, {group, part.panels});  // while it is near
  }
}

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
  const SmallTiles<T> small = {{work, layer, run}, work, work.ahead, layer, fate, resumes, rows};
  const Range whole = {part.panels.first, least(part.panels.last, layer.n_out / panel<T>)};
  bool from_strips = false;
  if constexpr (strips_are_measured) {
    from_strips = gains_from_strips<T>(layer, terms, whole);
    if (from_strips) update_from_strips(work, op, small, terms, {part.rows, whole});
  }
  for (int p = from_strips ? whole.last : part.panels.first; p < part.panels.last; p++) {
    const Panel<T> at = op.panel_at(p);
    const double flops = 2.0 * (part.rows.last - part.rows.first) * terms * at.vectors * lanes<T>;
    if (!is_update(fate) && given_up(work, flops)) return;
    with_vectors(at.vectors, [&](auto vectors) __attribute__((always_inline)) {
      update_tiles<T, vectors.value>(op, small, part.rows, at, terms);
    });
    if (is_update(fate) && !work.last_step) pair_weights<T>(layer, {part.rows, {p, p + 1}});  // while it is near
  }
}

template <class T>
using Update = void (*)(Work<T> &, Run<T>, int l, const T *y, Fate, bool resumes, int samples, const Part &);

template <class T, Rule rule> Update<T> update_with(const Work<T> &work) {
  if constexpr (!goes_through_memory(rule)) {
    const bool in_registers = work.keep == T(1) && work.l1 == T(0);
    if (in_registers && work.l2 == T(0)) return multiply_update<T, InRegisters<T, rule, Penalty::none>>;
    if (in_registers) return multiply_update<T, InRegisters<T, rule, Penalty::l2>>;
  }
  return multiply_update<T, ThroughMemory<T>>;
}
template <class T> Update<T> update_of(const Work<T> &work, Fate fate) {
  Update<T> update = multiply_update<T, InGradient<T>>;
  if (is_update(fate)) with_rule(work.rule, [&](auto rule) { update = update_with<T, rule.value>(work); });
  return update;
}

template <class T>
void update_weights(Work<T> &work, int l, const T *y, Fate fate, bool resumes, int samples, const Part &part) {
  update_of(work, fate)(work, run_of(work, fate), l, y, fate, resumes, samples, part);
}

// ½·l2·Σ w² + l1·Σ |w| of row k of a layer; padding is zero and adds nothing.
template <class T> double penalty_of_row(const Work<T> &work, const Layer<T> &layer, int k) {
  Vec<T> squares[block_vectors] = {}, sizes[block_vectors] = {};
  for (int p = 0, part = 0; p < stored_panels(layer); p++) {
    const Panel<T> at = weight_panel<T>(layer, layer.w, p, k);
    for (int v = 0; v < at.vectors; v++, part = (part + 1) % block_vectors) {
      const Vec<T> w = load<T>(at.b + v * lanes<T>);
      squares[part] = squares[part] + w * w;
      sizes[part] = sizes[part] + absolute<T>(w);
    }
  }
  return 0.5 * double(work.l2) * double(sum_block<T>(squares)) + double(work.l1) * double(sum_block<T>(sizes));
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

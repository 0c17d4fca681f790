// What the finished sums of a gradient become: sums of a batch cut into chunks, a gradient, or the new memory and the
// new weights.
#pragma once
#include "lengths.hpp"
#include "losses.hpp"
#include "rules.hpp"

namespace schuss {
namespace SCHUSS_ISA {

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

// The same from weight `at` on; `memory` has room for its rows. The compiler is not shown where these pointers come
// from, or it keeps a distance for each vector of a tile, in registers and on the stack.
template <class T, int rows>
SCHUSS_INLINE Place<T> from_there(const Place<T> &place, long at, T *(&memory)[most_memory]) {
  Place<T> there = {place.w + at, place.g + at, memory, place.l2, place.l1, place.keep};
  asm("" : "+r"(there.w), "+r"(there.g));
  for (int r = 0; r < rows; r++) {
    memory[r] = place.memory[r] + at;
    asm("" : "+r"(memory[r]));
  }
  return there;
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
SCHUSS_INLINE void settle(T scale, const Change<T, rule> &change, const Place<T> &place, long i, Vec<T> sum,
                          Note &note) {
  const Vec<T> gradient = gradient_of<T, penalty>(sum, place, i, scale);
  note.gradient(gradient);
  apply_rule<T, rule, decays>(change, place, i, gradient, note);
}
template <class T, Rule rule, bool decays, Penalty penalty>
SCHUSS_INLINE void settle(T scale, const Change<T, rule> &change, const Place<T> &place, long i, Vec<T> sum) {
  NoSquares<T> none;
  settle<T, rule, decays, penalty>(scale, change, place, i, sum, none);
}

// Where a tile begins: its places follow one another.
struct Spot {
  long at;
  int row, column;
};

template <class T>
using Run = void (*)(const Work<T> &, const Layer<T> &, const Place<T> &, Spot, const Vec<T> *sums, int rows,
                     int vectors);

// Gradients into g, under penalties too. By value: what is stored might else be what is read.
template <class T>
__attribute__((noinline)) void put_gradients(Place<T> place, T scale, long at, const Vec<T> *sums, int count) {
  for (int n = 0; n < count; n++) {
    const long i = at + n * lanes<T>;
    store<T>(place.g + i, gradient_of<T, Penalty::any>(sums[n], place, i, scale));
  }
}

// What a tile's sums become. Where they are no update, the same for all rules. Penalties in registers make long code:
// where not every tile ends here, penalised sums go through memory.
template <class T, bool all_in_registers = false> struct InGradient {
  T scale;
  Place<T> place;
  bool penalised;
  InGradient(const Work<T> &work, const Layer<T> &l, Run<T> = nullptr)
      : scale(work.scale), place(weights_of(work, l)), penalised(is_penalised(work)) {}

  template <int MR, int NV, class F>
  __attribute__((always_inline)) void all(long at, Vec<T> (&sums)[MR][NV], F f) const {
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) {
        const long i = at + (r * NV + v) * lanes<T>;
        store<T>(place.g + i, f(sums[r][v], i));
      }
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void operator()(Fate fate, Spot spot, Vec<T> (&sums)[MR][NV]) const {
    const auto kept = [](Vec<T> sum, long) __attribute__((always_inline)) { return sum; };
    const auto plain = [&](Vec<T> sum, long i) __attribute__((always_inline)) {
      return gradient_of<T, Penalty::none>(sum, place, i, scale);
    };
    const auto pulled = [&](Vec<T> sum, long i) __attribute__((always_inline)) {
      return gradient_of<T, Penalty::any>(sum, place, i, scale);
    };
    if (fate == Fate::gradient && !penalised) return all(spot.at, sums, plain);
    if constexpr (all_in_registers)
      if (fate == Fate::gradient) return all(spot.at, sums, pulled);
    all(spot.at, sums, kept);
    const auto *from = reinterpret_cast<const Vec<T> *>(place.g + spot.at);
    if (fate == Fate::gradient) put_gradients(place, scale, spot.at, from, MR * NV);
  }
};

// An update while they are in registers:
template <class T, Rule rule, Penalty penalty> struct InRegisters {
  T scale;
  Change<T, rule> change;
  Place<T> place;
  const Layer<T> &layer;
  InRegisters(const Work<T> &work, const Layer<T> &l, Run<T>)
      : scale(work.scale), change(work.rates), place(weights_of(work, l)), layer(l) {}

  template <int MR, int NV> __attribute__((always_inline)) void all(long at, Vec<T> (&sums)[MR][NV]) const {
    T *memory[most_memory];
    const Place<T> there = from_there<T, memory_rows[int(rule)]>(place, at, memory);
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++)
        settle<T, rule, false, penalty>(scale, change, there, (r * NV + v) * lanes<T>, sums[r][v]);
  }
  // The tile lies within a group of rows.
  template <int MR, int NV> __attribute__((always_inline)) void all_squared(Spot spot, Vec<T> (&sums)[MR][NV]) const {
    T *memory[most_memory];
    const Place<T> there = from_there<T, memory_rows[int(rule)]>(place, spot.at, memory);
    T *to = squares_at(layer, spot.row / rows_together, spot.column);
    const bool goes_on = spot.row % rows_together != 0;
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) {
      Squares<T, adds_memory(rule) ? noted_at_once : noted> columns;  // weights in registers do not decay
      if (goes_on) columns.take(to + v * lanes<T>);
#pragma GCC unroll 16
      for (int r = 0; r < MR; r++)
        settle<T, rule, false, penalty>(scale, change, there, (r * NV + v) * lanes<T>, sums[r][v], columns);
      columns.put(to + v * lanes<T>);
    }
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void operator()(Fate fate, Spot spot, Vec<T> (&sums)[MR][NV]) const {
    if (fate == Fate::squared) all_squared(spot, sums);
    else all(spot.at, sums);
  }
};

// Or by one function for all sizes of tiles: for rules that go through memory, for weights that decay or are
// pulled to zero, so that the others need not ask, and for the small tiles of all.
template <class T> struct ThroughMemory {
  const Work<T> &work;
  const Layer<T> &layer;
  Place<T> place;
  Run<T> run;
  ThroughMemory(const Work<T> &w, const Layer<T> &l, Run<T> r) : work(w), layer(l), place(weights_of(w, l)), run(r) {}

  template <int MR, int NV>
  __attribute__((always_inline)) void operator()(Fate, Spot spot, Vec<T> (&sums)[MR][NV]) const {
    Vec<T> copy[MR * NV];  // what a function is shown would stand in memory from the first product on
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (int v = 0; v < NV; v++) copy[r * NV + v] = sums[r][v];
    run(work, layer, place, spot, copy, MR, NV);
  }
};

// Rows of vectors that follow one another, for each fate. They work on copies of their own: what is stored might else
// be what is read.
template <class T>
void keep_run(const Work<T> &, const Layer<T> &, const Place<T> &place, Spot spot, const Vec<T> *sums, int rows,
              int vectors) {
  for (int n = 0; n < rows * vectors; n++) store<T>(place.g + spot.at + n * lanes<T>, sums[n]);
}
template <class T>
void gradient_run(const Work<T> &work, const Layer<T> &, const Place<T> &place, Spot spot, const Vec<T> *sums,
                  int rows, int vectors) {
  put_gradients(place, work.scale, spot.at, sums, rows * vectors);
}
template <class T, Rule rule>
void settle_run(const Work<T> &work, const Layer<T> &, const Place<T> &place, Spot spot, const Vec<T> *sums, int rows,
                int vectors) {
  const Change<T, rule> change(work.rates);
  const Place<T> here = place;
  const T scale = work.scale;
  for (int n = 0; n < rows * vectors; n++)
    settle<T, rule, true, Penalty::any>(scale, change, here, spot.at + n * lanes<T>, sums[n]);
}
template <class T, Rule rule, int kinds>
void square_run(const Work<T> &work, const Layer<T> &layer, const Place<T> &place, Spot spot, const Vec<T> *sums,
                int rows, int vectors) {
  const Change<T, rule> change(work.rates);
  const Place<T> here = place;
  const T scale = work.scale;
  for (int v = 0; v < vectors; v++)
    down_column<T, kinds>(layer, spot.column + v * lanes<T>, spot.row, spot.row + rows, [&](int row, auto &squares) {
      const int n = (row - spot.row) * vectors + v;
      settle<T, rule, true, Penalty::any>(scale, change, here, spot.at + n * lanes<T>, sums[n], squares);
    });
}

template <class T> Run<T> run_of(const Work<T> &work, Fate fate) {
  if (!is_update(fate)) return fate == Fate::kept ? keep_run<T> : gradient_run<T>;
  Run<T> run = nullptr;
  with_rule(work.rule, [&](auto rule) {
    if (fate == Fate::updated) run = settle_run<T, rule.value>;
    else with_noted<rule.value>(work, [&](auto kinds) { run = square_run<T, rule.value, kinds.value>; });
  });
  return run;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Matrix products in register tiles. Element (i, j) is summed over k in order, by one thread, in fused
// multiply-adds; tiles, panels and blocks of k decide only when that happens, never in which order.
#pragma once
#include "activations.hpp"
#include "bfloat16.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Vectors per panel, and rows per tile for tiles of 1 … 4 vectors: as many as the registers hold.
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
constexpr int panel_vectors = 4;
constexpr int tile_rows[] = {0, 12, 12, 8, 6};
#else
constexpr int panel_vectors = 2;
constexpr int tile_rows[] = {0, 12, 6, 0, 0};
#endif

template <class T> constexpr int panel = panel_vectors * lanes<T>;
template <class T> SCHUSS_INLINE int vectors_of(int n) { return (n + lanes<T> - 1) / lanes<T>; }
SCHUSS_INLINE constexpr int least(int a, int b) { return a < b ? a : b; }

struct Range {
  int first, last;
};

// Share t of `count` things among `threads`, in whole units.
SCHUSS_INLINE Range share(int count, int unit, int t, int threads) {
  if (threads == 1) return {0, count};  // three divisions take as long as a small product
  const long units = (count + unit - 1) / unit;
  return {least(count, int(units * t / threads) * unit), least(count, int(units * (t + 1) / threads) * unit)};
}

template <class T> SCHUSS_INLINE int panels_of(int n) { return (n + panel<T> - 1) / panel<T>; }
template <class T> SCHUSS_INLINE int stored_panels(const Layer<T> &layer) {
  return (layer.n_out + layer.panel - 1) / layer.panel;
}

// What one thread computes of a product, or keeps of a matrix: some rows, and the columns of some panels.
struct Part {
  Range rows, panels;
};

// Columns [at, at + vectors·lanes) of the right-hand matrix, row by row.
template <class T> struct Panel {
  const T *b;
  long stride;
  int at, vectors;
};

// Panel p of a matrix that lies in panels of `width` columns, its rows from k on.
template <class T> SCHUSS_INLINE Panel<T> panel_of(const T *m, int rows, int columns, int width, int p, int k) {
  const int vectors = least(width / lanes<T>, vectors_of<T>(columns) - p * (width / lanes<T>));
  const long stride = long(vectors) * lanes<T>;
  return {m + long(p) * width * rows + k * stride, stride, p * width, vectors};
}
// Of a layer's weights, or of what belongs to each of them.
template <class T> SCHUSS_INLINE Panel<T> weight_panel(const Layer<T> &layer, const T *m, int p, int k) {
  return panel_of(m, layer.n_in, layer.n_out, layer.panel, p, k);
}
template <class T> SCHUSS_INLINE Panel<T> pairs_panel(const Layer<T> &layer, int p, int k) {
  return panel_of(layer.w_pairs, terms_of<T>(layer.n_in), layer.n_out, panel<T>, p, k);
}

// What else is done with the first terms of a tile.
struct Nothing {
  static constexpr int terms = 0;
  __attribute__((always_inline)) void operator()(int) const {}
};

// Where the left-hand numbers of a tile's rows lie: at equal distances, and so for each term.
template <class T> struct Evenly {
  const T *a;
  long a_row, a_term;
  __attribute__((always_inline)) void begin() {}
  __attribute__((always_inline)) const T *operator()(int r) const { return a + r * a_row; }
  __attribute__((always_inline)) void next() { a += a_term; }
};
// Or in rows that lie anywhere, of which the terms are columns,
template <class T, int MR> struct AlongRows {
  const T *rows[MR];
  long k;
  __attribute__((always_inline)) void begin() {}
  __attribute__((always_inline)) const T *operator()(int r) const { return rows[r] + k; }
  __attribute__((always_inline)) void next() { k++; }
};
// or of which each is a term: that of the tile after this one is asked for, as the rows lie too far apart for the
// processor to foresee.
template <class T, int MR> struct AcrossRows {
  const T *const *rows;
  long k;
  const T *at;
  __attribute__((always_inline)) void begin() {
    at = *rows + k;
    asm("" : "+r"(at));  // or the compiler keeps k + r in a register for each r
    __builtin_prefetch(at + 2 * MR - 1);
  }
  __attribute__((always_inline)) const T *operator()(int r) const { return at + r; }
  __attribute__((always_inline)) void next() { rows++; }
};

// Terms of a large tile between two jumps. What a loop does beside its multiply-adds takes places in the processor's
// front end, half of which belong to somebody else where its core works for two: a term of 12 sums is 22 instructions
// instead of 24 to 32. Not measured with AVX-512, where a term of 24 sums is about as many.
constexpr int terms_at_once = SCHUSS_BYTES < 64 ? 4 : 1;

// One more term of MR × NV sums, from a number on the left for each row and NV vectors on the right. Counters are
// unsigned here: those that might overflow the sanitizers watch, and the compiler then leaves the loops as they are.
template <class T, int MR, int NV, class Left>
SCHUSS_INLINE void add_term(Left &left_at, const T *b, Vec<T> (&c)[MR][NV]) {
  left_at.begin();
  Vec<T> right[NV];
#pragma GCC unroll 4
  for (unsigned v = 0; v < NV; v++) right[v] = load<T>(b + v * lanes<T>);
#pragma GCC unroll 16
  for (unsigned r = 0; r < MR; r++) {
    const Vec<T> left = left_of<T>(left_at(r));
#pragma GCC unroll 4
    for (unsigned v = 0; v < NV; v++) c[r][v] = add_product<T>(left, right[v], c[r][v]);
  }
  left_at.next();
}

// One tile: MR rows × NV vectors over `terms` terms. An Op says what to do before, where sums start and what
// becomes of them. Where terms are few, jumps are too, and a loop of several is begun in vain.
template <class T, int MR, int NV, bool unrolled, class Op>
SCHUSS_INLINE void tile(const Op &op, int row, const Panel<T> &p, int k, int terms) {
  const auto asking = op.template begin<MR, NV>(row, p);
  Vec<T> c[MR][NV];
#pragma GCC unroll 16
  for (unsigned r = 0; r < MR; r++)
#pragma GCC unroll 4
    for (unsigned v = 0; v < NV; v++) c[r][v] = op.template start<NV>(row + r, p, v);
  auto left_at = op.template left<MR>(row, k);
  const T *b = p.b;
  int i = 0;
  for (; i < least(asking.terms, terms); i++, b += p.stride) asking(i), add_term<T>(left_at, b, c);
  if constexpr (unrolled && MR * NV >= 8) {
#pragma GCC unroll terms_at_once
    for (; i < terms; i++, b += p.stride) add_term<T>(left_at, b, c);
  } else {
    for (; i < terms; i++, b += p.stride) add_term<T>(left_at, b, c);
  }
  op.template finish<MR, NV>(row, p, c);
}

template <int n> struct Count {
  static constexpr int value = n;
};

// f with the number of vectors of a panel as a constant.
template <class F> SCHUSS_INLINE void with_vectors(int vectors, F f) {
  switch (vectors) {
    case 1: return f(Count<1>());
#if SCHUSS_BYTES == 64 || defined(__aarch64__)
    case 2: return f(Count<2>());
    case 3: return f(Count<3>());
    default: return f(Count<4>());
#else
    default: return f(Count<2>());
#endif
  }
}

// f for tiles of as many of the rows [row, rows) as may be; not of 6 and 2 of them but 4 and 4, since a tile of few
// rows waits for its own sums. An Op may ask for tiles within groups of rows.
template <int NV, class F> SCHUSS_INLINE void in_tiles(int row, int rows, bool by_groups, F f) {
  constexpr int most = tile_rows[NV];
  const bool evens_out = (rows - row) % 6 == 2 && !(by_groups && (rows - row) % rows_together == 2);
  const int full = NV > 1 && most == 6 && evens_out ? rows - 7 : rows;
  for (; row + most <= full; row += most) f(Count<most>(), row);
  if (most > 6 && row + 6 <= rows) f(Count<6>(), row), row += 6;
  if (most == 6 && row + 4 < rows) f(Count<4>(), row), row += 4;
  if (row + 4 <= rows) f(Count<4>(), row), row += 4;
  if (row + 2 <= rows) f(Count<2>(), row), row += 2;
  if (row + 1 <= rows) f(Count<1>(), row);
}

template <class T, int NV, class Op>
SCHUSS_INLINE void rows_of_tiles(const Op &op, int row, int rows, const Panel<T> &p, int k, int terms) {
  in_tiles<NV>(row, rows, op.by_groups(), [&](auto count, int at) __attribute__((always_inline)) {
    tile<T, count.value, NV, true>(op, at, p, k, terms);
  });
}

// Whether the step is to be given up. What a pass has left undone then is scratch that nobody reads.
template <class T> SCHUSS_INLINE bool given_up(const Work<T> &work, double flops) {
  if (work.poll && work.poll(work.poll_data, flops)) __atomic_store_n(&work.team->cancel, 1, __ATOMIC_RELAXED);
  return __atomic_load_n(&work.team->cancel, __ATOMIC_RELAXED) != 0;
}

// A part of a product with `terms` terms, which go on from what stands where they go if it `resumes`; left undone if
// the step is given up. One function for each Op: there are many tiles in it.
template <class T, class Op>
__attribute__((noinline)) void multiply(const Work<T> &work, Op op, const Part &part, int terms, bool resumes = false) {
  const int first = part.rows.first, last = part.rows.last;
  if (first >= last) return;
  for (int k = 0; k < terms; k += k_block) {
    const int count = least(k_block, terms - k);
    op.is_first = k == 0 && !resumes;
    op.is_last = k + count == terms;
    for (int p = part.panels.first; p < part.panels.last; p++) {
      const Panel<T> at = op.panel_at(p, k);
      if (given_up(work, 2.0 * (last - first) * count * at.vectors * lanes<T>)) return;
      with_vectors(at.vectors, [&](auto vectors) __attribute__((always_inline)) {
        rows_of_tiles<T, vectors.value>(op, first, last, at, k, count);
      });
    }
  }
}

// What a layer's net inputs become: those of the last belong to the loss.
template <class T> SCHUSS_INLINE Activation forward_activation(const Work<T> &work, int l) {
  return l < work.depth - 1 ? work.layers[l].activation : Activation::identity;
}

// x_j = b_j + Σ_k y_k·w_kj and y_j = f(x_j): rows are samples, columns the layer's units.
template <class T, long known_stride = 0> struct ForwardOp {
  const Layer<T> &layer;
  Activation activation;  // identity leaves net inputs, for the output layer
  const T *a;
  long a_row, a_term = 1;
  bool is_first = true, is_last = true;
  static constexpr bool by_groups() { return false; }

  long stride() const { return known_stride ? known_stride : layer.stride; }
  long term() const { return known_stride ? a_term : 1; }  // a constant in `multiply`
  Panel<T> panel_at(int p, int k) const {
    return in_pairs<T> ? pairs_panel(layer, p, k) : weight_panel<T>(layer, layer.w, p, k);
  }
  template <int MR, int NV> __attribute__((always_inline)) Nothing begin(int, const Panel<T> &) const { return {}; }
  template <int MR> __attribute__((always_inline)) Evenly<T> left(int row, int k) const {
    return {a + row * a_row + k * term(), a_row, term()};
  }
  template <int NV> __attribute__((always_inline)) Vec<T> start(int row, const Panel<T> &p, int v) const {
    const int column = p.at + v * lanes<T>;
    return is_first ? load<T>(layer.b + column) : load<T>(layer.y + row * stride() + column);
  }
  template <int MR, int NV>
  __attribute__((always_inline)) void finish(int row, const Panel<T> &p, Vec<T> (&c)[MR][NV]) const {
    T *y = layer.y + row * stride() + p.at;
    const bool clip = is_last && activation == Activation::relu;
#pragma GCC unroll 16
    for (unsigned r = 0; r < MR; r++)
#pragma GCC unroll 4
      for (unsigned v = 0; v < NV; v++)
        store<T>(y + r * stride() + v * lanes<T>, clip ? relu<T>(c[r][v]) : c[r][v]);
    if (is_last && !in_registers(activation))
      activate<T>(activation, y, layer.slope ? layer.slope + row * stride() + p.at : nullptr, stride(), MR,
                  NV);
  }
};

// The same from rows that lie anywhere.
template <class T> struct ForwardRows : ForwardOp<T> {
  const T *const *rows;
  template <int MR> __attribute__((always_inline)) AlongRows<T, MR> left(int row, int k) const {
    AlongRows<T, MR> at;
    at.k = k;
#pragma GCC unroll 16
    for (unsigned r = 0; r < MR; r++) at.rows[r] = rows[row + r];
    return at;
  }
};

}  // namespace SCHUSS_ISA
}  // namespace schuss

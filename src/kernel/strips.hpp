// Terms of an update, brought together. A tile reads a few units of each sample, and samples lie so far apart that each
// takes a page and a line of its own: more than the first TLB and the first cache hold, anew for every panel. So the
// numbers of some units are copied, tile by tile, to where all panels find them one after the other.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int strip_room = rows_together * chunk_rows;

// The terms of tiles of the units from `first` on: (terms, rows of the tile) each.
template <class T> struct Strips {
  const T *room;
  int first, terms;
  __attribute__((always_inline)) const T *of(int row) const { return room + long(row - first) * terms; }
};

template <class T>
SCHUSS_INLINE Strips<T> bring_together(T *room, const T *const *rows, int terms, const Range &units, bool by_groups) {
  const Strips<T> strips = {room, units.first, terms};
  in_tiles<panel_vectors>(units.first, units.last, by_groups, [&](auto count, int row) {
    if constexpr (count.value < tile_rows[panel_vectors]) return;  // small tiles read rows where they lie
    T *to = room + long(row - units.first) * terms;
    for (int i = 0; i < terms; i++, to += count.value) __builtin_memcpy(to, rows[i] + row, count.value * sizeof(T));
  });
  return strips;
}

constexpr bool strips_are_measured = SCHUSS_BYTES < 64;  // panels of AVX-512 are four times as wide

// Whether that pays: where rows are many, and lie apart, and panels share the copy.
template <class T> SCHUSS_INLINE bool gains_from_strips(const Layer<T> &layer, int terms, const Range &panels) {
  const long apart = long(terms) * layer.stride_in * long(sizeof(T));
  return terms >= 64 && terms * (panels.last - panels.first) >= 512 && apart > long(1) << 17;
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

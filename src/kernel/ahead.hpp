// Rows that the next chunk will bring in, asked from memory a few lines at a time while an update computes: by
// then they are near, however large the data. What is asked for changes nothing.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int line_bytes = 64;
constexpr long cached = long(1) << 18;  // data of so few bytes are near anyway

template <class T> SCHUSS_INLINE bool rows_are_far(const Work<T> &work) {
  return work.x && work.n_samples * work.x_stride * long(sizeof(T)) > cached;
}

// The share of one thread in the rows of `next`; each tile of its part of an update asks for some of their lines.
template <class T> void look_ahead(Work<T> &work, const Batch &next, int thread, const Part &part) {
  const int tiles = (part.rows.last - part.rows.first) / tile_rows[panel_vectors] *
                    (part.panels.last - part.panels.first);
  const long bytes = work.x_stride * long(sizeof(T));
  const int n = next.n < work.chunk ? int(next.n) : work.chunk;
  const Range rows = share(n, 4, thread, work.team->threads);
  const bool aligned = (reinterpret_cast<uintptr_t>(work.x) | uintptr_t(bytes)) % line_bytes == 0;
  const int lines = int(bytes / line_bytes) + !aligned;
  const int at_once = (rows.last - rows.first) * lines / (tiles > 0 ? tiles : 1) + 1;
  work.ahead = {next, rows.first, rows_are_far(work) ? rows.last : rows.first, 0, lines, at_once};
}

template <class T> SCHUSS_INLINE void bring_nearer(const Work<T> &work, Ahead &ahead) {
  for (int i = 0; i < ahead.at_once && ahead.row < ahead.last; i++) {
    const long place = ahead.row, sample = ahead.next.order ? ahead.next.order[place] : ahead.next.first + place;
    const char *row = reinterpret_cast<const char *>(work.x + sample * work.x_stride);
    const char *end = row + work.x_stride * long(sizeof(T)) - 1;
    const char *at = row + long(ahead.line) * line_bytes;
    __builtin_prefetch(at < end ? at : end);
    if (++ahead.line < ahead.lines) continue;
    if (work.classes) __builtin_prefetch(work.classes + sample);
    else __builtin_prefetch(work.t + sample * work.t_stride);
    ahead.line = 0;
    ahead.row++;
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

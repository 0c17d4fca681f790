// Rows that the next chunk will bring in, asked from memory a few lines at a time while an update computes: by
// then they are near, however large the data. What is asked for changes nothing.
//
// A row of large data lies in a page of its own, whose address the processor must look up before the row can come.
// It looks up several at a time, but for several lines of one page it may do so several times, and all that follows
// waits. So the first lines of a group of rows are asked for one after the other, then their second lines, and so
// on. And they are asked into the first cache: a request for the second (prefetcht1) brings no data on Zen 5.
#pragma once
#include "matmul.hpp"

namespace schuss {
namespace SCHUSS_ISA {

constexpr int line_bytes = 64;
constexpr long cached = long(1) << 18;  // data of so few bytes are near anyway
constexpr int rows_asked = 32;          // of which lines are asked for in turn; fewer than a first TLB has places

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
  const int spread = (rows.last - rows.first) * (lines + 1) / (tiles > 0 ? tiles : 1) + 1;
  const int at_once = spread < rows_asked && tiles > 0 ? rows_asked : spread;
  work.ahead = {next, rows.first, rows_are_far(work) ? rows.last : rows.first, rows.first, 0, lines, at_once};
}

// Line `line` of a sample's inputs, or after the last of them its class or the first of its targets.
template <class T> SCHUSS_INLINE void ask_for_line(const Work<T> &work, long sample, int line, int lines) {
  const char *row = reinterpret_cast<const char *>(work.x + sample * work.x_stride);
  const char *end = row + work.x_stride * long(sizeof(T)) - 1;
  const char *at = row + long(line) * line_bytes;
  if (line < lines) __builtin_prefetch(at < end ? at : end);
  else if (work.classes) __builtin_prefetch(work.classes + sample);
  else __builtin_prefetch(work.t + sample * work.t_stride);
}

template <class T> SCHUSS_INLINE void bring_nearer(const Work<T> &work, Ahead &ahead) {
  for (int i = 0; i < ahead.at_once && ahead.group < ahead.last; i++) {
    const long place = ahead.row, sample = ahead.next.order ? ahead.next.order[place] : ahead.next.first + place;
    ask_for_line(work, sample, ahead.line, ahead.lines);
    if (++ahead.row < least(ahead.group + rows_asked, ahead.last)) continue;
    if (++ahead.line > ahead.lines) ahead.line = 0, ahead.group += rows_asked;
    ahead.row = ahead.group;
  }
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

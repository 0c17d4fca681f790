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

// Whether rows can be read where they lie, and need not be brought together: if they are few enough for a first TLB,
// and begin in so many sets of the first cache that they do not drive each other out of it.
template <class T> SCHUSS_INLINE bool are_spread(const Work<T> &work, long n) {
  const long bytes = work.x_stride * long(sizeof(T));
  return n <= 2 * rows_asked && (bytes & -bytes) <= 2 * line_bytes;
}

// The share of one thread in the rows of `next`; each tile of its part of an update asks for some of their lines.
template <class T> void look_ahead(Work<T> &work, const Batch &next, int thread, const Part &part) {
  const int tiles = (part.rows.last - part.rows.first) / tile_rows[panel_vectors] *
                    (part.panels.last - part.panels.first);
  const long bytes = work.x_stride * long(sizeof(T));
  const int n = next.n < work.chunk ? int(next.n) : work.chunk;
  const Range rows = work.in_place ? Range{0, n} : share(n, 4, thread, work.team->threads);
  const bool aligned = (reinterpret_cast<uintptr_t>(work.x) | uintptr_t(bytes)) % line_bytes == 0;
  const int lines = int(bytes / line_bytes) + !aligned;
  const int spread = (rows.last - rows.first) * (lines + 1) / (tiles > 0 ? tiles : 1) + 1;
  const int at_once = spread < rows_asked && tiles > 0 ? rows_asked : spread;
  work.ahead = {next, rows.first, rows_are_far(work) ? rows.last : rows.first, rows.first, 0, lines, at_once};
}

// Where one line of each sample's inputs lies, or after the last of them its class or the first of its targets.
template <class T> SCHUSS_INLINE const char *place_of_line(const Work<T> &work, const Ahead &ahead, long &stride) {
  stride = work.x_stride * long(sizeof(T));
  const long at = long(ahead.line) * line_bytes;
  if (ahead.line < ahead.lines) return reinterpret_cast<const char *>(work.x) + (at < stride ? at : stride - 1);
  stride = work.classes ? long(sizeof(int32_t)) : work.t_stride * long(sizeof(T));
  return work.classes ? reinterpret_cast<const char *>(work.classes) : reinterpret_cast<const char *>(work.t);
}

// Not inlined: there is a tile for every size.
template <class T> __attribute__((noinline)) void ask_for_lines(const Work<T> &work, Ahead &ahead) {
  for (int left = ahead.at_once; left > 0 && ahead.group < ahead.last;) {
    long stride;
    const char *line = place_of_line(work, ahead, stride);
    const int end = least(ahead.group + rows_asked, ahead.last), stop = least(ahead.row + left, end);
    left -= stop - ahead.row;
    if (ahead.next.order) {
      for (; ahead.row < stop; ahead.row++) __builtin_prefetch(line + ahead.next.order[ahead.row] * stride);
    } else {
      for (; ahead.row < stop; ahead.row++) __builtin_prefetch(line + (ahead.next.first + ahead.row) * stride);
    }
    if (ahead.row < end) return;
    if (++ahead.line > ahead.lines) ahead.line = 0, ahead.group += rows_asked;
    ahead.row = ahead.group;
  }
}

template <class T> SCHUSS_INLINE void bring_nearer(const Work<T> &work, Ahead &ahead) {
  if (ahead.group < ahead.last) ask_for_lines(work, ahead);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

// Samples of a batch, brought together: into the batch buffers, out of rows that lie anywhere.
#pragma once
#include "sparse.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Rows of the data are not aligned, and must not be read beyond their end; those of a batch buffer are whole vectors.
template <class T> SCHUSS_INLINE void copy_row(T *to, const T *from, int n) {
  int i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) __builtin_memcpy(to + i, from + i, sizeof(Vec<T>));
  if (i < n) store<T>(to + i, load_first(from + i, n - i));
}

// Rows of the data into the same number of rows that follow one another; where one is shorter than a vector, by a mask
// that is made once.
template <class T, class F>
SCHUSS_INLINE void copy_rows(T *to, long to_stride, const T *from, long stride, int n, Range r, F sample_of) {
  if (n < lanes<T>) {
    for (int row = r.first; row < r.last; row++)
      store<T>(to + row * to_stride, load_first(from + sample_of(row) * stride, n));
  } else {
    for (int row = r.first; row < r.last; row++) copy_row(to + row * to_stride, from + sample_of(row) * stride, n);
  }
}

// The class of each row, an integer as wide as T.
template <class T, class F>
SCHUSS_INLINE void copy_classes(T *to, const int32_t *classes, Range r, F sample_of) {
#pragma GCC unroll 4
  for (long row = r.first; row < r.last; row++) {
    const typename Simd<T>::Int number = classes[sample_of(row)];
    __builtin_memcpy(to + row, &number, sizeof number);
  }
}

template <class T, class F> SCHUSS_INLINE void gather_targets(const Work<T> &work, Range r, F sample_of) {
  const Layer<T> &out = work.layers[work.depth - 1];
  if (work.t) copy_rows(work.t_batch, out.stride, work.t, work.t_stride, out.n_out, r, sample_of);
  else copy_classes(work.t_batch, work.classes, r, sample_of);
}

// Bring rows [r.first, r.last) of the chunk at work into the batch buffers; sparse inputs stay where they are.
template <class T> void gather(Work<T> &work, Range r) {
  const Layer<T> &in = work.layers[0];
  const Batch batch = work.batch;
  const long begin = work.begin;
  const auto sample_of = [=](int row) -> long {
    return batch.order ? batch.order[begin + row] : batch.first + begin + row;
  };
  if (!is_sparse(work, 0) && !work.in_place)
    copy_rows(work.x_batch, in.stride_in, work.x, work.x_stride, in.n_in, r, sample_of);
  gather_targets(work, r, sample_of);
  pair_inputs(work, r);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss

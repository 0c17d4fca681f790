// Many networks of one shape trained in one call, on some threads that take them from one queue. Knows no Python.
#pragma once
#include "advance.hpp"

namespace schuss {

// A number for each network and step, or for all of either: distances are 0 then.
struct Numbered {
  const double *first;  // null: none
  long network, step;
  const double *of(long i, long s) const { return first + i * network + s * step; }
};

// What the networks have in common, and what each has for itself; `course` of `advance` for many.
struct Courses {
  long networks;
  const int32_t *orders;    // (distinct, epochs touched, n), or null: samples in their own order
  const int32_t *order_of;  // (networks,) which of the distinct orders is a network's
  long order_length;        // of one of them: epochs touched · n
  long batch_size, steps, first_place;
  Rule rule;
  Numbered rates, keeps;
  const double *l2, *l1;    // (networks,)
  const uint64_t *seeds;    // (networks,) of dropout
  const double *shares;     // (per_epoch,) of steps in the mean loss of their epoch; null: losses of steps are told
  long per_epoch;           // steps of an epoch; with shares, those of a call are whole ones
  long told() const { return shares ? steps / per_epoch : steps; }  // losses of a network
};

// How networks are trained: side by side in the lanes of vectors, or each by itself. The bits are the same.
enum class Layout : int { fastest, lanes, alone };

// Whether the lanes know these settings; and which layout is the faster one.
template <class T> bool fits_lanes(const Table<T> &, const Data<T> &, const Objective &, const Dropout &);
template <class T>
Layout faster_layout(const Problem &, const Table<T> &, const Data<T> &, const Objective &, const Dropout &,
                     const Courses &, int threads);

// From theta (networks, n_parameters) and memory (networks, rows, n_parameters) to the new ones; losses
// (networks, told). A network that meets a number that is not finite spoils its own results alone: its last
// loss, or one of its weights, is not finite; finite (networks,) says of each whether losses, weights and memory are.
// False if `poll` said stop: then the results mean nothing.
template <class T>
bool sweep(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &, const Dropout &,
           const Courses &, Layout, int threads, const T *theta, const T *memory, T *new_theta, T *new_memory,
           double *losses, bool *finite, const Poll &poll);

}  // namespace schuss

// Many steps in one call, on one or more threads; one gradient; one product with the Hessian; outputs. Knows no
// Python.
#pragma once
#include "observation.hpp"
#include "room.hpp"
#include "shelf.hpp"
#include "watch.hpp"

namespace schuss {

template <class T> struct Data {
  long n;
  const T *x;              // (n, n_in), or null:
  Sparse<T> sparse;
  const T *t;              // (n, n_out), or null
  const int32_t *classes;  // (n,), or null
  const T *weights;        // (n,), or null

  bool is_sparse() const { return sparse.starts != nullptr; }
};

struct Objective {
  bool mean;
  double l2, l1;
  double clip;  // infinite: none
  bool as_scikit_learn;
};

// The steps whose norms are taken, and where those go: (their number, 3), of gradient, memory and change.
template <class T> struct Norms {
  long every = 0;  // so many steps, or 0: of none
  long first = 0;  // of the call
  T *rows = nullptr;
};

// How many of them come before `step`.
inline long taken_before(long step, long every, long first) {
  return step > first ? (step - first - 1) / every + 1 : 0;
}

// Steps [0, steps) of this call, beginning in the middle of an epoch if first_place > 0.
struct Course {
  const int32_t *order;  // (epochs touched, n), or null: samples in their own order
  long batch_size;
  long steps, first_place;
  Rule rule;
  const double *rates;  // (steps, numbers of the rule)
  const double *keeps;  // (steps,): what decay leaves of the weights; null: all
  bool check_each_step;  // look for non-finite weights after every step, not only at each epoch's end
};

enum class Outcome : int { done, interrupted, not_finite };

struct Progress {
  long steps;  // whole steps made
  Outcome outcome;
  Ticket ticket = 0;  // of the workspace that is kept with the state, if one is
};

// Whether every layer, the inputs included, fits into one cache line: then steps on dense samples without dropout go by
// narrow.hpp.
template <class T> bool is_narrow(const Problem &, const Table<T> &);

// From theta and memory to those after the last whole step, which may be the same arrays: beside a huge workspace they
// then take no room while steps are made. The loss of each step goes to losses (steps,), and what is seen of watched
// weights to `observation`, if there is one. Where theta and memory are those that a kept workspace holds, they are not
// read.
template <class T>
Progress advance(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &, const Dropout &,
                 const Course &, int threads, const T *theta, const T *memory, T *new_theta, T *new_memory,
                 double *losses, const Poll &poll, const Observation<T> *observation = nullptr,
                 const Norms<T> &norms = {}, Kept<T> kept = {});

// Loss of all of `data` as one batch; the gradient goes to `gradient` (n_parameters,), and is not made where that is
// null. Neither means anything once `poll` has said stop.
template <class T>
double gradient(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &, const Dropout &,
                int threads, const T *theta, T *gradient, const Poll &poll);

// The product of the Hessian of that loss, clipping left out, with `vector` goes to `product`, both
// (n_parameters,); it means nothing once `poll` has said stop.
template <class T>
void curvature_product(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, const Objective &, int threads,
                       const T *theta, const T *vector, T *product, const Poll &poll);

// Outputs (n, n_out) for the inputs of `data`; not all of them once `poll` has said stop. Without theta the
// weights are the lender's.
template <class T>
void outputs(const Problem &, Shelf<T> &, const Table<T> &, const Data<T> &, int threads, const T *theta, T *y,
             const Poll &poll, const Workspace<T> *lender = nullptr);

}  // namespace schuss

// What the doors are given to train on, and how: samples, objective and dropout, taken apart and checked.
#pragma once
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "advance.hpp"
#include "bind.hpp"

// Rows of inputs: dense, or in the CSR format as (starts, columns, values).
template <class T> using Csr = std::tuple<Vector<const int64_t>, Vector<const int32_t>, Vector<const T>>;
template <class T> using Rows = std::variant<Matrix<const T>, Csr<T>>;

constexpr long most_samples = 1L << 32;  // of a batch: sums of a few such numbers are long

// Whether n integers lie in [0, end): they are places in memory. The sign bits of all of v and end − 1 − v, added up.
template <class Integer> bool all_below(const Integer *values, size_t n, long end) {
  using Bits = std::make_unsigned_t<Integer>;
  const Bits last = Bits(std::min<long>(end - 1, std::numeric_limits<Integer>::max()));
  Bits outside = 0;
  for (size_t i = 0; i < n; i++) outside |= Bits(values[i]) | (last - Bits(values[i]));
  return !(outside >> (std::numeric_limits<Bits>::digits - 1));
}

template <class A> bool all_below(const A &array, long end) { return all_below(array.data(), array.size(), end); }

using Rates = std::vector<double>;
using DropoutIn = std::optional<std::tuple<Rates, uint64_t, uint64_t>>;

inline Dropout dropout_of(const Problem &p, const DropoutIn &given) {
  if (!given) return {};
  const auto &[rates, seed, step] = *given;
  require(int(rates.size()) == p.depth() - 1, "dropout holds not one rate per hidden layer");
  for (double rate : rates) require(rate >= 0 && rate < 1, "dropout must lie in [0, 1)");
  return {rates, seed, step};
}

// Whether each row begins where the one before it ends, and its columns are in order and within [0, end).
inline bool rows_are_sound(const int64_t *starts, long n, const int32_t *columns, int64_t size, long end) {
  bool sound = starts[0] >= 0 && starts[n] <= size;
  for (long row = 0; row < n; row++) sound &= starts[row] <= starts[row + 1];
  for (long row = 0; sound && row < n; row++)
    for (int64_t i = starts[row]; i < starts[row + 1]; i++)
      sound &= columns[i] >= 0 && columns[i] < end && (i == starts[row] || columns[i - 1] < columns[i]);
  return sound;
}

template <class T> Data<T> inputs_of(const Problem &p, const Table<T> &table, const Rows<T> &x) {
  if (const auto *dense = std::get_if<Matrix<const T>>(&x)) {
    require(long(dense->shape(1)) == p.layers.front(), "x has a wrong number of columns");
    return {long(dense->shape(0)), dense->data(), {}, nullptr, nullptr, nullptr};
  }
  require(!table.in_pairs, "products of pairs are of dense rows alone");
  const auto &[starts, columns, values] = std::get<Csr<T>>(x);
  const long n = long(starts.shape(0)) - 1;
  require(n >= 0 && columns.shape(0) == values.shape(0), "starts, columns and values do not fit together");
  require(rows_are_sound(starts.data(), n, columns.data(), int64_t(columns.shape(0)), p.layers.front()),
          "starts or columns are not in order, or name a place that is not there");
  return {n, nullptr, {starts.data(), columns.data(), values.data()}, nullptr, nullptr, nullptr};
}

template <class T>
Data<T> data_of(const Problem &p, const Table<T> &table, const Rows<T> &x, const std::optional<Matrix<const T>> &t,
                const std::optional<Vector<const int32_t>> &classes, const std::optional<Vector<const T>> &weights) {
  Data<T> data = inputs_of(p, table, x);
  require(t.has_value() != classes.has_value(), "give either t or classes");
  if (t) require(long(t->shape(0)) == data.n && long(t->shape(1)) == p.layers.back(), "t has a wrong shape");
  if (classes) require(long(classes->shape(0)) == data.n, "classes has a wrong length");
  if (classes) require(all_below(*classes, p.layers.back()), "classes names an output that is not there");
  require(!weights || long(weights->shape(0)) == data.n, "weights has a wrong length");
  require(data.n > 0, "x holds no samples");
  data.t = t ? t->data() : nullptr;
  data.classes = classes ? classes->data() : nullptr;
  data.weights = weights ? weights->data() : nullptr;
  return data;
}

// Watched weights by their places in theta, and where to write what is seen of them: theta, memory, sums, factor,
// rows, y and delta of observation.hpp.
template <class T>
using ObservationIn =
    std::optional<std::tuple<Vector<const int64_t>, Matrix<T>, Cube<T>, Matrix<T>, Vector<T>, Matrix<int32_t>,
                             Cube<T>, Cube<T>>>;

template <class A> bool has_shape(const A &array, std::initializer_list<long> shape) {
  size_t axis = 0;
  for (long size : shape)
    if (long(array.shape(axis++)) != size) return false;
  return true;
}

// Every how many steps, from which step of the call on, and where to write them: as Norms of advance.hpp.
template <class T> using NormsIn = std::optional<std::tuple<long, long, Matrix<T>>>;

template <class T> Norms<T> norms_of(const NormsIn<T> &given, long steps) {
  if (!given) return {};
  const auto &[every, first, rows] = *given;
  require(every >= 1 && first >= 0 && first < every, "norms are of steps that are not there");
  require(has_shape(rows, {taken_before(steps, every, first), 3}), "the room for norms has a wrong shape");
  return {every, first, rows.data()};
}

// The observation points into `places`.
template <class T>
std::optional<Observation<T>> observation_of(const Problem &p, const ObservationIn<T> &given, long steps,
                                             long batch_size, int slots, std::vector<WeightPlace> &places) {
  if (!given) return {};
  const auto &[weights, theta, memory, sums, factor, rows, y, delta] = *given;
  const long count = long(weights.shape(0));
  require(all_below(weights, long(p.n_parameters())), "weights to watch name one that is not there");
  require(has_shape(theta, {steps, count}) && has_shape(memory, {steps, slots, count}) &&
              has_shape(sums, {steps, count}) && has_shape(factor, {steps}) && has_shape(rows, {steps, batch_size}) &&
              has_shape(y, {steps, batch_size, count}) && has_shape(delta, {steps, batch_size, count}),
          "the room for what is seen has a wrong shape");
  for (long i = 0; i < count; i++) places.push_back(p.place_of(size_t(weights.data()[i])));
  return Observation<T>{places.data(), count, batch_size, theta.data(), memory.data(), sums.data(), factor.data(),
                        rows.data(), y.data(), delta.data()};
}

// Where a training keeps its workspace, and the ticket that was given out with theta and memory, or 0.
using KeptIn = std::optional<std::pair<Rooms *, Ticket>>;

template <class T> Kept<T> kept_of(const KeptIn &given) {
  if (!given || !given->first) return {};
  return {&room_of<T>(*given->first), given->second};
}

// As `terms` in engine/arguments.py says them: mean, l2, l1, clip, as scikit-learn.
using Terms = std::tuple<bool, double, double, double, bool>;
inline Objective objective_of(const Terms &terms) {
  const auto [mean, l2, l1, clip, as_scikit_learn] = terms;
  return {mean, l2, l1, clip, as_scikit_learn};
}

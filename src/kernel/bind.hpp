// What the doors from Python share: arrays, instruction sets by name, and how a signal is heard.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "cpu.hpp"
#include "room.hpp"
#include "shelf.hpp"

namespace nb = nanobind;
using namespace schuss;

template <class T> using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using Cube = nb::ndarray<T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

template <class T> const Table<T> &table_of(const InstructionSet &set);
template <> inline const Table<float> &table_of<float>(const InstructionSet &set) { return *set.f32; }
template <> inline const Table<double> &table_of<double>(const InstructionSet &set) {
  if (!set.f64) throw std::invalid_argument("products of bfloat16 are for float32");
  return *set.f64;
}

inline const InstructionSet &set_named(const std::string &name) {
  for (const InstructionSet *set : instruction_sets())
    if (name == set->name) return *set;
  throw std::invalid_argument("this processor or build has no instruction set " + name);
}

// A network as its engine keeps it from call to call.
struct Prepared : Problem {
  Shelf<float> f32;
  Shelf<double> f64;
};

template <class T> Shelf<T> &shelf_of(Prepared &p) {
  if constexpr (sizeof(T) == sizeof(float)) return p.f32;
  else return p.f64;
}

// What a training keeps from call to call, in either dtype.
struct Rooms {
  Room<float> f32;
  Room<double> f64;
};

template <class T> Room<T> &room_of(Rooms &rooms) {
  if constexpr (sizeof(T) == sizeof(float)) return rooms.f32;
  else return rooms.f64;
}

inline void require(bool fits, const char *what) {
  if (!fits) throw std::invalid_argument(what);
}

// Calls a Python function between steps. What it raises (KeyboardInterrupt above all) stops the training
// and is handed back beside the valid state.
class PythonPoll {
 public:
  explicit PythonPoll(nb::object function) : function_(std::move(function)) {}
  bool operator()(long steps, double loss) {
    nb::gil_scoped_acquire gil;
    try {
      if (!function_.is_none()) return bool(nb::bool_(function_(steps, loss)));
      listen();
    } catch (nb::python_error &error) {
      error_ = nb::borrow(error.value());
    }
    return heard();
  }
  // Signals that have arrived since; with the GIL held.
  void listen() {
    if (PyErr_CheckSignals() == 0) return;
    error_ = nb::borrow(nb::python_error().value());
  }
  bool heard() const { return !error_.is_none(); }
  nb::object error() const { return error_; }
  // With the GIL held again: raise what was heard.
  void raise() const {
    if (!heard()) return;
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error_.ptr())), error_.ptr());
    throw nb::python_error();
  }

 private:
  nb::object function_, error_ = nb::none();
};

void bind_orders(nb::module_ &m);     // bind_orders.cpp
void bind_peak(nb::module_ &m);       // bind_peak.cpp
void bind_predictor(nb::module_ &m);  // bind_predictor.cpp
void bind_sweep(nb::module_ &m);      // bind_sweep.cpp

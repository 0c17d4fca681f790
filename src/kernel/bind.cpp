// The doors from Python into the kernel: shapes and dtypes are checked here and in engine/native.py, the
// GIL is given up here, and no number is computed here.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <variant>

#include "advance.hpp"
#include "cpu.hpp"
#include "order.hpp"

namespace nb = nanobind;
using namespace schuss;

namespace {

template <class T> using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T> using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Rows of inputs: dense, or in the CSR format as (starts, columns, values).
template <class T> using Csr = std::tuple<Vector<const int64_t>, Vector<const int32_t>, Vector<const T>>;
template <class T> using Rows = std::variant<Matrix<const T>, Csr<T>>;

template <class T> const Table<T> &table_of(const InstructionSet &set);
template <> const Table<float> &table_of<float>(const InstructionSet &set) { return *set.f32; }
template <> const Table<double> &table_of<double>(const InstructionSet &set) { return *set.f64; }

const InstructionSet &set_named(const std::string &name) {
  for (const InstructionSet *set : instruction_sets())
    if (name == set->name) return *set;
  throw std::invalid_argument("this processor or build has no instruction set " + name);
}

bool all_codes(const std::vector<int> &codes, int last) {
  return std::all_of(codes.begin(), codes.end(), [&](int code) { return code >= 0 && code <= last; });
}

void require(bool fits, const char *what) {
  if (!fits) throw std::invalid_argument(what);
}

// Sizes of groups add up to the outputs, and only two losses know more than one group.
void check_groups(const std::vector<int> &groups, int n_out, Loss loss) {
  long total = 0;
  for (int size : groups) require(size >= 1, "a group needs at least one output"), total += size;
  require(total == n_out, "groups do not add up to the outputs");
  require(groups.size() == 1 || loss == Loss::cross_entropy || loss == Loss::focal, "this loss knows no groups");
}

// Whether all integers lie in [0, end): they are places in memory.
template <class A> bool all_below(const A &array, long end) {
  bool inside = true;
  for (size_t i = 0; i < array.size(); i++) inside &= array.data()[i] >= 0 && array.data()[i] < end;
  return inside;
}

using Rates = std::vector<double>;
using DropoutIn = std::optional<std::tuple<Rates, uint64_t, uint64_t>>;

Dropout dropout_of(const Problem &p, const DropoutIn &given) {
  if (!given) return {};
  const auto &[rates, seed, step] = *given;
  require(int(rates.size()) == p.depth() - 1, "dropout holds not one rate per hidden layer");
  for (double rate : rates) require(rate >= 0 && rate < 1, "dropout must lie in [0, 1)");
  return {rates, seed, step};
}

// Whether each row begins where the one before it ends, and its columns are in order and within [0, end).
bool rows_are_sound(const int64_t *starts, long n, const int32_t *columns, int64_t size, long end) {
  bool sound = starts[0] >= 0 && starts[n] <= size;
  for (long row = 0; row < n; row++) sound &= starts[row] <= starts[row + 1];
  for (long row = 0; sound && row < n; row++)
    for (int64_t i = starts[row]; i < starts[row + 1]; i++)
      sound &= columns[i] >= 0 && columns[i] < end && (i == starts[row] || columns[i - 1] < columns[i]);
  return sound;
}

template <class T> Data<T> inputs_of(const Problem &p, const Rows<T> &x) {
  if (const auto *dense = std::get_if<Matrix<const T>>(&x)) {
    require(long(dense->shape(1)) == p.layers.front(), "x has a wrong number of columns");
    return {long(dense->shape(0)), dense->data(), {}, nullptr, nullptr};
  }
  const auto &[starts, columns, values] = std::get<Csr<T>>(x);
  const long n = long(starts.shape(0)) - 1;
  require(n >= 0 && columns.shape(0) == values.shape(0), "starts, columns and values do not fit together");
  require(rows_are_sound(starts.data(), n, columns.data(), int64_t(columns.shape(0)), p.layers.front()),
          "starts or columns are not in order, or name a place that is not there");
  return {n, nullptr, {starts.data(), columns.data(), values.data()}, nullptr, nullptr};
}

template <class T>
Data<T> data_of(const Problem &p, const Rows<T> &x, const std::optional<Matrix<const T>> &t,
                const std::optional<Vector<const int32_t>> &classes) {
  Data<T> data = inputs_of(p, x);
  require(t.has_value() != classes.has_value(), "give either t or classes");
  if (t) require(long(t->shape(0)) == data.n && long(t->shape(1)) == p.layers.back(), "t has a wrong shape");
  if (classes) require(long(classes->shape(0)) == data.n, "classes has a wrong length");
  if (classes) require(all_below(*classes, p.layers.back()), "classes names an output that is not there");
  require(data.n > 0, "x holds no samples");
  data.t = t ? t->data() : nullptr;
  data.classes = classes ? classes->data() : nullptr;
  return data;
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

template <class T>
nb::tuple advance_in(const Problem &p, const std::string &set, Vector<T> theta, Matrix<T> memory, const Rows<T> &x,
                     std::optional<Matrix<const T>> t, std::optional<Vector<const int32_t>> classes,
                     std::optional<Matrix<const int32_t>> order, long batch_size, long first_place,
                     Matrix<const double> rates, int rule, std::tuple<bool, double, double> objective,
                     const DropoutIn &dropout, Vector<double> losses, int threads, bool check_each_step,
                     nb::object poll) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, x, t, classes);
  require(batch_size >= 1, "batch_size must be at least 1");
  require(rule >= 0 && rule <= int(Rule::nesterov), "there is no such rule");
  const long per_epoch = (data.n + batch_size - 1) / batch_size, steps = long(rates.shape(0));
  require(first_place >= 0 && first_place < per_epoch, "first_place lies outside the epoch");
  const bool remembers = Rule(rule) != Rule::gradient_descent;
  require(theta.shape(0) == p.n_parameters() && memory.shape(1) == p.n_parameters(), "theta has a wrong length");
  require(memory.shape(0) == size_t(remembers) && rates.shape(1) == 1 + size_t(remembers), "memory does not fit rule");
  require(losses.shape(0) == rates.shape(0), "losses has a wrong length");
  require(!order || (long(order->shape(1)) == data.n &&
                     long(order->shape(0)) * per_epoch >= first_place + steps), "order is too short");
  require(!order || all_below(*order, data.n), "order names a sample that is not there");
  const Course course = {order ? order->data() : nullptr, batch_size, steps, first_place, rates.data(),
                         int(rates.shape(1)), rule, check_each_step};
  const auto [mean, l2, l1] = objective;
  const Dropout silent = dropout_of(p, dropout);
  PythonPoll ask(std::move(poll));
  Progress made;
  {
    nb::gil_scoped_release free;
    made = advance<T>(p, table, data, {mean, l2, l1}, silent, course, threads, theta.data(), memory.data(),
                      losses.data(), [&](long s, double loss) { return ask(s, loss); });
  }
  ask.listen();  // one that came after the last poll would else be raised with these steps lost
  if (ask.heard()) made.outcome = Outcome::interrupted;
  return nb::make_tuple(made.steps, int(made.outcome), ask.error());
}

template <class T>
double gradient_in(const Problem &p, const std::string &set, Vector<const T> theta, const Rows<T> &x,
                   std::optional<Matrix<const T>> t, std::optional<Vector<const int32_t>> classes,
                   std::tuple<bool, double, double> objective, const DropoutIn &dropout, Vector<T> out,
                   int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, x, t, classes);
  require(theta.shape(0) == p.n_parameters() && out.shape(0) == p.n_parameters(), "theta has a wrong length");
  const auto [mean, l2, l1] = objective;
  const Dropout silent = dropout_of(p, dropout);
  PythonPoll ask{nb::none()};
  double loss = 0;
  {
    nb::gil_scoped_release free;
    loss = gradient<T>(p, table, data, {mean, l2, l1}, silent, threads, theta.data(), out.data(),
                       [&](long, double) { return ask(0, 0); });
  }
  ask.raise();
  return loss;
}

template <class T>
void outputs_in(const Problem &p, const std::string &set, Vector<const T> theta, const Rows<T> &x, Matrix<T> out,
                int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  require(theta.shape(0) == p.n_parameters(), "theta has a wrong length");
  const Data<T> data = inputs_of(p, x);
  require(long(out.shape(0)) == data.n && long(out.shape(1)) == p.layers.back(), "out has a wrong shape");
  PythonPoll ask{nb::none()};
  {
    nb::gil_scoped_release free;
    outputs<T>(p, table, data, threads, theta.data(), out.data(),
               [&](long, double) { return ask(0, 0); });
  }
  ask.raise();
}

template <class T> void apply_in(const std::string &set, int function, Vector<const T> in, Vector<T> out) {
  require(in.shape(0) == out.shape(0), "in and out differ in length");
  table_of<T>(set_named(set)).apply(Function(function), in.data(), out.data(), in.shape(0));
}

void orders_in(uint64_t seed, uint64_t first_epoch, Matrix<int32_t> out) {
  nb::gil_scoped_release free;
  for (size_t e = 0; e < out.shape(0); e++)
    philox_order(seed, first_epoch + e, int32_t(out.shape(1)), out.data() + e * out.shape(1));
}

void philox_in(const std::string &set, Matrix<const uint32_t> counters, uint64_t key, Matrix<uint32_t> out) {
  require(counters.shape(1) == 4 && out.shape(1) == 4 && out.shape(0) == counters.shape(0), "shapes must be (n, 4)");
  const InstructionSet &isa = set_named(set);
  for (size_t i = 0; i < out.shape(0); i++) isa.philox(counters.data() + 4 * i, key, out.data() + 4 * i);
}

template <class T> void bind_for(nb::module_ &m) {
  m.def("advance", &advance_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("memory").noconvert(), nb::arg("x").noconvert(), nb::arg("t").noconvert().none(),
        nb::arg("classes").noconvert().none(), nb::arg("order").noconvert().none(), nb::arg("batch_size"),
        nb::arg("first_place"), nb::arg("rates").noconvert(), nb::arg("rule"), nb::arg("objective"),
        nb::arg("dropout").none(), nb::arg("losses").noconvert(), nb::arg("threads"), nb::arg("check_each_step"),
        nb::arg("poll").none());
  m.def("gradient", &gradient_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("x").noconvert(), nb::arg("t").noconvert().none(), nb::arg("classes").noconvert().none(),
        nb::arg("objective"), nb::arg("dropout").none(), nb::arg("out").noconvert(), nb::arg("threads"));
  m.def("outputs", &outputs_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("x").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
  m.def("apply", &apply_in<T>, nb::arg("isa"), nb::arg("function"), nb::arg("x").noconvert(),
        nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_kernel, m) {
  m.attr("version") = SCHUSS_VERSION;
  m.attr("compiler") = SCHUSS_COMPILER;
  nb::class_<Problem>(m, "Problem")
      .def("__init__", [](Problem *self, std::vector<int> layers, std::vector<int> activations, int loss,
                          std::vector<double> parameters, bool biases, std::vector<int> groups) {
        require(layers.size() >= 2 && activations.size() + 1 == layers.size(), "layers and activations differ");
        for (int units : layers) require(units >= 1, "a layer needs at least one unit");
        require(all_codes(activations, int(Activation::exp)), "there is no such activation");
        require(loss >= 0 && loss <= int(Loss::focal), "there is no such loss");
        require(int(parameters.size()) == layers.back(), "parameters holds not one number per output");
        check_groups(groups, layers.back(), Loss(loss));
        new (self) Problem{std::move(layers), std::move(activations), loss, std::move(parameters), biases,
                           std::move(groups)};
      });
  m.def("instruction_sets", [] {
    std::vector<std::pair<std::string, bool>> names;
    for (const InstructionSet *set : instruction_sets()) names.emplace_back(set->name, set->fused);
    return names;
  });
  m.def("philox", &philox_in, nb::arg("isa"), nb::arg("counters").noconvert(), nb::arg("key"),
        nb::arg("out").noconvert());
  m.def("orders", &orders_in, nb::arg("seed"), nb::arg("first_epoch"), nb::arg("out").noconvert());
  bind_for<float>(m);
  bind_for<double>(m);
}

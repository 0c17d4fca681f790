// The doors from Python into the kernel: shapes and dtypes are checked here and in engine/native.py, the
// GIL is given up here, and no number is computed here.
#include <utility>

#include "bind_data.hpp"

namespace {

bool all_codes(const std::vector<int> &codes, int last) {
  return std::all_of(codes.begin(), codes.end(), [&](int code) { return code >= 0 && code <= last; });
}

// Sizes of groups add up to the outputs, and only two losses know more than one group.
void check_groups(const std::vector<int> &groups, int n_out, Loss loss) {
  long total = 0;
  for (int size : groups) require(size >= 1, "a group needs at least one output"), total += size;
  require(total == n_out, "groups do not add up to the outputs");
  require(groups.size() == 1 || loss == Loss::cross_entropy || loss == Loss::focal, "this loss knows no groups");
}

// Whether what steps of a call see of the order of its epochs names samples: a call may be a small part of an epoch.
bool used_are_below(const Matrix<const int32_t> &order, long batch_size, long first_place, long steps) {
  const long n = long(order.shape(1)), per_epoch = (n + batch_size - 1) / batch_size;
  const auto begin_of = [&](long place) { return place / per_epoch * n + place % per_epoch * batch_size; };
  const long first = begin_of(first_place);
  return all_below(order.data() + first, size_t(begin_of(first_place + steps) - first), n);
}

template <class T>
nb::tuple advance_in(Prepared &p, const std::string &set, Vector<const T> theta, Matrix<const T> memory,
                     Vector<T> new_theta, Matrix<T> new_memory, const Rows<T> &x,
                     std::optional<Matrix<const T>> t, std::optional<Vector<const int32_t>> classes,
                     std::optional<Vector<const T>> weights, std::optional<Matrix<const int32_t>> order,
                     long batch_size, long first_place, Matrix<const double> rates,
                     std::optional<Vector<const double>> keeps, int rule, const Terms &objective,
                     const DropoutIn &dropout,
                     Vector<double> losses, int threads, bool check_each_step, nb::object poll,
                     const ObservationIn<T> &observation, const NormsIn<T> &norms, const KeptIn &kept) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, table, x, t, classes, weights);
  require(batch_size >= 1 && batch_size <= most_samples, "batch_size must lie in [1, 2³²]");
  require(rule >= 0 && rule < rule_count, "there is no such rule");
  const long per_epoch = (data.n + batch_size - 1) / batch_size, steps = long(rates.shape(0));
  require(first_place >= 0 && first_place < per_epoch, "first_place lies outside the epoch");
  require(theta.shape(0) == p.n_parameters() && memory.shape(1) == p.n_parameters(), "theta has a wrong length");
  require(int(memory.shape(0)) == memory_rows[rule], "memory does not fit rule");
  require(new_theta.shape(0) == theta.shape(0) && new_memory.shape(0) == memory.shape(0) &&
          new_memory.shape(1) == memory.shape(1), "the new state has another shape");
  require(int(rates.shape(1)) == rate_counts[rule], "rates do not fit rule");
  require(!keeps || keeps->shape(0) == rates.shape(0), "keeps has a wrong length");
  require(losses.shape(0) == rates.shape(0), "losses has a wrong length");
  require(!order || (long(order->shape(1)) == data.n &&
                     long(order->shape(0)) * per_epoch >= first_place + steps), "order is too short");
  require(!order || used_are_below(*order, batch_size, first_place, steps), "order names a sample that is not there");
  const Course course = {order ? order->data() : nullptr, batch_size, steps, first_place, Rule(rule), rates.data(),
                         keeps ? keeps->data() : nullptr, check_each_step};
  require(!table.in_pairs || !observation, "products of pairs cannot be watched");
  const Dropout silent = dropout_of(p, dropout);
  std::vector<WeightPlace> places;
  const auto seen = observation_of<T>(p, observation, steps, batch_size, memory_rows[rule], places);
  const Norms<T> lengths = norms_of<T>(norms, steps);
  PythonPoll ask(std::move(poll));
  Progress made;
  {
    nb::gil_scoped_release free;
    made = advance<T>(p, shelf_of<T>(p), table, data, objective_of(objective), silent, course, threads, theta.data(),
                      memory.data(), new_theta.data(), new_memory.data(), losses.data(),
                      [&](long s, double loss) { return ask(s, loss); }, seen ? &*seen : nullptr,
                      lengths, kept_of<T>(kept));
  }
  ask.listen();  // one that came after the last poll would else be raised with these steps lost
  if (ask.heard()) made.outcome = Outcome::interrupted;
  return nb::make_tuple(made.steps, int(made.outcome), ask.error(), made.ticket);
}

template <class T>
double gradient_in(Prepared &p, const std::string &set, Vector<const T> theta, const Rows<T> &x,
                   std::optional<Matrix<const T>> t, std::optional<Vector<const int32_t>> classes,
                   std::optional<Vector<const T>> weights, const Terms &objective, const DropoutIn &dropout,
                   std::optional<Vector<T>> out, int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, table, x, t, classes, weights);
  require(theta.shape(0) == p.n_parameters() && (!out || out->shape(0) == p.n_parameters()),
          "theta has a wrong length");
  const Dropout silent = dropout_of(p, dropout);
  PythonPoll ask{nb::none()};
  double loss = 0;
  {
    nb::gil_scoped_release free;
    loss = gradient<T>(p, shelf_of<T>(p), table, data, objective_of(objective), silent, threads, theta.data(),
                       out ? out->data() : nullptr, [&](long, double) { return ask(0, 0); });
  }
  ask.raise();
  return loss;
}

template <class T>
void curvature_product_in(Prepared &p, const std::string &set, Vector<const T> theta, const Rows<T> &x,
                          std::optional<Matrix<const T>> t, std::optional<Vector<const int32_t>> classes,
                          std::optional<Vector<const T>> weights, const Terms &objective, Vector<const T> vector,
                          Vector<T> out, int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, table, x, t, classes, weights);
  require(theta.shape(0) == p.n_parameters() && vector.shape(0) == p.n_parameters() &&
          out.shape(0) == p.n_parameters(), "theta has a wrong length");
  require(!table.in_pairs, "curvature is of whole products, not of pairs");
  PythonPoll ask{nb::none()};
  {
    nb::gil_scoped_release free;
    curvature_product<T>(p, shelf_of<T>(p), table, data, objective_of(objective), threads, theta.data(),
                         vector.data(), out.data(), [&](long, double) { return ask(0, 0); });
  }
  ask.raise();
}

template <class T>
void outputs_in(Prepared &p, const std::string &set, Vector<const T> theta, const Rows<T> &x, Matrix<T> out,
                int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  require(theta.shape(0) == p.n_parameters(), "theta has a wrong length");
  const Data<T> data = inputs_of(p, table, x);
  require(long(out.shape(0)) == data.n && long(out.shape(1)) == p.layers.back(), "out has a wrong shape");
  PythonPoll ask{nb::none()};
  {
    nb::gil_scoped_release free;
    outputs<T>(p, shelf_of<T>(p), table, data, threads, theta.data(), out.data(),
               [&](long, double) { return ask(0, 0); });
  }
  ask.raise();
}

template <class T> void apply_in(const std::string &set, int function, Vector<const T> in, Vector<T> out) {
  require(in.shape(0) == out.shape(0), "in and out differ in length");
  require(function >= 0 && function <= int(Function::logistic), "there is no such function");
  table_of<T>(set_named(set)).apply(Function(function), in.data(), out.data(), in.shape(0));
}

template <class T> bool is_narrow_in(const Prepared &p, const std::string &set, Vector<const T>) {
  return is_narrow<T>(p, table_of<T>(set_named(set)));
}

template <class T> void bind_for(nb::module_ &m) {
  m.def("advance", &advance_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("memory").noconvert(), nb::arg("new_theta").noconvert(), nb::arg("new_memory").noconvert(),
        nb::arg("x").noconvert(), nb::arg("t").noconvert().none(), nb::arg("classes").noconvert().none(),
        nb::arg("weights").noconvert().none(), nb::arg("order").noconvert().none(), nb::arg("batch_size"),
        nb::arg("first_place"), nb::arg("rates").noconvert(), nb::arg("keeps").noconvert().none(), nb::arg("rule"),
        nb::arg("objective"), nb::arg("dropout").none(), nb::arg("losses").noconvert(), nb::arg("threads"),
        nb::arg("check_each_step"), nb::arg("poll").none(), nb::arg("observation").noconvert() = nb::none(),
        nb::arg("norms").noconvert() = nb::none(), nb::arg("kept") = nb::none());
  m.def("gradient", &gradient_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("x").noconvert(), nb::arg("t").noconvert().none(), nb::arg("classes").noconvert().none(),
        nb::arg("weights").noconvert().none(), nb::arg("objective"), nb::arg("dropout").none(),
        nb::arg("out").noconvert().none(), nb::arg("threads"));
  m.def("curvature_product", &curvature_product_in<T>, nb::arg("problem"), nb::arg("isa"),
        nb::arg("theta").noconvert(), nb::arg("x").noconvert(), nb::arg("t").noconvert().none(),
        nb::arg("classes").noconvert().none(), nb::arg("weights").noconvert().none(), nb::arg("objective"),
        nb::arg("vector").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
  m.def("outputs", &outputs_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("x").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
  m.def("is_narrow", &is_narrow_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert());
  m.def("apply", &apply_in<T>, nb::arg("isa"), nb::arg("function"), nb::arg("x").noconvert(),
        nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_kernel, m) {
  nb::set_leak_warnings(false);  // what lives to the end of the process, such as an estimator in a notebook, is no leak
  m.attr("version") = SCHUSS_VERSION;
  m.attr("compiler") = SCHUSS_COMPILER;
  nb::class_<Rooms>(m, "Rooms").def(nb::init<>());
  nb::class_<Prepared>(m, "Problem")
      .def("__init__", [](Prepared *self, std::vector<int> layers, std::vector<int> activations, int loss,
                          std::vector<double> parameters, bool biases, std::vector<int> groups) {
        require(layers.size() >= 2 && activations.size() + 1 == layers.size(), "layers and activations differ");
        for (int units : layers) require(units >= 1, "a layer needs at least one unit");
        require(all_codes(activations, int(Activation::exp)), "there is no such activation");
        const std::vector<int> hidden(activations.begin(), activations.end() - 1);
        require(all_codes(hidden, int(Activation::gelu)), "hidden layers have no such activation");
        require(loss >= 0 && loss <= int(Loss::focal), "there is no such loss");
        require(int(parameters.size()) == layers.back(), "parameters holds not one number per output");
        check_groups(groups, layers.back(), Loss(loss));
        new (self) Prepared{{std::move(layers), std::move(activations), loss, std::move(parameters), biases,
                             std::move(groups)}, {}, {}};
      });
  m.def("instruction_sets", [] {
    std::vector<std::pair<std::string, bool>> names;
    for (const InstructionSet *set : instruction_sets())
      if (!set->in_pairs) names.emplace_back(set->name, set->fused);
    return names;
  });
  m.def("bfloat16_set", [] {
    std::string name;  // empty where there is none
    for (const InstructionSet *set : instruction_sets())
      if (set->in_pairs) name = set->name;
    return name;
  });
  bind_orders(m);
  bind_peak(m);
  bind_predictor(m);
  bind_sweep(m);
  bind_for<float>(m);
  bind_for<double>(m);
}

// The door to many trainings in one call.
#include "bind_data.hpp"
#include "sweep.hpp"

namespace {

template <class A, class B> bool same_shape(const A &a, const B &b) {
  bool same = a.ndim() == b.ndim();
  for (size_t i = 0; same && i < a.ndim(); i++) same = a.shape(i) == b.shape(i);
  return same;
}

// Numbers (networks or 1, steps or 1, count).
Numbered numbered(const Cube<const double> &numbers, size_t networks, size_t steps, size_t count) {
  require(numbers.shape(0) == networks || numbers.shape(0) == 1, "rates or keeps are not one per network");
  require(numbers.shape(1) == steps || numbers.shape(1) == 1, "rates or keeps are not one per step");
  require(numbers.shape(2) == count, "rates or keeps do not fit rule");
  const long step = numbers.shape(1) == 1 ? 0 : long(count);
  return {numbers.data(), numbers.shape(0) == 1 ? 0 : long(numbers.shape(1) * count), step};
}

// What varies: rates and keeps as above, l2, l1 and the seed of dropout (networks,).
using Varied = std::tuple<Cube<const double>, std::optional<Cube<const double>>, Vector<const double>,
                          Vector<const double>, Vector<const uint64_t>>;

Courses courses_of(const Varied &varied, const std::optional<Cube<const int32_t>> &orders,
                   const Vector<const int32_t> &order_of, long n, long batch_size, long first_place, int rule,
                   size_t networks, size_t steps, const std::optional<Vector<const double>> &shares) {
  const auto &[rates, keeps, l2, l1, seeds] = varied;
  require(batch_size >= 1 && batch_size <= most_samples, "batch_size must lie in [1, 2³²]");
  require(rule >= 0 && rule < rule_count, "there is no such rule");
  require(steps >= 1 && networks >= 1, "there is nothing to do");
  const long per_epoch = (n + batch_size - 1) / batch_size;
  require(first_place >= 0 && first_place < per_epoch, "first_place lies outside the epoch");
  require(l2.shape(0) == networks && l1.shape(0) == networks, "penalties are not one per network");
  require(seeds.shape(0) == networks && order_of.shape(0) == networks, "seeds or orders are not one per network");
  Courses courses = {long(networks), nullptr, order_of.data(), 0, batch_size, long(steps), first_place, Rule(rule),
                     numbered(rates, networks, steps, size_t(rate_counts[rule])), {}, l2.data(), l1.data(),
                     seeds.data(), shares ? shares->data() : nullptr, per_epoch};
  require(!shares || (long(shares->shape(0)) == per_epoch && first_place == 0 && long(steps) % per_epoch == 0),
          "shares do not fit whole epochs");
  if (keeps) courses.keeps = numbered(*keeps, networks, steps, 1);
  if (!orders) return courses;
  require(long(orders->shape(2)) == n && long(orders->shape(1)) * per_epoch >= first_place + long(steps),
          "orders are too short");
  require(all_below(*orders, n), "an order names a sample that is not there");
  require(all_below(order_of, long(orders->shape(0))), "order_of names an order that is not there");
  courses.orders = orders->data();
  courses.order_length = long(orders->shape(1)) * n;
  return courses;
}

template <class T>
nb::tuple sweep_in(Prepared &p, const std::string &set, Matrix<const T> theta, Cube<const T> memory,
                   Matrix<T> new_theta, Cube<T> new_memory, const Rows<T> &x, std::optional<Matrix<const T>> t,
                   std::optional<Vector<const int32_t>> classes, std::optional<Vector<const T>> weights,
                   std::optional<Cube<const int32_t>> orders, Vector<const int32_t> order_of, long batch_size,
                   long first_place, int rule, const Varied &varied, const Terms &objective, const DropoutIn &dropout,
                   size_t steps, std::optional<Vector<const double>> shares, Matrix<double> losses, Vector<bool> finite,
                   int layout, int threads) {
  const Table<T> &table = table_of<T>(set_named(set));
  const Data<T> data = data_of<T>(p, table, x, t, classes, weights);
  const Courses courses = courses_of(varied, orders, order_of, data.n, batch_size, first_place, rule, theta.shape(0),
                                     steps, shares);
  require(theta.shape(1) == p.n_parameters() && memory.shape(2) == p.n_parameters(), "theta has a wrong length");
  require(memory.shape(0) == theta.shape(0) && int(memory.shape(1)) == memory_rows[rule], "memory does not fit");
  require(same_shape(theta, new_theta) && same_shape(memory, new_memory), "the new state has another shape");
  require(losses.shape(0) == theta.shape(0), "losses is not one row per network");
  require(long(losses.shape(1)) == courses.told(), "losses is not one per step or epoch");
  require(finite.shape(0) == theta.shape(0), "finite is not one per network");
  require(layout >= 0 && layout <= int(Layout::alone) && threads >= 1, "there is no such layout");
  const Objective terms = objective_of(objective);
  const Dropout silent = dropout_of(p, dropout);
  require(Layout(layout) != Layout::lanes || fits_lanes(table, data, terms, silent),
          "lanes do not know these settings");
  PythonPoll ask{nb::none()};
  bool done = false;
  {
    nb::gil_scoped_release free;
    done = sweep<T>(p, shelf_of<T>(p), table, data, terms, silent, courses, Layout(layout), threads, theta.data(),
                    memory.data(), new_theta.data(), new_memory.data(), losses.data(), finite.data(),
                    [&](long, double) { return ask(0, 0); });
  }
  ask.listen();
  return nb::make_tuple(done, ask.error());
}

template <class T> void bind_for(nb::module_ &m) {
  m.def("sweep", &sweep_in<T>, nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(),
        nb::arg("memory").noconvert(), nb::arg("new_theta").noconvert(), nb::arg("new_memory").noconvert(),
        nb::arg("x").noconvert(), nb::arg("t").noconvert().none(), nb::arg("classes").noconvert().none(),
        nb::arg("weights").noconvert().none(), nb::arg("orders").noconvert().none(), nb::arg("order_of").noconvert(),
        nb::arg("batch_size"), nb::arg("first_place"), nb::arg("rule"), nb::arg("varied"), nb::arg("objective"),
        nb::arg("dropout").none(), nb::arg("steps"), nb::arg("shares").noconvert().none(),
        nb::arg("losses").noconvert(), nb::arg("finite").noconvert(), nb::arg("layout"), nb::arg("threads"));
}

}  // namespace

void bind_sweep(nb::module_ &m) {
  bind_for<float>(m);
  bind_for<double>(m);
}

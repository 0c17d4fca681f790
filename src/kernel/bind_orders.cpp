// The doors to the orders of epochs.
#include <algorithm>
#include <mutex>

#include "bind.hpp"
#include "order.hpp"

namespace {

constexpr size_t draws_per_look = size_t(1) << 20;  // between two looks for signals: a few milliseconds

void orders_in(uint64_t seed, uint64_t first_epoch, Matrix<int32_t> out) {
  nb::gil_scoped_release free;
  for (size_t e = 0; e < out.shape(0); e++)
    philox_order(seed, first_epoch + e, int32_t(out.shape(1)), out.data() + e * out.shape(1));
}

// The generator is carried on from call to call: an epoch costs one shuffle, unless it lies before the last one.
class Shuffled {
 public:
  Shuffled(Vector<const uint32_t> words, int position, int32_t n)
      : n_(size_t(n)), source_(words.data(), position, n) {}
  uint64_t epochs() const { return source_.epochs(); }

  void write(uint64_t first, Matrix<int32_t> out) {
    require(out.shape(1) == n_, "out has a wrong number of columns");
    require(first < uint64_t(1) << 62, "no generator reaches that epoch");
    PythonPoll ask{nb::none()};
    {
      nb::gil_scoped_release free;
      const std::lock_guard<std::mutex> alone(lock_);
      if (source_.epochs() > first + 1) source_.restart();
      for (size_t e = 0; e < out.shape(0) && reach(first + e + 1, ask); e++)
        std::copy(source_.order().begin(), source_.order().end(), out.data() + e * n_);
    }
    ask.raise();
  }

 private:
  // Draw until so many epochs are drawn; false if a signal came first.
  bool reach(uint64_t epochs, PythonPoll &ask) {
    for (; source_.epochs() < epochs; source_.next()) {
      drawn_ += n_;
      if (drawn_ < draws_per_look) continue;
      drawn_ = 0;
      if (ask(0, 0)) return false;
    }
    return true;
  }

  size_t n_, drawn_ = 0;
  ShuffledOrders source_;
  std::mutex lock_;
};

}  // namespace

void bind_orders(nb::module_ &m) {
  m.def("orders", &orders_in, nb::arg("seed"), nb::arg("first_epoch"), nb::arg("out").noconvert());
  nb::class_<Shuffled>(m, "Shuffled")
      .def(
          "__init__",
          [](Shuffled *self, Vector<const uint32_t> words, int position, int32_t n) {
            require(words.shape(0) == twister_words, "words must be 624");
            require(position >= 0 && position <= twister_words, "position lies outside the words");
            require(n >= 0, "n must be at least 0");
            new (self) Shuffled(words, position, n);
          },
          nb::arg("words").noconvert(), nb::arg("position"), nb::arg("n"))
      .def_prop_ro("epochs", &Shuffled::epochs)
      .def("orders", &Shuffled::write, nb::arg("first_epoch"), nb::arg("out").noconvert());
}

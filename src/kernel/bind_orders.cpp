// The doors to what is drawn: the orders of epochs, and Philox's numbers.
#include "bind.hpp"
#include "order.hpp"

namespace {

void orders_in(uint64_t seed, uint64_t first_epoch, Matrix<int32_t> out, int32_t block) {
  require(block >= 1, "a block needs at least one sample");
  nb::gil_scoped_release free;
  for (size_t e = 0; e < out.shape(0); e++)
    philox_order(seed, first_epoch + e, int32_t(out.shape(1)), block, out.data() + e * out.shape(1));
}

int shuffled_orders_in(Vector<uint32_t> words, int position, Vector<int32_t> order, Matrix<int32_t> out) {
  require(words.shape(0) == 624 && position >= 0 && position <= 624, "this is no state of MT19937");
  require(order.shape(0) == out.shape(1), "order and out differ in length");
  nb::gil_scoped_release free;
  shuffled_orders(words.data(), position, int32_t(out.shape(1)), order.data(), long(out.shape(0)), out.data());
  return position;
}

void philox_in(const std::string &set, Matrix<const uint32_t> counters, uint64_t key, Matrix<uint32_t> out) {
  require(counters.shape(1) == 4 && out.shape(1) == 4 && out.shape(0) == counters.shape(0), "shapes must be (n, 4)");
  const InstructionSet &isa = set_named(set);
  for (size_t i = 0; i < out.shape(0); i++) isa.philox(counters.data() + 4 * i, key, out.data() + 4 * i);
}

}  // namespace

void bind_orders(nb::module_ &m) {
  m.def("orders", &orders_in, nb::arg("seed"), nb::arg("first_epoch"), nb::arg("out").noconvert(),
        nb::arg("block"));
  m.def("shuffled_orders", &shuffled_orders_in, nb::arg("words").noconvert(), nb::arg("position"),
        nb::arg("order").noconvert(), nb::arg("out").noconvert());
  m.def("philox", &philox_in, nb::arg("isa"), nb::arg("counters").noconvert(), nb::arg("key"),
        nb::arg("out").noconvert());
}

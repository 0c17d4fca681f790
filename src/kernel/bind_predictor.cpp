// The door to a predictor. It is called for single samples, where taking an array apart and making one costs more
// than the answer; so both are done by Python's and NumPy's own means, without nanobind's.
#include "bind.hpp"
#include "predictor.hpp"

namespace {

constexpr double small = 1e6;  // operations: for less, some 20 µs, other threads wait rather than take the GIL

// The memory of an array, C-contiguous, as long as this lives.
class Buffer {
 public:
  Buffer(nb::handle array, int flags)
      : held_(PyObject_GetBuffer(array.ptr(), &view, PyBUF_C_CONTIGUOUS | flags) == 0) {
    if (!held_) PyErr_Clear();
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() {
    if (held_) PyBuffer_Release(&view);
  }
  template <class T> bool holds() const {
    return held_ && view.format && view.format[0] == (sizeof(T) == 4 ? 'f' : 'd') && view.format[1] == 0;
  }
  Py_buffer view;

 private:
  bool held_;
};

template <class T> class PythonPredictor {
 public:
  PythonPredictor(const Prepared &p, const std::string &set, Vector<const T> theta, int threads)
      : predictor_(p, table_of<T>(set_named(set)), theta.data(), threads), one_(nb::make_tuple(predictor_.n_out())) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    empty_ = numpy.attr("empty");
    dtype_ = numpy.attr("dtype")(sizeof(T) == 4 ? "float32" : "float64");
  }

  nb::object operator()(nb::handle x) {
    const Buffer in(x, PyBUF_FORMAT);
    const int dimensions = in.holds<T>() ? in.view.ndim : 0;
    if ((dimensions != 1 && dimensions != 2) || in.view.shape[dimensions - 1] != predictor_.n_in()) refuse(x);
    const long n = dimensions == 1 ? 1 : long(in.view.shape[0]);
    nb::object y = empty_(dimensions == 1 ? one_ : nb::object(nb::make_tuple(n, predictor_.n_out())), dtype_);
    const Buffer out(y, PyBUF_WRITABLE);
    answer(n, static_cast<const T *>(in.view.buf), static_cast<T *>(out.view.buf));
    return y;
  }

 private:
  void answer(long n, const T *x, T *y) {
    if (n == 0) return;
    if (predictor_.flops(n) < small) return predictor_(n, x, y, [](long, double) { return false; });
    PythonPoll ask{nb::none()};
    {
      nb::gil_scoped_release free;
      predictor_(n, x, y, [&](long, double) { return ask(0, 0); });
    }
    ask.raise();
  }

  [[noreturn]] void refuse(nb::handle x) const {
    const nb::object kind = nb::handle(Py_TYPE(x.ptr())).attr("__name__");
    const bool array = nb::hasattr(x, "dtype") && nb::hasattr(x, "shape");
    const nb::object got = array ? nb::str("{}, shape {}").format(x.attr("dtype"), x.attr("shape")) : kind;
    const nb::str what = nb::str("a predictor takes a C-contiguous array of {}, shape ({},) or (n, {}); got {}.")
                             .format(dtype_, predictor_.n_in(), predictor_.n_in(), got);
    if (array) throw nb::value_error(what.c_str());
    throw nb::type_error(what.c_str());
  }

  Predictor<T> predictor_;
  nb::object one_, empty_, dtype_;
};

template <class T> void bind_for(nb::module_ &m, const char *name) {
  using Bound = PythonPredictor<T>;
  nb::class_<Bound>(m, name).def("__call__", &Bound::operator(), nb::arg("x").none());
  m.def(
      "predictor",
      [](const Prepared &p, const std::string &set, Vector<const T> theta, int threads) {
        require(theta.shape(0) == p.n_parameters(), "theta has a wrong length");
        require(threads >= 1, "threads must be at least 1");
        return new Bound(p, set, theta, threads);
      },
      nb::arg("problem"), nb::arg("isa"), nb::arg("theta").noconvert(), nb::arg("threads"),
      nb::rv_policy::take_ownership);
}

}  // namespace

void bind_predictor(nb::module_ &m) {
  bind_for<float>(m, "Predictor32");
  bind_for<double>(m, "Predictor64");
}

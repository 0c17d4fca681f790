// The arithmetic of one instruction set in one dtype. CMakeLists.txt compiles this file once for each, with SCHUSS_ISA
// (a namespace, so that no two copies of a function share a name), SCHUSS_BYTES (vector width) and SCHUSS_DOUBLE set.
#include "curvature.hpp"
#include "lanes.hpp"
#include "packing.hpp"
#include "peak.hpp"
#include "step.hpp"

namespace schuss {
namespace SCHUSS_ISA {

template <class T> bool finite(const T *p, size_t n) {
  constexpr size_t together = 4 * lanes<T>;  // so that no sum waits for the one before
  Vec<T> a = {}, b = {}, c = {}, d = {};     // x·0 is 0 for finite x, NaN otherwise
  size_t i = 0;
  for (; i + together <= n; i += together) {
    a = a + load<T>(p + i) * T(0);
    b = b + load<T>(p + i + lanes<T>) * T(0);
    c = c + load<T>(p + i + 2 * lanes<T>) * T(0);
    d = d + load<T>(p + i + 3 * lanes<T>) * T(0);
  }
  for (; i < n; i += lanes<T>) a = a + load<T>(p + i) * T(0);
  a = a + b + c + d;
  for (int j = 0; j < lanes<T>; j++)
    if (a[j] != T(0)) return false;
  return true;
}

template <class T, class F> void over_array(const T *in, T *out, size_t n, F f) {
  alignas(64) T buffer[lanes<T>];
  for (size_t i = 0; i < n; i += lanes<T>) {
    const size_t count = n - i < size_t(lanes<T>) ? n - i : size_t(lanes<T>);
    for (int j = 0; j < lanes<T>; j++) buffer[j] = size_t(j) < count ? in[i + j] : T(1);
    store<T>(buffer, f(load<T>(buffer)));
    for (size_t j = 0; j < count; j++) out[i + j] = buffer[j];
  }
}

template <class T> void apply(Function which, const T *in, T *out, size_t n) {
  switch (which) {
    case Function::exp: return over_array(in, out, n, [](Vec<T> x) { return exp<T>(x); });
    case Function::expm1: return over_array(in, out, n, [](Vec<T> x) { return expm1<T>(x); });
    case Function::tanh: return over_array(in, out, n, [](Vec<T> x) { return tanh<T>(x); });
    case Function::log: return over_array(in, out, n, [](Vec<T> x) { return log<T>(x); });
    case Function::log1p: return over_array(in, out, n, [](Vec<T> x) { return log1p<T>(x); });
    default: return over_array(in, out, n, [](Vec<T> x) { return logistic<T>(x); });
  }
}

// Null where products are of pairs: these are made of whole products alone.
template <class T> constexpr decltype(Table<T>::lane_steps) lane_steps_or_none() {
  if constexpr (in_pairs<T>) return nullptr;
  else return lane_steps<T>;
}
template <class T> constexpr decltype(Table<T>::bend) bend_or_none() {
  if constexpr (in_pairs<T>) return nullptr;
  else return bend<T>;
}

template <class T>
constexpr Table<T> table = {lanes<T>,   panel<T>,           narrow_columns<T>, in_pairs<T>, step<T>,
                            settle_all<T>, outputs<T>,      pair_some<T>, pack<T>,     unpack<T>,
                            finite<T>,  apply<T>,           multiply_adds<T>,
                            lane_steps_or_none<T>(), bend_or_none<T>()};

// No code runs to make these: it would run where a processor does not have the set.
extern const Table<double> f64;
#if SCHUSS_DOUBLE
const Table<double> f64 = table<double>;
#else
constexpr Table<float> f32 = table<float>;
extern const InstructionSet instruction_set;
#if SCHUSS_PAIRS
const InstructionSet instruction_set = {SCHUSS_NAME, fused, true, &f32, nullptr, philox_words};
#else
const InstructionSet instruction_set = {SCHUSS_NAME, fused, false, &f32, &f64, philox_words};
#endif
#endif

}  // namespace SCHUSS_ISA
}  // namespace schuss

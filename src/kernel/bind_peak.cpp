// The door to the loop of multiply-adds: on so many threads at once, for so many seconds.
#include <chrono>
#include <vector>

#include "bind.hpp"
#include "crew.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// What one thread does from now on until the time is up, and once at least: it may have been kept waiting.
template <class T> double operations_until(const Table<T> &table, Clock::time_point end) {
  double operations = 0;
  T sum = 0;
  do operations += table.multiply_adds(2000, T(0.5), T(0.5), &sum);
  while (Clock::now() < end);
  volatile T kept = sum;  // or a compiler that sees into the loop could leave it out
  (void)kept;
  return operations;
}

template <class T> double peak_of(const Table<T> &table, int threads, double seconds) {
  std::vector<double> operations(static_cast<size_t>(threads));
  const auto began = Clock::now();
  const auto end = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  KeptCrew::run(threads, [&](int thread) { operations[size_t(thread)] = operations_until(table, end); });
  double total = 0;
  for (double each : operations) total += each;
  return total / std::chrono::duration<double>(Clock::now() - began).count();
}

double peak_in(const std::string &set, int itemsize, int threads, double seconds) {
  require(itemsize == 4 || itemsize == 8, "itemsize must be 4 or 8");
  require(threads >= 1 && threads <= 1024, "the number of threads must lie in [1, 1024]");
  require(seconds > 0 && seconds <= 60, "seconds must lie in (0, 60]");
  const InstructionSet &isa = set_named(set);
  nb::gil_scoped_release free;
  return itemsize == 4 ? peak_of(*isa.f32, threads, seconds) : peak_of(*isa.f64, threads, seconds);
}

}  // namespace

void bind_peak(nb::module_ &m) {
  m.def("peak", &peak_in, nb::arg("isa"), nb::arg("itemsize"), nb::arg("threads"), nb::arg("seconds"));
}

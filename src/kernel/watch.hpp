// The clock of a call: when to ask its caller whether to go on, and how long steps take.
#pragma once
#include <time.h>

#include <chrono>
#include <functional>

#include "kernel.hpp"

namespace schuss {

using Clock = std::chrono::steady_clock;
using Poll = std::function<bool(long steps, double loss)>;  // true stops, before the next update

constexpr double flops_per_look = 5e6;    // between two looks at the clock: some 50 µs
constexpr auto poll_interval = std::chrono::milliseconds(10);
// Seconds; longer updates are summed apart, so that they can be given up. In a huge workspace their sums would take
// more room than the moment is worth.
constexpr double long_update = 0.015, long_huge_update = 0.03;

// Asks the caller now and then whether to go on; cheap enough to be asked at every product.
class Watch {
 public:
  explicit Watch(const Poll &poll, double longest = long_update)
      : longest_(longest), poll_(poll), last_(Clock::now()) {}
  void at(long steps, double loss) { steps_ = steps, loss_ = loss; }
  template <class T> void listen_in(Work<T> &work) {
    work.poll = [](void *self, double flops) { return static_cast<Watch *>(self)->due(flops); };
    work.poll_data = this;
  }

  // To be asked how long an update will take in this step, whose last rows are such a part of all.
  template <class T> void judge_in(Work<T> &work, double part) {
    began_ = Clock::now();
    part_ = part;
    work.is_long = [](void *self) { return static_cast<Watch *>(self)->is_long(); };
  }

  double longest() const { return longest_; }  // seconds of an update that cannot be given up

 private:
  // Products of the way forth and back, which a step begins with, take up to twice as long as those of the update.
  bool is_long() const {
    return std::chrono::duration<double>(Clock::now() - began_).count() * part_ > longest_;
  }
  bool due(double flops) {
    since_ += flops;
    if (since_ < flops_per_look) return false;
    since_ = 0;
    const auto now = Clock::now();
    if (now - last_ < poll_interval) return false;
    last_ = now;
    return poll_(steps_, loss_);
  }

  const double longest_;
  const Poll &poll_;
  double since_ = 0, loss_ = 0;
  long steps_ = 0;
  double part_ = 0;
  Clock::time_point last_, began_;
};

// Seconds for which this thread has had a processor.
inline double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

// Seconds since the last lap.
class Stopwatch {
 public:
  double lap() {
    const auto before = last_;
    last_ = Clock::now();
    return std::chrono::duration<double>(last_ - before).count();
  }

 private:
  Clock::time_point last_ = Clock::now();
};

// How long a step takes, judged by the second half of a stretch: threads may have been waited for in the first.
class StepClock {
 public:
  explicit StepClock(long steps) : half_(steps / 2) {}
  void made() {
    if (++made_ == half_) watch_.lap();
  }
  double each() { return watch_.lap() / double(made_ > half_ ? made_ - half_ : made_ > 0 ? made_ : 1); }

 private:
  Stopwatch watch_;
  long half_, made_ = 0;
};

}  // namespace schuss

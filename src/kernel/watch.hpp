// The clock of a call: when to ask its caller whether to go on, and how long steps take.
#pragma once
#include <time.h>

#include <chrono>
#include <functional>
#include <thread>

#include "kernel.hpp"

namespace schuss {

using Clock = std::chrono::steady_clock;
using Poll = std::function<bool(long steps, double loss)>;  // true stops, before the next update

constexpr double flops_per_look = 5e6;    // between two looks at the clock: some 50 µs
constexpr auto poll_interval = std::chrono::milliseconds(10);
// Seconds; longer updates are summed apart, so that they can be given up. In a huge workspace those of the first layer
// would take more room than the moment is worth.
constexpr double long_update = 0.015, long_huge_update = 0.03;

// Asks the caller now and then whether to go on; cheap enough to be asked at every product.
class Watch {
 public:
  // An update is such a share of a step.
  explicit Watch(const Poll &poll, double longest = long_update, double share = 0)
      : longest_(longest), share_(share), poll_(poll), last_(Clock::now()) {}
  void at(long steps, double loss) { steps_ = steps, loss_ = loss; }
  template <class T> void listen_in(Work<T> &work) {
    work.poll = [](void *self, double flops) { return static_cast<Watch *>(self)->due(flops); };
    work.poll_data = this;
  }

  // A moment in which others work; a longer one after many.
  void wait(long moments) {
    if (moments < 1000) std::this_thread::yield();
    else std::this_thread::sleep_for(std::chrono::microseconds(50));
    due(flops_per_look);
  }

  // To be asked for Work::apart_from after the way forth and back of this step, whose last rows are such a part of all.
  template <class T> void judge_in(Work<T> &work, double part) {
    began_ = Clock::now();
    part_ = part;
    work.judge = [](void *self, const Work<T> &of) {
      const auto *watch = static_cast<Watch *>(self);
      const double passes = std::chrono::duration<double>(Clock::now() - watch->began_).count();
      return watch->apart_from(of, passes / (1 - watch->share_), watch->part_);
    };
  }

  // From which layer on sums are made apart, where a step takes so many seconds. What cannot be given up are then the
  // updates of the layers before, and one pass over the others' weights.
  template <class T> int apart_from(const Work<T> &work, double step, double part) const {
    const double seconds = step * part * share_;
    if (seconds <= longest_) return work.depth;
    const auto weights = [&](int l) { return double(work.layers[l].n_in) * work.layers[l].n_out; };
    double all = 0;
    for (int l = 0; l < work.depth; l++) all += weights(l);
    int from = 0;
    for (double left = longest_; from < work.depth && (left -= seconds * weights(from) / all) >= 0;) from++;
    return from;
  }

 private:
  bool due(double flops) {
    since_ += flops;
    if (since_ < flops_per_look) return false;
    since_ = 0;
    const auto now = Clock::now();
    if (now - last_ < poll_interval) return false;
    last_ = now;
    return poll_(steps_, loss_);
  }

  const double longest_, share_;
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

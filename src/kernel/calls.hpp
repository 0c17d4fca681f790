// What calls that last share: their threads, how many of them are under way, and when they ask whether to go on.
#pragma once
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "advance.hpp"

namespace schuss {

// Run body(thread) on `threads` threads, this one included.
template <class F> void in_team(int threads, F body) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; t++) others.emplace_back(body, t);
  body(0);
  for (std::thread &other : others) other.join();
}

// Calls under way, from whichever threads: those that come together share the processors.
inline std::atomic<int> calls_under_way{0};

class CallUnderWay {
 public:
  CallUnderWay() { calls_under_way++; }
  ~CallUnderWay() { calls_under_way--; }
};

// Asks the caller now and then whether to go on; cheap enough to be asked at every product.
class Watch {
 public:
  explicit Watch(const Poll &poll) : poll_(poll), last_(Clock::now()) {}
  void at(long steps, double loss) { steps_ = steps, loss_ = loss; }
  template <class T> void listen_in(Work<T> &work) {
    work.poll = [](void *self, double flops) { return static_cast<Watch *>(self)->due(flops); };
    work.poll_data = this;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double flops_per_look = 5e6;  // between two looks at the clock: some 50 µs
  static constexpr auto poll_interval = std::chrono::milliseconds(10);

  bool due(double flops) {
    since_ += flops;
    if (since_ < flops_per_look) return false;
    since_ = 0;
    const auto now = Clock::now();
    if (now - last_ < poll_interval) return false;
    last_ = now;
    return poll_(steps_, loss_);
  }

  const Poll &poll_;
  double since_ = 0, loss_ = 0;
  long steps_ = 0;
  Clock::time_point last_;
};

}  // namespace schuss

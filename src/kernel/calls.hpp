// What calls that last share: their threads, and how many of them are under way.
#pragma once
#include <atomic>
#include <thread>
#include <vector>

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

}  // namespace schuss

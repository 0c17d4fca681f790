// How many calls are under way.
#pragma once
#include <atomic>

namespace schuss {

// Calls under way, from whichever threads: those that come together share the processors.
inline std::atomic<int> calls_under_way{0};

class CallUnderWay {
 public:
  CallUnderWay() { calls_under_way++; }
  ~CallUnderWay() { calls_under_way--; }
};

}  // namespace schuss

// How many calls are under way.
#pragma once
#include <pthread.h>

#include <algorithm>
#include <atomic>

namespace schuss {

// Calls under way, from whichever threads: those that come together share the processors. A process that was forked
// has none of the threads of its parent.
inline std::atomic<int> calls_under_way{0};
inline const int forgotten_by_children = pthread_atfork(nullptr, nullptr, [] { calls_under_way = 0; });

class CallUnderWay {
 public:
  CallUnderWay() { calls_under_way++; }
  ~CallUnderWay() {  // one that a child has forgotten is not counted twice
    int count = calls_under_way;
    while (count > 0 && !calls_under_way.compare_exchange_weak(count, count - 1)) {
    }
  }
};

// Of so many threads, those that one call may have beside the others.
inline int threads_left(int most) { return std::max(1, most / std::max(1, calls_under_way.load())); }

}  // namespace schuss

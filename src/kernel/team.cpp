// The barrier at which the threads of one call meet.
#include <sched.h>

#include "watch.hpp"

namespace schuss {

// Turns of the loop that waits: a few microseconds, which no clock is asked about, and as long as a partner may take
// that is running; one that is not is given way to.
static constexpr int short_wait = 200, long_wait = 4000;

static inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool meet(Team &team) {
  if (team.threads == 1) return team.cancel != 0;
  const unsigned generation = __atomic_load_n(&team.generation, __ATOMIC_RELAXED);
  if (__atomic_fetch_add(&team.arrived, 1, __ATOMIC_ACQ_REL) == team.threads - 1) {
    const int cancel = __atomic_load_n(&team.cancel, __ATOMIC_RELAXED);
    __atomic_store_n(&team.arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&team.generation, ((generation | 1) + 1) | unsigned(cancel != 0), __ATOMIC_RELEASE);
    return cancel != 0;
  }
  unsigned next = generation;
  int spins = 0;
  Clock::time_point begin;
  for (; (next = __atomic_load_n(&team.generation, __ATOMIC_ACQUIRE)) == generation; spins++) {
    if (spins == short_wait) begin = Clock::now();
    if (spins < long_wait) pause_briefly();
    else sched_yield();
  }
  if (spins > short_wait) {
    const auto waited = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin);
    __atomic_fetch_add(&team.waited, long(waited.count()), __ATOMIC_RELAXED);
  }
  return (next & 1) != 0;
}

}  // namespace schuss

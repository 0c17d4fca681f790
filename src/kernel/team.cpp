// The barrier at which the threads of one call meet.
#include <sched.h>

#include "kernel.hpp"

namespace schuss {

static inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool meet(Team &team) {
  if (team.threads == 1) return team.cancel != 0;
  const int generation = __atomic_load_n(&team.generation, __ATOMIC_RELAXED);
  if (__atomic_fetch_add(&team.arrived, 1, __ATOMIC_ACQ_REL) == team.threads - 1) {
    const int cancel = __atomic_load_n(&team.cancel, __ATOMIC_RELAXED);
    __atomic_store_n(&team.arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&team.generation, ((generation | 1) + 1) | cancel, __ATOMIC_RELEASE);
    return cancel != 0;
  }
  // Long enough for a partner that is running, short enough to give way to one that is not.
  int next = generation;
  for (int spins = 0; (next = __atomic_load_n(&team.generation, __ATOMIC_ACQUIRE)) == generation; spins++)
    if (spins < 4000) pause_briefly();
    else sched_yield();
  return (next & 1) != 0;
}

}  // namespace schuss

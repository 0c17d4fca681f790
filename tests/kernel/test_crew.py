"""The threads of a call (src/kernel/crew.hpp) where the system gives no more of them, and where it forks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from programs import compiled, told_by, told_by_python
from tasks import TASKS

# A job for three threads that meet, of which the system starts so many: 1 if it was done, else 0.
DRIVER = """
#include <dlfcn.h>
#include <cerrno>
#include <cstdio>
#include "team.cpp"
#include "crew.hpp"
static int left;
extern "C" int pthread_create(pthread_t *made, const pthread_attr_t *how, void *(*what)(void *), void *with) {
  using Create = int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (left-- == 0) return EAGAIN;
  return reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"))(made, how, what, with);
}
int main() {
  while (std::scanf("%d", &left) == 1) {
    schuss::Team team;
    team.threads = 3;
    int done = 0;
    try {
      schuss::Crew().run(3, [&](int thread) {
        schuss::meet(team);
        if (thread == 0) done = 1;
      });
    } catch (const std::system_error &) {
    }
    std::printf("%d\\n", done);
    std::fflush(stdout);
  }
}
"""

FORKED = """
    import os, threading, warnings

    import numpy as np

    from schuss import Momentum, Network, Plan
    from schuss.engine.native import NativeEngine
    from schuss.method.samples import Samples

    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads, which is what is tested
    network = Network([200, 300, 150, 20], "tanh", "cross_entropy")
    plan = Plan(Momentum(1e-4), epochs=10**6, batch_size=128)
    X = np.random.default_rng(0).standard_normal((512, 200), np.float32)
    samples, first = Samples.check(network, X, np.arange(512) % 20), plan.start(network.initial(0, "float32"))
    engine, begun, over = NativeEngine(2), threading.Event(), threading.Event()

    def wait(step, loss):
        begun.set()
        return over.is_set()

    def count(step, loss):
        print(len(os.listdir("/proc/self/task")), flush=True)
        return True

    training = network, first, samples, plan, 10**6
    other = threading.Thread(target=engine.advance, args=training, kwargs={"poll": wait})
    other.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        NativeEngine(2).advance(*training, poll=count)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    over.set()
    other.join()
    assert status == 0
"""

# Two trainings in a sweep, a thread each, that need some 50 MB of room where 30 are left.
WITHOUT_MEMORY = """
    import resource

    import numpy as np

    from schuss import Momentum, Network, Plan
    from schuss.engine.native import NativeEngine
    from schuss.method.plans import Plans
    from schuss.method.samples import Samples
    from schuss.method.state import States

    def sweep(*layers):
        network = Network(layers, "tanh", output="identity")
        plan, source = Plan(Momentum(1e-3), batch_size=256, epochs=1), np.random.default_rng(0)
        X, t = source.standard_normal((256, 10), np.float32), source.normal(size=256)
        samples = Samples.check(network, X, t)
        plans, start = Plans.of([plan, plan.replace(seed=1)]), plan.start(network.initial(0, "float32"))
        states = States(np.stack([start.theta] * 2), np.stack([start.memory] * 2))
        made = engine.advance_many(network, states, samples, plans, 1, layout="alone")
        return made.states[0].digest()

    engine = NativeEngine(2)
    sweep(10, 4, 1)  # threads are there now
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + 30 * 2**20, limits[1]))
    try:
        sweep(10, 20_000, 1)
    except MemoryError:
        print("refused")
    resource.setrlimit(resource.RLIMIT_AS, limits)
    print(sweep(10, 20_000, 1) == sweep(10, 20_000, 1))
"""


@pytest.mark.skipif(not TASKS.exists(), reason="the program speaks as Linux does")
def test_a_thread_that_cannot_be_started(tmp_path: Path) -> None:
    """The call fails, and those that were started wait for nobody."""
    program = compiled(DRIVER, tmp_path)
    assert told_by(program, "2 1 0 5") == [[1], [0], [0], [1]]


@pytest.mark.skipif(not TASKS.exists(), reason="counts threads as Linux lists them")
def test_a_child_does_not_count_the_calls_of_its_parent() -> None:
    """Forked while another thread trains, it has all threads that it is allowed."""
    assert told_by_python(FORKED) == ["2"]


@pytest.mark.skipif(not TASKS.exists(), reason="memory is limited as Linux does it")
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="it would end the process")
def test_a_sweep_without_memory() -> None:
    """Whichever thread it is that has none, the call fails and the next one works."""
    assert told_by_python(WITHOUT_MEMORY, MALLOC_ARENA_MAX="1") == ["refused", "True"]

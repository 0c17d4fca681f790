"""Two trainings at once in two Python threads: the GIL is free, and neither disturbs the other."""

import threading
import time

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import make_engine
from runs import draw_run, one_call
from schuss.engine.native import NativeEngine
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from tasks import TASKS, tasks, ticks

NETWORK = Network([40, 60, 5], "tanh", "cross_entropy")


def job(seed: int):
    plan = Plan(Momentum(0.01, 0.9), epochs=1000, batch_size=32, seed=seed)
    return plan, *draw_run(NETWORK, plan, 300, seed)


def test_the_same_bits_as_alone(isa):
    """Two different runs, started together on one shared engine, end in the bits of each run alone."""
    engine, jobs, found = make_engine(f"native-{isa}", 2), [job(1), job(2)], {}
    together = threading.Barrier(2)

    def train(seed: int) -> None:
        plan, samples, start = jobs[seed]
        together.wait()
        found[seed] = one_call(engine, NETWORK, start, samples, plan, 3000)

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, (plan, samples, start) in enumerate(jobs):
        assert_same_bits(found[seed].state, one_call(engine, NETWORK, start, samples, plan, 3000).state)
    assert found[0].state.digest() != found[1].state.digest()


@pytest.mark.parametrize("what", ["advance", "gradient", "outputs", "predictor"])
def test_python_goes_on_meanwhile(isa, what):
    """While the kernel works in one thread, Python code runs in another: the GIL is free."""
    engine = make_engine(f"native-{isa}")
    network = Network([300, 400, 10])
    plan = Plan(batch_size=None)
    samples, start = draw_run(network, plan, 10_000, dtype="float32")
    predict = engine.predictor(network, start.theta)
    calls = {
        "advance": lambda: engine.advance(network, start, samples, plan, 2),
        "gradient": lambda: engine.gradient(network, start.theta, samples, plan.objective),
        "outputs": lambda: [engine.outputs(network, start.theta, samples.X) for _ in range(4)],
        "predictor": lambda: [predict(samples.X) for _ in range(4)],
    }
    working = threading.Thread(target=calls[what])
    ticks = 0
    working.start()
    while working.is_alive():
        time.sleep(0.001)
        ticks += 1
    # holding the GIL through a call of some 50 ms or more, Python would tick once or twice
    assert ticks >= 5


def test_a_run_away_from_the_main_thread_cannot_be_interrupted_by_accident(isa):
    """In another thread than the main one the kernel leaves signals alone and runs to its end."""
    plan, samples, start = job(3)
    engine, found = make_engine(f"native-{isa}"), []
    thread = threading.Thread(
        target=lambda: found.append(one_call(engine, NETWORK, start, samples, plan, 3000))
    )
    thread.start()
    thread.join()
    assert np.isfinite(found[0].losses).all()


@pytest.mark.skipif(not TASKS.exists(), reason="counts threads as Linux lists them")
def test_calls_at_once_share_the_processors(isa):
    """A call that begins while another runs takes its share of the threads allowed; alone it takes all."""
    network, plan = (
        Network([200, 300, 150, 20], "tanh"),
        Plan(Momentum(1e-4, 0.9), epochs=10**6, batch_size=128),
    )
    samples, start = draw_run(network, plan, 300, dtype="float32")
    engine, begun, end, seen = make_engine(f"native-{isa}", 2), threading.Event(), threading.Event(), []

    def first_poll(_step: int, _loss: float) -> bool:
        begun.set()
        return end.is_set()

    def count(_step: int, _loss: float) -> bool:
        seen.append(tasks())
        return True

    there = tasks()  # some of which, of earlier tests, may be about to go
    engine.advance(network, start, samples, plan, 10**6, poll=count)
    other = threading.Thread(
        target=engine.advance, args=(network, start, samples, plan, 10**6), kwargs={"poll": first_poll}
    )
    other.start()
    begun.wait()
    engine.advance(network, start, samples, plan, 10**6, poll=count)
    end.set()
    other.join()
    # one thread more for the kernel's second; then Python's other one with the kernel's second, and no third
    alone, beside = (len(each - there) for each in seen)
    assert alone == 1
    assert beside <= 2


@pytest.mark.skipif(not TASKS.exists(), reason="counts threads as Linux lists them")
def test_a_call_that_began_alone_gives_a_processor_up(isa):
    """Of two calls, each allowed two threads, one each is at work: at once, not when two turn out slower."""
    network, plan = Network([512, 512, 10], "tanh"), Plan(Momentum(1e-4, 0.9), epochs=10**6, batch_size=128)
    samples, start = draw_run(network, plan, 300, dtype="float32")
    engine, begun, end, at_work = make_engine(f"native-{isa}", 2), threading.Event(), threading.Event(), []
    before: dict[str, int] = {}

    def first_poll(_step: int, _loss: float) -> bool:
        begun.set()
        return end.is_set()

    def look(_step: int, _loss: float) -> bool:
        now = ticks()
        used = [now[each] - before.get(each, 0) for each in now]
        if max(used) >= 30:  # 0.3 s: hundredths would not tell
            at_work.append(sum(each > max(used) / 4 for each in used))
        return bool(at_work)

    other = threading.Thread(
        target=engine.advance, args=(network, start, samples, plan, 10**6), kwargs={"poll": first_poll}
    )
    other.start()
    begun.wait()
    time.sleep(0.3)  # on two threads by then
    before |= ticks()
    engine.advance(network, start, samples, plan, 10**6, poll=look)
    end.set()
    other.join()
    assert at_work == [2]


@pytest.mark.parametrize(
    ("told", "expected"), [("1", 1), ("100", None), ("0", None), ("two", None), ("", None)]
)
def test_joblibs_word_on_threads_is_heard(monkeypatch, told, expected):
    """OMP_NUM_THREADS, which joblib sets in its workers, lowers the usual number and never raises it."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    most = NativeEngine().info.threads
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert NativeEngine().info.threads == (expected or most)
    assert NativeEngine(3).info.threads == 3

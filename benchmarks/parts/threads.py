"""More than one thread: never slower than one, and no collapse beside others.

``sizes``: each size with the engine's own choice of threads against one thread. ``together``: two trainings
from two Python threads at once, against one alone. ``blas``: a training beside a thread that multiplies
matrices all the time, against the same alone. ``joblib``: trainings by two of joblib's workers, against one
after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import Clock
from benchmarks.lines import Line
from schuss import Momentum, Network, train

PART = "threads"
Size = tuple[tuple[int, ...], int]  # layers, batch
STEPS_SECONDS = 0.1
LONG_SECONDS = 0.7  # new threads share a processor for some ten milliseconds, which is not throughput
NEVER_SLOWER = 0.95  # as fast as with one thread, but for noise
# Layers, batch: the benchmark's, and others about where a second thread begins to pay
SIZES = (
    ((4, 10, 3), 16),
    ((30, 64, 32, 2), 32),
    ((64, 128, 10), 32),
    ((64, 128, 10), 512),
    ((128, 256, 10), 64),
    ((256, 256, 256, 10), 128),
    ((784, 128, 10), 32),
    ((784, 256, 128, 10), 128),
    ((512, 512, 10), 64),
    ((1024, 1024, 1024, 10), 256),
    ((256, 512, 512, 256, 1), 1024),
)
SMALL, LARGE = SIZES[2], SIZES[-2]
# Beside BLAS, whose threads take half of both cores: a training on one thread has the other half of one, and
# one on two waits at its meetings for whichever of them has lost its core just then.
TIMES_SLOWER = {SMALL: 2.2, LARGE: 4.0}
WORKERS, TASKS_EACH = 2, 3  # of joblib


def training(size: Size, threads: int | None = None, lasts: float = STEPS_SECONDS) -> partial[None]:
    """Return a training of that size that takes about so many seconds alone."""
    run = partial(trained, size, threads=threads)
    run(1)
    epochs = max(1, round(lasts / min(seconds(partial(run, 1)) for _ in range(3))))
    return partial(run, epochs)


@cache
def samples(size: Size, seed: int) -> tuple[Network, NDArray[Any], NDArray[Any]]:
    """Return a network of that size, and what it is trained on."""
    layers, batch = size
    network = Network(layers, "relu", "cross_entropy" if layers[-1] > 1 else "squared_error")
    rows = max(2 * batch, min(4096, 64 * batch))
    source = np.random.default_rng(seed)
    X = source.standard_normal((rows, layers[0]), np.float32)
    y = np.arange(rows) % layers[-1] if layers[-1] > 1 else source.standard_normal(rows)
    return network, X, y


def trained(size: Size, epochs: int, threads: int | None = None, seed: int = 0) -> None:
    """Train a network of that size on samples drawn with a seed."""
    network, X, y = samples(size, seed)
    train(network, X, y, rule=Momentum(0.001, 0.9), epochs=epochs, batch_size=size[1], threads=threads)


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    with Clock() as clock:
        action()
    return clock.seconds


def name_of(size: Size) -> str:
    """Return layers and batch."""
    return f"{'-'.join(map(str, size[0]))}, {size[1]}"


def at_once(*actions: Callable[[], object]) -> None:
    """Run actions on threads of their own until all have ended."""
    others = [threading.Thread(target=action) for action in actions]
    for other in others:
        other.start()
    for other in others:
        other.join()


def sizes(runs: int) -> Iterator[Line]:
    """Compare the engine's choice with one thread."""
    for size in SIZES:
        one = training(size, 1)
        any_number = partial(trained, *one.args)  # as many epochs
        any_number()
        times = np.array([[seconds(one), seconds(any_number)] for _ in range(runs)])
        ratio = float(np.median(times[:, 0] / times[:, 1]))
        alone, chosen = np.median(times, axis=0) * 1e3
        note = f"one thread {alone:.1f} ms"
        yield Line(PART, "sizes", name_of(size), float(chosen), "ms", ratio, NEVER_SLOWER, note=note)


def together(runs: int) -> Iterator[Line]:
    """Compare the throughput of two trainings at once with that of one alone."""
    for size, target in ((SMALL, 1.9), (LARGE, NEVER_SLOWER)):
        one = training(size, lasts=LONG_SECONDS)
        other = partial(trained, *one.args, seed=1)
        times = np.array([[seconds(one), seconds(partial(at_once, one, other))] for _ in range(runs)])
        ratio = float(np.median(2 * times[:, 0] / times[:, 1]))
        both = float(np.median(times[:, 1])) * 1e3
        yield Line(PART, "together", name_of(size), both, "ms", ratio, target, note="throughput of one alone")


def blas(runs: int) -> Iterator[Line]:
    """Compare the time beside matrix products with that alone."""
    for size in (SMALL, LARGE):
        action = training(size)
        times = np.array([[seconds(action), seconds_beside_blas(action)] for _ in range(runs)])
        alone, beside = np.median(times, axis=0) * 1e3
        ratio, target = float(np.median(times[:, 1] / times[:, 0])), TIMES_SLOWER[size]
        note = f"alone {alone:.1f} ms"
        yield Line(PART, "blas", name_of(size), float(beside), "ms", ratio, target, at_most=True, note=note)


def seconds_beside_blas(action: Callable[[], object]) -> float:
    """Return how long an action takes while a thread keeps BLAS busy."""
    ends, begun = threading.Event(), threading.Event()
    other = threading.Thread(target=multiply_until, args=(ends, begun))
    other.start()
    begun.wait()
    try:
        return seconds(action)
    finally:
        ends.set()
        other.join()


def multiply_until(ends: threading.Event, begun: threading.Event) -> None:
    """Keep BLAS busy."""
    A = np.ones((1024, 1024), np.float32)
    out = np.empty_like(A)
    while not ends.is_set():
        np.matmul(A, A, out=out)
        begun.set()


def joblib(runs: int) -> Iterator[Line]:
    """Compare trainings by joblib's workers, processes and threads, with the same one after the other."""
    from joblib import Parallel, delayed

    for size in (SMALL, LARGE):
        one = training(size, lasts=LONG_SECONDS / TASKS_EACH)
        tasks = [delayed(trained)(*one.args)] * WORKERS * TASKS_EACH
        for backend in ("loky", "threading"):
            with Parallel(WORKERS, backend=backend) as workers:
                several, in_turn = partial(workers, tasks), partial(Parallel(1), tasks)
                several()  # processes begin and import
                times = np.array([[seconds(in_turn), seconds(several)] for _ in range(min(3, runs))])
            ratio, shown = float(np.median(times[:, 0] / times[:, 1])), float(np.median(times[:, 1])) * 1e3
            who = f"{name_of(size)}: {'processes' if backend == 'loky' else backend}"
            note = "throughput of one after the other"
            yield Line(PART, "joblib", who, shown, "ms", ratio, NEVER_SLOWER, note=note)


CASES = {"sizes": sizes, "together": together, "blas": blas, "joblib": joblib}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

"""More than one thread: never slower than one, and no collapse beside others.

``sizes``: each size with the engine's own choice of threads against one thread. ``together``: two trainings
from two Python threads at once, against one alone. ``blas``: a training beside a thread that multiplies
matrices all the time, against the same alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.clock import Clock
from benchmarks.lines import Line
from schuss import Momentum, Network, train

PART = "threads"
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
TIMES_SLOWER = {SMALL: 2.2, LARGE: 4.0}  # beside BLAS: its threads and ours share the cores, and no more


def training(
    size: tuple[tuple[int, ...], int], threads: int | None = None, lasts: float = STEPS_SECONDS
) -> Callable[[], None]:
    """Return a training of that size that takes about so many seconds alone."""
    layers, batch = size
    network = Network(layers, "relu", "cross_entropy" if layers[-1] > 1 else "squared_error")
    rows = max(2 * batch, min(4096, 64 * batch))
    source = np.random.default_rng(0)
    X = source.standard_normal((rows, layers[0]), np.float32)
    y = np.arange(rows) % layers[-1] if layers[-1] > 1 else source.standard_normal(rows)

    def run(epochs: int) -> None:
        train(network, X, y, rule=Momentum(0.001, 0.9), epochs=epochs, batch_size=batch, threads=threads)

    run(1)
    epochs = max(1, round(lasts / min(seconds(partial(run, 1)) for _ in range(3))))
    return partial(run, epochs)


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    with Clock() as clock:
        action()
    return clock.seconds


def name_of(size: tuple[tuple[int, ...], int]) -> str:
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
        any_number = partial(training(size).func, one.args[0])  # as many epochs
        times = np.array([[seconds(one), seconds(any_number)] for _ in range(runs)])
        ratio = float(np.median(times[:, 0] / times[:, 1]))
        alone, chosen = np.median(times, axis=0) * 1e3
        note = f"one thread {alone:.1f} ms"
        yield Line(PART, "sizes", name_of(size), float(chosen), "ms", ratio, NEVER_SLOWER, note=note)


def together(runs: int) -> Iterator[Line]:
    """Compare the throughput of two trainings at once with that of one alone."""
    for size, target in ((SMALL, 1.9), (LARGE, NEVER_SLOWER)):
        one, other = training(size, lasts=LONG_SECONDS), training(size)
        other = partial(other.func, one.args[0])
        times = np.array([[seconds(one), seconds(partial(at_once, one, other))] for _ in range(runs)])
        ratio = float(np.median(2 * times[:, 0] / times[:, 1]))
        both = float(np.median(times[:, 1])) * 1e3
        yield Line(PART, "together", name_of(size), both, "ms", ratio, target, note="throughput of one alone")


def blas(runs: int) -> Iterator[Line]:
    """Compare the time beside matrix products with that alone."""
    for size in (SMALL, LARGE):
        action = training(size)
        alone = float(np.median([seconds(action) for _ in range(runs)]))
        ends, A = threading.Event(), np.ones((1024, 1024), np.float32)
        other = threading.Thread(target=multiply_until, args=(ends, A))
        other.start()
        try:
            beside = float(np.median([seconds(action) for _ in range(runs)]))
        finally:
            ends.set()
            other.join()
        note = f"alone {alone * 1e3:.1f} ms"
        target = TIMES_SLOWER[size]
        yield Line(
            PART, "blas", name_of(size), beside * 1e3, "ms", beside / alone, target, at_most=True, note=note
        )


def multiply_until(ends: threading.Event, A: np.ndarray) -> None:
    """Keep BLAS busy."""
    out = np.empty_like(A)
    while not ends.is_set():
        np.matmul(A, A, out=out)


CASES = {"sizes": sizes, "together": together, "blas": blas}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

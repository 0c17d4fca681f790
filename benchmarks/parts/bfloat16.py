"""Products of bfloat16 against those of float32: how much faster, and how far the loss is from theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.lines import Line
from benchmarks.parts.threads import name_of, seconds
from schuss import Momentum, Network, Run, train
from schuss.engine.native import bfloat16_set

PART = "bfloat16"
WANTED = 2.0
WIDE = (
    ((784, 256, 128, 10), 128),
    ((1024, 1024, 1024, 10), 256),
    ((256, 512, 512, 256, 1), 1024),
)
SECONDS = 0.5  # of a training in float32


def training(size: tuple[tuple[int, ...], int], threads: int) -> Callable[[str, int], Run]:
    """Return a training by an engine for so many epochs."""
    layers, batch = size
    regression = layers[-1] == 1
    network = Network(
        layers, "tanh" if regression else "relu", "squared_error" if regression else "cross_entropy"
    )
    source = np.random.default_rng(0)
    X = source.standard_normal((8 * batch, layers[0]), np.float32)
    y = (
        np.tanh(X[:, 0])
        if regression
        else (X[:, :10] @ source.standard_normal((10, 10), np.float32)).argmax(1)
    )

    def run(engine: str, epochs: int) -> Run:
        how = {"epochs": epochs, "batch_size": batch, "threads": threads}
        return train(network, X, y, rule=Momentum(0.005, 0.9), engine=engine, **how)

    return run


def compare(size: tuple[tuple[int, ...], int], runs: int) -> Iterator[Line]:
    """Train with each engine in turn, on one thread and on two."""
    for threads in (1, 2):
        train_by = training(size, threads)
        train_by("bfloat16", 1)
        epochs = max(1, round(SECONDS / seconds(partial(train_by, "native", 1))))
        both = ("native", "bfloat16")
        times = np.array(
            [[seconds(partial(train_by, engine, epochs)) for engine in both] for _ in range(runs)]
        )
        full, paired = (train_by(engine, epochs) for engine in both)
        ratio, step = float(np.median(times[:, 0] / times[:, 1])), np.median(times[:, 1]) / paired.state.step
        note = f"{threads} threads; loss {paired.loss[-1]:.4g}, in float32 {full.loss[-1]:.4g}"
        yield Line(PART, "wide", name_of(size), step * 1e3, "ms/step", ratio, WANTED, note=note)


def wide(runs: int) -> Iterator[Line]:
    """Compare on the wide networks, where the processor has such products."""
    if not bfloat16_set():
        yield Line(PART, "wide", "all", None, "", note="this processor has no products of bfloat16")
        return
    for size in WIDE:
        yield from compare(size, runs)


CASES = {"wide": wide}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

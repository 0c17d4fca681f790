"""schuss: the whole call of `train`, orders drawn and data checked each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("train",)
threads_wanted: int | None = None


def setup(threads: int | None) -> None:
    """Note the threads; None lets the engine decide."""
    global threads_wanted  # noqa: PLW0603  # as every other library keeps it
    threads_wanted = threads or None


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:  # noqa: ARG001  # one signature
    """Return a function that trains."""
    from schuss import Momentum, Network, train

    if task.regression:
        network = Network(task.layers, "tanh", "squared_error", output="identity")
    else:
        network = Network(task.layers, "relu", "cross_entropy")
    rule, theta = Momentum(task.rate, task.momentum), network.initial(0, task.X.dtype)

    def run(epochs: int) -> list[NDArray[Any]]:
        made = train(
            network,
            task.X,
            task.T,
            rule=rule,
            epochs=epochs,
            batch_size=task.batch,
            theta=theta,
            threads=threads_wanted,
        )
        return [array for pair in zip(made.weights, made.biases, strict=True) for array in pair]

    return run

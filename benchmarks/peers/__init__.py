"""The libraries that are compared, one file each. None of them but `schuss` imports schuss.

Each file offers

    VARIANTS: tuple[str, ...]                 ways to do it; a short trial finds the best
    setup(threads) -> None                    called once, before the library is first used
    prepare(task, variant) -> train           everything that is not counted, but for compilation
    train(epochs) -> [w0, b0, w1, b1, …]      from the first weights to the last, all of it counted

and computes in the dtype of ``task.X``: velocity = momentum·velocity − rate·gradient of the batch's mean
loss; weights += velocity.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# name here -> (module to import, package that brings it)
PEERS = {
    "schuss": ("schuss", "schuss"),
    "jax": ("jax", "jax"),
    "torch": ("torch", "torch"),
    "torch_tuned": ("torch", "torch"),
    "sklearn": ("sklearn", "scikit-learn"),
    "numpy": ("numpy", "numpy"),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
}
WITHOUT = {"mlpack": "mlpack's Python package offers no feed-forward network (no FFN binding)"}


@dataclass(frozen=True)
class Task:
    """What a peer is to train; see `benchmarks.cases.write`."""

    X: NDArray[Any]  # (n, n_in)
    T: NDArray[Any]  # (n, n_out), or class indices (n,)
    orders: NDArray[np.int32]  # (epochs, n); epoch e has orders[e % epochs]
    weights: list[NDArray[Any]]  # w0, b0, w1, b1, …
    layers: tuple[int, ...]
    batch: int
    rate: float
    momentum: float
    regression: bool  # tanh, identity, half the squared error; else relu, softmax, cross-entropy

    @property
    def steps(self) -> int:
        """Batches of an epoch; there is no rest."""
        return len(self.X) // self.batch

    @property
    def one_hot(self) -> NDArray[Any]:
        """Targets (n, n_out) of the inputs' dtype."""
        if self.regression:
            return self.T.reshape(len(self.X), -1)
        return np.eye(self.layers[-1], dtype=self.X.dtype)[self.T]

    @property
    def batches(self) -> NDArray[np.int32]:
        """Orders as (epochs, steps, batch)."""
        return self.orders.reshape(len(self.orders), self.steps, self.batch)


def read(path: Path) -> Task:
    """Return the task that a file holds."""
    with np.load(path) as file:
        layers = tuple(int(size) for size in file["layers"])
        weights = [file[f"{kind}{i}"] for i in range(len(layers) - 1) for kind in "wb"]
        return Task(
            file["X"],
            file["T"],
            file["orders"],
            weights,
            layers,
            int(file["batch"]),
            float(file["rate"]),
            float(file["momentum"]),
            bool(file["regression"]),
        )

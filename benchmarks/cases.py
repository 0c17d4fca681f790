"""What is trained: networks, batches, data, first weights and orders, the same for everyone.

A case is written to a folder as files, which peers read without importing schuss. Where one of the small
real sets fits the network it is used; the others are drawn with a seed from a random teacher, with noise,
so that there is something to learn and the loss stays away from zero. Rows are cut to whole batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.preprocessing import scale

from schuss import Momentum, Network, Plan

MOMENTUM = 0.9
NOISE = 0.5  # deviation of the noise, of the teacher's answer


@dataclass(frozen=True)
class Case:
    """One network on one set of samples.

    Attributes
    ----------
    layers : tuple of int
    batch : int or None
        None: all samples.
    epochs : int
        After which losses are compared; the timed runs are as long as they need to be.
    rows : int
        Of drawn data; real sets have their own number.
    rate : float
    dtype : str
    regression : bool
        tanh and squared error instead of relu and softmax cross-entropy.
    targets : dict
        Peer -> how many times faster schuss must be.
    share : (int, float), optional
        Cores, and which share of their peak must be reached.
    peers : tuple of str, optional
        Only these; by default all.
    """

    name: str
    layers: tuple[int, ...]
    batch: int | None
    epochs: int
    rows: int = 0
    rate: float = 0.01
    dtype: str = "float32"
    regression: bool = False
    targets: dict[str, float] = field(default_factory=dict)
    share: tuple[int, float] | None = None
    peers: tuple[str, ...] | None = None

    @property
    def network(self) -> Network:
        """The network as schuss knows it."""
        if self.regression:
            return Network(self.layers, "tanh", "squared_error", output="identity")
        return Network(self.layers, "relu", "cross_entropy")

    def plan(self, epochs: int) -> Plan:
        """Return how schuss trains it."""
        return Plan(rule=Momentum(self.rate, MOMENTUM), epochs=epochs, batch_size=self.batch)


def targets(jax: float, torch: float, sklearn: float) -> dict[str, float]:
    """Return the row of the issue's table."""
    return {"jax": jax, "torch": torch, "sklearn": sklearn}


FEW = ("numpy", "jax")
CASES = (
    Case("4-10-3", (4, 10, 3), 16, 40, targets=targets(10, 300, 150)),
    Case("30-64-32-2", (30, 64, 32, 2), 32, 10, targets=targets(2.2, 30, 20)),
    Case("64-128-10", (64, 128, 10), 32, 5, targets=targets(2, 18, 14)),
    Case("784-128-10", (784, 128, 10), 32, 1, rows=4096, targets=targets(1.8, 5, 6), share=(1, 0.85)),
    Case("784-256-128-10", (784, 256, 128, 10), 128, 2, rows=4096, targets=targets(1.6, 2, 3)),
    Case(
        "1024-1024-1024-10",
        (1024, 1024, 1024, 10),
        256,
        2,
        rows=1024,
        targets=targets(1.2, 1.2, 1.6),
        share=(2, 0.8),
    ),
    Case(
        "256-512-512-256-1",
        (256, 512, 512, 256, 1),
        1024,
        2,
        rows=4096,
        rate=0.003,
        regression=True,
        targets=targets(1.3, 1.3, 1.6),
        share=(2, 0.8),
    ),
    Case("64-128-10/float64", (64, 128, 10), 32, 5, dtype="float64", peers=FEW),
    Case("784-128-10/float64", (784, 128, 10), 32, 1, rows=4096, dtype="float64", peers=FEW),
    Case("4-10-3/online", (4, 10, 3), 1, 3, rate=0.001, peers=FEW),
    Case("64-128-10/online", (64, 128, 10), 1, 1, rate=0.001, peers=FEW),
    Case("64-128-10/full", (64, 128, 10), None, 20, peers=FEW),
)

REAL: dict[int, Callable[..., Any]] = {
    4: datasets.load_iris,
    30: datasets.load_breast_cancer,
    64: datasets.load_digits,
}


def samples(case: Case) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs (n, n_in), and targets (n, n_out) or class indices (n,)."""
    if load := REAL.get(case.layers[0]):
        X, T = load(return_X_y=True)
        mixed = np.random.default_rng(0).permutation(len(X))  # iris comes class by class
        X, T = scale(X)[mixed], T[mixed]
    else:
        X, T = drawn(case.layers[0], case.layers[-1], case.rows)
    n = len(X) // (case.batch or 1) * (case.batch or 1)
    T = T[:n].astype(case.dtype if case.regression else np.int32)
    return np.ascontiguousarray(X[:n], case.dtype), T


def drawn(n_in: int, n_out: int, rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return normal inputs, and a noisy random teacher's answers: numbers where it has one output."""
    source = np.random.default_rng(1)
    X = source.standard_normal((rows, n_in), np.float32)
    answers = np.tanh(X @ source.normal(size=(n_in, 16)) / np.sqrt(n_in)) @ source.normal(size=(16, n_out))
    answers += NOISE * answers.std() * source.normal(size=answers.shape)
    return X, answers if n_out == 1 else answers.argmax(axis=1)


def write(case: Case, folder: Path) -> None:
    """Write a case's samples, first weights and orders (epochs, n) as files for the peers."""
    X, T = samples(case)
    plan = case.plan(case.epochs)
    orders = np.stack([plan.order_of(epoch, len(X)) for epoch in range(case.epochs)])
    theta = case.network.initial(plan.seed, case.dtype)
    arrays = {"X": X, "T": T, "orders": orders}
    for i, layer in enumerate(case.network.views(theta)):
        arrays |= {f"w{i}": layer.w, f"b{i}": layer.b}
    np.savez(
        folder / "task.npz",
        **arrays,
        layers=case.layers,
        batch=plan.batch_of(len(X)),
        rate=case.rate,
        momentum=MOMENTUM,
        regression=case.regression,
    )


def loss_of(case: Case, weights: list[NDArray[Any]]) -> float:
    """Return the mean loss on all samples, in float64, of the weights (w0, b0, w1, b1, …)."""
    from schuss.engine.choice import engine_named
    from schuss.method.backprop import Objective
    from schuss.method.samples import Samples

    network = case.network
    judged = Samples.check(network, *samples(case), np.float64)
    theta = network.pack(weights[::2], weights[1::2])
    return engine_named("reference", None).loss(network, theta, judged, Objective())

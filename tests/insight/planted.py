"""Trainings on real data with one known cause of trouble in them, drawn by a seed. Holds no test.

Each has a twin without the cause. A case counts only if its loss jumps and the twin's does not, by `highest`,
which knows nothing of how the package finds jumps; others are drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sklearn.datasets

from schuss import DivergenceError, Momentum, Network, Plan, train
from schuss.method.orders import Blocks, philox_order
from schuss.method.rules import GradientDescent, Nesterov
from schuss.method.state import State
from schuss.training.replay import Held
from schuss.training.run import Run

__all__ = ["KINDS", "Planted", "planted"]

SETS = {
    "digits": (sklearn.datasets.load_digits, 10),
    "breast-cancer": (sklearn.datasets.load_breast_cancer, 2),
    "wine": (sklearn.datasets.load_wine, 3),
    "iris": (sklearn.datasets.load_iris, 3),
}
HIDDEN = {"digits": (32, 64, 128), "breast-cancer": (16, 32), "wine": (8, 16, 32), "iris": (8, 16)}
BLOCK = {"digits": 40, "breast-cancer": 30, "wine": 14, "iris": 12}
BATCH = {"digits": (16, 32, 64), "breast-cancer": (8, 16, 32), "wine": (8, 16), "iris": (8, 12)}
USUAL_RATE = {
    "digits": (0.02, 0.05),
    "breast-cancer": (0.01, 0.03),
    "wine": (0.01, 0.03),
    "iris": (0.01, 0.05),
}


@dataclass(frozen=True)
class Planted:
    """A run and what is wrong with it: the cause that should be named, and the rows if it is samples.

    `twins` are the runs that lack the cause, or one of two.
    """

    run: Run
    cause: str
    twins: tuple[Run, ...] = ()
    rows: tuple[int, ...] = ()
    words: str = ""


@dataclass
class Draw:
    """A data set, in a drawn order and standardised, and a network for it."""

    rng: np.random.Generator
    names: tuple[str, ...] = tuple(SETS)
    activations: tuple[str, ...] = ("relu", "tanh")

    def __post_init__(self) -> None:
        self.name = str(self.rng.choice(self.names))
        load, self.classes = SETS[self.name]
        X, y = load(return_X_y=True)
        order = self.rng.permutation(len(X))
        X, self.y = X[order], y[order].astype(np.int32)
        self.X = X / 16 if self.name == "digits" else (X - X.mean(axis=0)) / X.std(axis=0)
        self.dtype = str(self.rng.choice(["float32", "float64"]))
        activation = str(self.rng.choice(self.activations))
        layers = [X.shape[1], int(self.rng.choice(HIDDEN[self.name])), self.classes]
        if self.rng.random() < 0.3:
            layers.insert(2, 16)
        self.network = Network(layers, activation, "cross_entropy")
        self.batch = int(self.rng.choice(BATCH[self.name]))
        low, high = USUAL_RATE[self.name]
        self.rate = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        self.seed = int(self.rng.integers(99))

    def train(self, rule: Any, epochs: int, **how: Any) -> Run:
        """Train on the data as they are now."""
        start = how.pop("start", None)
        plan = Plan(rule, epochs, **{"batch_size": self.batch, "seed": self.seed, **how})
        known = {} if start is None else {"theta": start.theta, "memory": start.memory}
        try:
            run = train(self.network, self.X.astype(self.dtype), self.y, plan, threads=1, **known)
        except DivergenceError as error:
            run = error.run
        if start is None:
            return run
        return replace(run, kept=Held(State.of(start.theta, start.memory, 0)))

    def __repr__(self) -> str:
        return f"{self.name} {self.dtype} {self.network} batch {self.batch}"


def highest(run: Run) -> float:
    """Return how far the loss rose at most above the median of the ten steps before."""
    losses, width = run.step_loss, 10
    early = [losses[i] - np.median(losses[:i]) for i in range(1, min(width, len(losses)))]
    if len(losses) <= width:
        return max(early, default=0.0)
    before = np.lib.stride_tricks.sliding_window_view(losses[:-1], width)
    return max(*early, np.fmax.reduce(losses[width:] - np.median(before, axis=1)))


def mislabelled(rng: np.random.Generator) -> Planted:
    """Plant consecutive rows with wrong labels, which come together."""
    d = Draw(rng, ("digits", "breast-cancer", "wine"))
    size, n = BLOCK[d.name], len(d.y)
    order: Any = "sequential" if rng.random() < 0.5 else Blocks(int(rng.choice([size, 2 * size])))
    first = int(rng.integers(n // 4, n - size))
    if order != "sequential":
        first = first // order.size * order.size
    rows = np.arange(first, min(first + size, n))
    rule, epochs = Momentum(d.rate, float(rng.choice([0.5, 0.8, 0.9]))), int(rng.integers(3, 15))
    twin = d.train(rule, epochs, order=order)
    d.y[rows] = (d.y[rows] + rng.integers(1, d.classes, len(rows))) % d.classes
    run = d.train(rule, epochs, order=order)
    return Planted(run, "samples", (twin,), tuple(rows.tolist()), f"{d} {rule} {order}")


def scaled(rng: np.random.Generator) -> Planted:
    """Plant one row whose inputs are some fifty times too large; tanh would bound what it does."""
    d = Draw(rng, activations=("relu",))
    later = philox_order(d.seed, 0, len(d.y))[d.batch :]  # in the first step there is no loss to jump from
    row, by = int(rng.choice(later)), float(rng.choice([30, 50, 100]))
    rule, epochs = Momentum(d.rate, float(rng.choice([0.5, 0.8, 0.9]))), int(rng.integers(3, 15))
    twin = d.train(rule, epochs)
    d.X[row] *= by
    run = d.train(rule, epochs)
    return Planted(run, "samples", (twin,), (row,), f"{d} {rule} row x {by}")


def much_momentum(rng: np.random.Generator) -> Planted:
    """Train with a momentum of 0.99 to 0.999 at a rate that is fine at 0.9; from the start or later."""
    d = Draw(rng)
    full = rng.random() < 0.4
    batch = None if full else d.batch
    kind = Momentum if rng.random() < 0.7 else Nesterov
    momentum = float(rng.choice([0.99, 0.995, 0.998, 0.999]))
    epochs, rate = (400, 3 * d.rate) if full else (int(rng.integers(10, 30)), d.rate)
    start = None
    if rng.random() < 0.5:
        start = d.train(kind(rate, 0.9), max(2, epochs // 8), batch_size=batch).state
    run, twin = (d.train(kind(rate, eta), epochs, batch_size=batch, start=start) for eta in (momentum, 0.9))
    words = f"{d} {kind(rate, momentum)} {'full' if full else ''} {'raised' if start else 'from the start'}"
    return Planted(run, "momentum", (twin,), (), words)


def large_rate(rng: np.random.Generator) -> Planted:
    """Train with a rate many times too large, from the start or raised on the way."""
    d = Draw(rng)
    full, momentum = rng.random() < 0.4, float(rng.choice([0.0, 0.0, 0.5, 0.9]))
    batch, epochs = (None, 100) if full else (d.batch, int(rng.integers(3, 12)))
    kind = Momentum if rng.random() < 0.7 else Nesterov
    usual, large = 0.1 * (1 - momentum), float(np.exp(rng.uniform(np.log(2), np.log(10))))

    def rule(rate: float) -> Any:
        return kind(rate, momentum) if momentum else GradientDescent(rate)

    start = None
    if rng.random() < 0.5:
        start = d.train(rule(usual), max(2, epochs // 4), batch_size=batch).state
    run, twin = (d.train(rule(rate), epochs, batch_size=batch, start=start) for rate in (large, usual))
    words = f"{d} {rule(large)} {'full' if full else ''} {'raised' if start else 'from the start'}"
    return Planted(run, "learning rate", (twin,), (), words)


def nothing(rng: np.random.Generator) -> Planted:
    """Train as one should, with the noise of the batches."""
    d = Draw(rng)
    batch = None if rng.random() < 0.3 else d.batch
    rule = (Momentum, Nesterov)[int(rng.integers(2))](d.rate, float(rng.choice([0.5, 0.8, 0.9])))
    run = d.train(rule, 300 if batch is None else int(rng.integers(10, 40)), batch_size=batch)
    return Planted(run, "no single cause", (), (), f"{d} {rule} {batch}")


def both(rng: np.random.Generator) -> Planted:
    """Train with rate and momentum too large, so that the loss jumps with either of them put right.

    For some 150 steps only, so that both show in the same part of the run.
    """
    d = Draw(rng)
    batch, epochs = (None, 150) if rng.random() < 0.4 else (d.batch, -(-150 * d.batch // len(d.y)))
    large, momentum = float(np.exp(rng.uniform(np.log(1), np.log(5)))), float(rng.choice([0.99, 0.995]))
    run = d.train(Momentum(large, momentum), epochs, batch_size=batch)
    less_rate = d.train(Momentum(d.rate * (3 if batch is None else 1), momentum), epochs, batch_size=batch)
    less_momentum = d.train(Momentum(large, 0.9), epochs, batch_size=batch)
    words = f"{d} {Momentum(large, momentum)} {batch}"
    return Planted(run, "no single cause", (less_rate, less_momentum), (), words)


KINDS: dict[str, Callable[[np.random.Generator], Planted]] = {
    "mislabelled": mislabelled,
    "scaled": scaled,
    "much momentum": much_momentum,
    "large rate": large_rate,
    "nothing": nothing,
    "both": both,
}


def shows(case: Planted, kind: str) -> bool:
    """Whether the loss jumps as it should in the run, and as it should or not in its twins."""
    if kind == "nothing":
        return True
    jump, least = highest(case.run), 0.5 * case.twins[0].step_loss[0]
    if kind == "both":
        return jump > least and all(highest(twin) > least for twin in case.twins)
    return jump > least and highest(case.twins[0]) < 0.3 * jump


def planted(kind: str, seed: int) -> Planted:
    """Return case `seed` of a kind, the first of its draws that shows what was planted."""
    for draw in range(100):
        case = KINDS[kind](np.random.default_rng([list(KINDS).index(kind), seed, draw]))
        if shows(case, kind):
            return case
    raise AssertionError(f"no draw of {kind} {seed} shows its cause")

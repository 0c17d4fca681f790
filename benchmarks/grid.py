"""Trainings over a grid of networks, functions, rules, batches, dtypes and seeds, for comparing bits.

Every activation, loss and rule, networks whose sizes no vector width divides, one that is large enough for
several threads, and one whose updates take so long that gradients are summed apart. All are short; what
matters is that nothing of their arithmetic is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from schuss import Momentum, Network, Plan, State
from schuss.method.functions import ACTIVATIONS, LOSSES, OUTPUT_ONLY
from schuss.method.rules import ELEMENT_WISE, WHOLE_STEPS, Muon, Newton, Rule
from schuss.method.samples import Samples

__all__ = ["HUGE", "LARGE", "SEEDS", "SMALL", "USUAL", "WHOLE", "Training", "grid", "middle"]

SMALL = ((4, 7, 3), (5, 9, 301), (13, 17, 11, 5))  # tiny, wide output, three layers
MIDDLE, LARGE, HUGE = (64, 128, 10), (784, 256, 128, 10), (300, 2100, 3000)
BATCHES = (1, 7, 32, None)
DTYPES = ("float32", "float64")
SEEDS = (0, 1, 2**63)
RATE = 0.002  # low enough that none diverges, an output of exp included
WHOLE = tuple(kind for kind in WHOLE_STEPS if kind not in (Newton, Muon))  # NumPy multiplies for them


class Functions(NamedTuple):
    """What a network computes with."""

    hidden: str
    output: str
    loss: str


def every_function() -> list[Functions]:
    """Return every activation, in hidden layers and at the output, and every loss at least once."""
    hidden = [name for name in ACTIVATIONS if name not in OUTPUT_ONLY]
    found = [Functions(name, name, "squared_error") for name in hidden]
    found += [Functions("tanh", name, "huber") for name in OUTPUT_ONLY]
    return found + [Functions("relu", kind.partner or "identity", name) for name, kind in LOSSES.items()]


FUNCTIONS = every_function()
USUAL = Functions("relu", "softmax", "cross_entropy")


@dataclass(frozen=True, eq=False)
class Training:
    """A run of an engine: what is trained, from where and how far."""

    network: Network
    plan: Plan
    samples: Samples
    start: State
    stop: int

    @classmethod
    def of(
        cls,
        layers: Sequence[int],
        functions: Functions,
        rule: Rule,
        batch: int | None,
        dtype: str,
        seed: int,
        rows: int,
        stop: int,
    ) -> Training:
        """Return a training on drawn data."""
        names = [*[functions.hidden] * (len(layers) - 2), functions.output]
        network, plan = Network(layers, names, functions.loss), Plan(rule, batch_size=batch, seed=seed)
        start = plan.start(network.initial(seed, dtype))
        return cls(network, plan, drawn(network, rows, dtype), start, stop)

    def __str__(self) -> str:
        layers, functions = "-".join(map(str, self.network.layers)), self.network.activations()
        names = ", ".join(each.name for each in functions)
        plan, dtype = self.plan, self.start.theta.dtype
        batch = plan.batch_size or "all"
        return (
            f"{layers} ({names}; {self.network.loss.name}), {plan.rule.name}, batch {batch}, {dtype}, "
            f"seed {plan.seed}"
        )


def drawn(network: Network, rows: int, dtype: str) -> Samples:
    """Draw inputs, and targets that every output can reach: shares, of one where the loss asks for that."""
    source = np.random.default_rng(0)
    X = source.standard_normal((rows, network.layers[0])).astype(dtype)
    T = source.uniform(0.05, 0.95, (rows, network.layers[-1]))
    if network.loss.kind.partner == "softmax":
        T /= T.sum(axis=1, keepdims=True)
    return Samples.check(network, X, T.astype(dtype))


def grid(
    networks: Sequence[Sequence[int]],
    functions: Sequence[Functions] = FUNCTIONS,
    batches: Sequence[int | None] = BATCHES,
    seeds: Sequence[int] = SEEDS[:1],
    *,
    rules: Sequence[type[Any]] = ELEMENT_WISE,
    rows: int = 40,
    stop: int = 13,
) -> Iterator[Training]:
    """Yield all combinations, both dtypes among them; a rule that needs all samples has no other batch."""
    every = product(networks, functions, rules, batches, DTYPES, seeds)
    for layers, names, kind, batch, dtype, seed in every:
        if batch is None or not (kind in WHOLE and kind.full_batch):
            rule = kind(learning_rate=RATE) if "learning_rate" in kind.rates else kind()
            yield Training.of(layers, names, rule, batch, dtype, seed, rows, stop)


def middle(seed: int = 0, dtype: str = "float32") -> Training:
    """Return a mid-sized case: some epochs with momentum."""
    return Training.of(MIDDLE, USUAL, Momentum(RATE, 0.9), 32, dtype, seed, rows=640, stop=100)

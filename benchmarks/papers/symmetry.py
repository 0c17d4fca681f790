"""Two more tasks of the book of 1986: whether a string of bits is symmetric, and whether its ones are odd."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import NEVER, Many, epochs_until, seeded, share
from benchmarks.papers.paper import Paper
from schuss import Init, Momentum, Network, Plan

__all__ = ["SYMMETRY"]

EPOCHS = 6000
NEAR = 0.5
SAME = 0.05  # relative: ratios, and weights that should be opposite
DOUBLED, SECOND = (2.0, 4.0), (1.5, 2.0)  # of the smallest weight: the book's network, and another that works


class Task(NamedTuple):
    """A question about strings of bits, the network that learns it, and the sweeps that were published."""

    network: Network
    plan: Plan
    X: NDArray[np.float64]
    T: NDArray[np.float64]
    published: float

    @classmethod
    def of(cls, bits: int, hidden: int, rate: float, published: float, ask: Callable[[Any], Any]) -> Task:
        """Return the task that `ask` sets: from all strings (2^bits, bits) to an answer for each."""
        X = np.array(list(product((0.0, 1.0), repeat=bits)))
        plan = Plan(Momentum(rate, 0.9), EPOCHS, None, order="sequential", reduction="sum")
        network = Network([bits, hidden, 1], "logistic", init=Init("uniform", 0.3))
        return cls(network, plan, X, ask(X).astype(float)[:, None], published)

    def sweeps(self, trials: int) -> NDArray[np.int64]:
        """Return how many sweeps each training needed."""
        return epochs_until(self.network, self.X, self.T, self.plan, trials, NEAR)

    def line(self, what: str, found: NDArray[np.int64]) -> Claim:
        """Return the median of those that get there beside the training that was published."""
        there = found[found != NEVER]
        ours = float(np.median(there)) if len(there) else math.nan
        accepted = Range(self.published / 2, self.published * 2)
        return Claim(what, self.published, ours, accepted, share(found))


SYMMETRIC = Task.of(6, 2, 0.1, 1425, lambda X: (X[:, ::-1] == X).all(axis=1))
ODD = Task.of(4, 4, 0.5, 2825, lambda X: X.sum(axis=1) % 2)


def mirrored(found: NDArray[np.float64]) -> float:
    """Return the share of units whose weights from both ends are opposite, of weights (n, 6, 2)."""
    sums = np.abs(found + found[:, ::-1]).max(axis=1)
    return float(np.mean(sums < SAME * np.abs(found).max(axis=1)))


def as_ratios(found: NDArray[np.float64], goal: tuple[float, float]) -> int:
    """Return in how many networks the larger weights are `goal` times the smallest, in both units."""
    sizes = np.sort(np.abs(found[:, :3]), axis=1)
    times = sizes[:, 1:] / sizes[:, :1]
    return int((np.abs(times / np.array(goal)[:, None] - 1) < SAME).all(axis=(1, 2)).sum())


def compare(trials: int) -> list[Claim]:
    """Compare sweeps, and the weights that symmetry leads to."""
    found, network = SYMMETRIC.sweeps(trials), SYMMETRIC.network
    many = Many.start(network, SYMMETRIC.X, SYMMETRIC.T, seeded(SYMMETRIC.plan, trials)).to(EPOCHS)
    there = [network.views(theta)[0].w for theta in many.states.theta[found != NEVER]]
    weights = np.array(there).reshape(-1, *network.layers[:2])
    others = f"of {len(weights)} ({as_ratios(weights, SECOND)} as 1 : 1.5 : 2)"
    doubled = float(as_ratios(weights, DOUBLED))
    return [
        SYMMETRIC.line("symmetry, 6-2-1, α = .1, η = .9: median sweeps", found),
        Claim("its hidden units with mirrored weights", "all", mirrored(weights), Range.exactly(1)),
        Claim("its networks with weights as 1 : 2 : 4", 1, doubled, Range(low=1), others),
        ODD.line("parity, 4-4-1, α = .5, η = .9: median sweeps", ODD.sweeps(trials)),
    ]


SYMMETRY = Paper(
    "symmetry",
    "Symmetry and parity",
    "Rumelhart, Hinton and Williams, Parallel Distributed Processing, vol. 1, ch. 8 (1986): a training each.",
    "Logistic units, first weights uniform in ±.3, gradient summed over all strings of bits; counted are the "
    f"sweeps until every output is within .5 of its target, at most {EPOCHS:,}: the median of those that get "
    "there, within a factor of two of the training that was published.",
    30,
    compare,
)

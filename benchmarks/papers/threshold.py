"""The largest rate at which batches of one sample stay stable: found by training on both sides of it.

A single weight, E = ½·x²·w²: each sample has a curvature h = x² of its own, ½ or 1½ times the mean and as
often, so there is no noise but in the curvature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import Many
from benchmarks.papers.paper import Paper
from schuss import Momentum, Network, Plan
from schuss.method.plans import Plans

__all__ = ["THRESHOLD", "largest_rate"]

SPREAD = 0.75  # curvatures 1 ± SPREAD
SAMPLES = 1024
SHARES = np.linspace(0.85, 1.15, 5)  # of the closed form, at which is trained
FROM, TO = 20, 40  # steps between which the mean square grows or falls; later ones hang on few networks
NEAR = 0.1
ONE_WEIGHT = Network([1, 1], "identity", biases=False)


def largest_rate(mean: float, variance: float, momentum: float) -> float:
    """Return the α at which s²·α·(1+η) = h·(1−η)·(2(1+η) − α·h), h and s² mean and variance of curvature."""
    kept = 1.0 - momentum
    return 2.0 * mean * kept * (1.0 + momentum) / (variance * (1.0 + momentum) + mean**2 * kept)


def growth(rates: NDArray[np.float64], momentum: float, trials: int) -> NDArray[np.float64]:
    """Return by how much the logarithm of the mean of w² over the trials grows at each rate."""
    X = np.sqrt(np.repeat([1.0 - SPREAD, 1.0 + SPREAD], SAMPLES // 2))[:, None]
    columns = {"learning_rate": rates.tolist(), "seed": range(trials)}
    plans = Plans.grid(Plan(Momentum(1.0, momentum), 1, 1), columns)
    many = Many.start(ONE_WEIGHT, X, np.zeros_like(X), plans, np.ones((len(plans), 1))).to(FROM)
    before, after = (_mean_squares(each, len(rates)) for each in (many, many.to(TO)))
    return np.log(after / before)


def _mean_squares(many: Many, rates: int) -> NDArray[np.float64]:
    return np.asarray((many.states.theta.reshape(rates, -1) ** 2).mean(axis=1))


def compare(trials: int) -> list[Claim]:
    """Compare the rate at which the mean square neither grows nor falls with the closed form."""
    lines = []
    for momentum in (0.0, 0.5, 0.9):
        formula = largest_rate(1.0, SPREAD**2, momentum)
        found = growth(SHARES * formula, momentum, trials)
        share = float(np.interp(0.0, found, SHARES))
        accepted = Range.around(formula, NEAR * formula)
        full = f"(full batches: {2 + 2 * momentum:g})"
        lines.append(Claim(f"η = {momentum:g}: largest stable α", formula, share * formula, accepted, full))
    return lines


THRESHOLD = Paper(
    "threshold",
    "The largest stable rate of small batches, against the closed form",
    "s²α(1+η) = h(1−η)(2(1+η)−αh), derived from second moments. Where α·h is small, and where curvature "
    "hardly varies, it is what Andreyev and others state, arXiv:2604.14108.",
    f"One weight, curvatures {1 - SPREAD:g} and {1 + SPREAD:g}, h = 1, s² = {SPREAD**2:g}, batches of one "
    f"sample. The mean of w² over all seeds grows or falls from step {FROM} to {TO}; between rates on a "
    f"straight line. Within {NEAR:.0%} counts as reproduced.",
    4000,
    compare,
    "closed form",
)

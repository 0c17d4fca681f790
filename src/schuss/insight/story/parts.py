"""The change of one step in three parts: what the memory did, what the fresh gradient did, what decayed.

From the recorded states alone, by each rule's own formula; g is the gradient as the rule got it.

    gradient descent   fresh −α·g
    momentum           memory η·v                      fresh −α·g
    Nesterov           memory η²·v                     fresh −(1+η)·α·g
    Adam               memory −α_t·β₁·m / (√s + ε)     fresh −α_t·(1−β₁)·g / (√s + ε)

Rounding is counted to the decay, which is nothing without weight decay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.story.steps import Step
from schuss.method.rules import Rule

__all__ = ["MEMORY_RATE", "Parts", "largest_stable_rate", "measure_of", "parts_of"]

Numbers = NDArray[np.float64]

MEMORY_RATE = {"momentum": "momentum", "nesterov": "momentum", "adam": "beta_1"}
"""The rate by which each rule that has a memory keeps it."""


class Parts(NamedTuple):
    """Parts of a change, shape (n_parameters,) each.

    ``memory`` is ``through * past`` element by element, where ``past`` is the first row of the memory
    before the step.
    """

    change: Numbers
    memory: Numbers
    fresh: Numbers
    through: Numbers | float


def parts_of(rule: Rule, step: Step) -> Parts:
    """Return the parts of what `step` changed under `rule`."""
    change = step.change
    if not len(step.before.memory):
        decayed = (step.keep - 1.0) * step.before.theta if step.keep != 1.0 else 0.0
        return Parts(change, np.zeros_like(change), change - decayed, 0.0)
    before, after = (state.memory.astype(np.float64) for state in (step.before, step.after))
    through, factor, kept = _FACTORS[rule.name](after, step.rates)
    return Parts(change, through * before[0], factor * (after[0] - kept * before[0]), through)


Factors = tuple[Numbers | float, Numbers | float, float]


def measure_of(rule: Rule, step: Step) -> Numbers | float:
    """Return by what the rule divides each element of a gradient: √s + ε for Adam, else 1."""
    if rule.name != "adam":
        return 1.0
    return np.sqrt(step.after.memory[1].astype(np.float64)) + step.rates[3]


def largest_stable_rate(rule: Rule, rates: list[float], curvature: float) -> float:
    """Return the learning rate above which a rule overshoots ever further on a parabola of this curvature.

    2/λ; momentum 2·(1+η)/λ; Nesterov 2·(1+η)/((1+2η)·λ); Adam, whose mean has the new gradient times 1−β₁,
    2·(1+β₁)/((1−β₁)·λ), λ measured in its own scale. Infinite where the curvature is not above 0.
    """
    if not curvature > 0:
        return np.inf
    kept = rates[1] if rule.name in MEMORY_RATE else 0.0
    wider = {"nesterov": 1.0 / (1.0 + 2.0 * kept), "adam": 1.0 / (1.0 - kept)}.get(rule.name, 1.0)
    return 2.0 * (1.0 + kept) * wider / curvature


def _momentum(_: Numbers, rates: list[float]) -> Factors:
    """Return what the old memory, and what is new in it, are multiplied by; and how much of it is kept."""
    return rates[1], 1.0, rates[1]


def _nesterov(_: Numbers, rates: list[float]) -> Factors:
    return rates[1] ** 2, 1.0 + rates[1], rates[1]


def _adam(after: Numbers, rates: list[float]) -> Factors:
    rate, beta_1, _, epsilon = rates
    each = -rate / (np.sqrt(after[1]) + epsilon)
    return each * beta_1, each, beta_1


_FACTORS: dict[str, Callable[[Numbers, list[float]], Factors]] = {
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adam": _adam,
}

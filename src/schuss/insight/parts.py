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

from schuss.insight.steps import Step
from schuss.method.rules import Rule

__all__ = ["MEMORY_RATE", "Parts", "parts_of"]

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

"""What the resilient rules share: a step size per weight, which grows while the slope keeps its sign.

    Δ ← min(Δ⁺·Δ, largest)    where g(n)·s(n−1) > 0
    Δ ← max(Δ⁻·Δ, smallest)   where g(n)·s(n−1) < 0

s is the slope that is remembered. How long the gradient is never counts. Holds no rule itself.
Source: Riedmiller & Braun, IEEE International Conference on Neural Networks 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.rules.rule import AnyRule, Expansion, Seen, check_rates, without_memory
from schuss.method.schedules import Rate, Values

__all__ = ["Resilient", "check_resilient", "moved_by_sign", "resized", "start_of"]


class Resilient(AnyRule, Protocol):
    """What its rules have."""

    @property
    def increase(self) -> Rate:
        """Δ⁺, what a step size is multiplied by while the slope keeps its sign."""
        ...

    @property
    def decrease(self) -> Rate:
        """Δ⁻, what it is multiplied by when the slope has changed its sign."""
        ...

    @property
    def first_step(self) -> float:
        """Every weight's step size at first."""
        ...

    @property
    def smallest(self) -> float:
        """No step size is smaller."""
        ...

    @property
    def largest(self) -> float:
        """No step size is larger."""
        ...


def check_resilient(rule: Resilient) -> None:
    """Turn a new rule's settings into floats within their limits, or raise SettingError."""
    check_rates(rule)
    smallest = check_number("smallest", rule.smallest, low=0.0, open_low=True)
    largest = check_number("largest", rule.largest, low=smallest)
    first = check_number("first_step", rule.first_step, low=smallest, high=largest)
    for name, value in (("smallest", smallest), ("largest", largest), ("first_step", first)):
        object.__setattr__(rule, name, value)


def start_of(rule: Resilient, theta: Array) -> Array:
    """Return the first memory, shape (3, n): no change, the first step size, no slope."""
    sizes = np.full_like(theta, rule.first_step)
    return np.stack([np.zeros_like(theta), sizes, np.zeros_like(theta)])


def resized(rule: Resilient, memory: Array, gradient: Array, rates: Sequence[float]) -> tuple[Array, Array]:
    """Return the new step sizes, and where the slope has changed its sign, shape (n,) each."""
    increase, decrease = rates
    _, sizes, slope = memory
    agreement = np.sign(gradient) * np.sign(slope)  # the product itself might underflow
    larger = np.minimum(increase * sizes, rule.largest)
    smaller = np.maximum(decrease * sizes, rule.smallest)
    kept = np.where(agreement > 0, larger, np.where(agreement < 0, smaller, sizes))
    return kept.astype(sizes.dtype, copy=False), agreement < 0


def moved_by_sign(rates: Values, seen: Seen | None) -> Expansion:
    """Return the expansion of steps −Δ·sign(s): now = −Δ/|s| where s, the slope that was followed, is not 0.

    What a step did besides, taking back the change before, is `other`.
    """
    if seen is None:
        return without_memory(np.zeros(len(rates)))
    change, sizes, slope = seen.after[:, :3].astype(np.float64).T
    followed = slope != 0
    now = -np.divide(sizes, np.abs(slope), out=np.zeros_like(sizes), where=followed)
    return without_memory(now)._replace(other=np.where(followed, 0.0, change))

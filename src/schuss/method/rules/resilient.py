"""What the resilient rules share: a step size per weight, which grows while the slope keeps its sign.

    Δ ← min(Δ⁺·Δ, largest)    where g(n)·s(n−1) > 0
    Δ ← max(Δ⁻·Δ, smallest)   where g(n)·s(n−1) < 0

s is the slope that is remembered. How long the gradient is never counts. Holds no rule itself.
Source: Riedmiller & Braun, IEEE International Conference on Neural Networks 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, WholeStep, check_rates, rates_at, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Resilient", "resized"]


@dataclass(frozen=True)
class Resilient(WholeStep):
    """The settings that its rules have, and where they begin.

    Parameters
    ----------
    increase, decrease : float or schedule, default 1.2 and 0.5
        Δ⁺ > 1 and Δ⁻ in (0, 1).
    first_step : float, default 0.1
        Every weight's step size at first.
    smallest, largest : float, default 1e-6 and 50
        Step sizes stay within these.
    """

    increase: Rate = 1.2
    decrease: Rate = 0.5
    first_step: float = 0.1
    smallest: float = 1e-6
    largest: float = 50.0

    rates: ClassVar[tuple[str, ...]] = ("increase", "decrease")
    memory: ClassVar[tuple[str, ...]] = ("change", "step_size", "slope")
    as_given: ClassVar[bool] = True
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_rates(self)
        smallest = check_number("smallest", self.smallest, low=0.0, open_low=True)
        largest = check_number("largest", self.largest, low=smallest)
        first = check_number("first_step", self.first_step, low=smallest, high=largest)
        for name, value in (("smallest", smallest), ("largest", largest), ("first_step", first)):
            object.__setattr__(self, name, value)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 2)."""
        return rates_at(self, steps, span)

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (3, n): no change, the first step size, no slope."""
        sizes = np.full_like(theta, self.first_step)
        return np.stack([np.zeros_like(theta), sizes, np.zeros_like(theta)])

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return now = −Δ/|s| of each step, and what it took back; see `Rule.expansion`."""
        return moved_by_sign(rates, seen)


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

"""Momentum, the rule of the house: the learning rate stands inside the velocity.

    Δw(n) = α·δ_j·y_k + η·Δw(n−1)

With the gradient g = −δ_j·y_k (summed over the batch) and the velocity v = Δw this is

    v ← η·v − α·g
    θ ← θ + v

Unrolled, v is the sum of all past gradient terms, each faded by η per step.
Source: Rumelhart, Hinton & Williams (1986), where the two letters are swapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Momentum"]


@dataclass(frozen=True)
class Momentum:
    """v ← η·v − α·g;  theta ← theta + v.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    momentum : float or schedule, default 0.9
        η in [0, 1]; 0 is gradient descent.
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    name: ClassVar[str] = "momentum"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum")
    numbers: ClassVar[tuple[str, ...]] = ("α", "η")
    memory: ClassVar[tuple[str, ...]] = ("velocity",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "v ← η·v − α·g;  θ ← θ + v"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "momentum"
    in_steps: ClassVar[str] = "Δw(n) = −α·g(n) + η·Δw(n−1)"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new velocity."""
        learning_rate, momentum = rates
        velocity = momentum * memory - learning_rate * gradient
        return theta + velocity[0], velocity

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = η, take = −α, and 1 of the new v, of each step; see `Rule.expansion`."""
        learning_rate, momentum = rounded(rates.T, dtype)
        return one_row(momentum, -learning_rate, np.ones(len(rates)), np.zeros(len(rates)))

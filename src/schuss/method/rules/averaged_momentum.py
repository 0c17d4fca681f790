"""Momentum as a moving average: the memory is a mean of the gradients, and the rate stands outside.

    m ← β·m + (1−β)·g
    θ ← θ − α·m

With a constant rate it is `Momentum` with the learning rate α·(1−β) and η = β; β may then be raised
without a larger step on a steady slope.
Source: Torii & Hagan (2002) on its stability; the buffer of QHM and of Muon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["AveragedMomentum"]


@dataclass(frozen=True)
class AveragedMomentum:
    """m ← β·m + (1−β)·g;  theta ← theta − α·m.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.1
        α > 0.
    beta : float or schedule, default 0.9
        β in [0, 1).
    """

    learning_rate: Rate = 0.1
    beta: Rate = 0.9

    name: ClassVar[str] = "averaged_momentum"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta")
    numbers: ClassVar[tuple[str, ...]] = ("α", "β")
    memory: ClassVar[tuple[str, ...]] = ("mean",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "m ← β·m + (1−β)·g;  θ ← θ − α·m"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "beta"
    in_steps: ClassVar[str] = "m(n) = (1−β)·g(n) + β·m(n−1);  Δw(n) = −α·m(n)"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new mean."""
        learning_rate, beta = rates
        mean = beta * memory + (1.0 - beta) * gradient
        return theta - learning_rate * mean[0], mean

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = β, take = 1−β, and −α of the new m, of each step; see `Rule.expansion`."""
        learning_rate, beta = rounded(rates.T, dtype)
        return one_row(beta, rounded(1.0 - rates[:, 1], dtype), -learning_rate, np.zeros(len(rates)))

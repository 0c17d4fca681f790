"""Lion: every weight moves by the learning rate itself; the memory and the gradient say only whither.

    θ ← θ − α·sign(β₁·m + (1−β₁)·g)
    m ← β₂·m + (1−β₂)·g

A weight without any gradient, now or remembered, stays. The rate should be three to ten times smaller than
Adam's. Weight decay, which the rule was published with, is `Plan.weight_decay`.
Source: Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Lion"]


@dataclass(frozen=True)
class Lion:
    """theta ← theta − α·sign(β₁·m + (1−β₁)·g);  m ← β₂·m + (1−β₂)·g.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.0001
        α > 0.
    beta_1, beta_2 : float or schedule, default 0.9 and 0.99
        β₁, β₂ in [0, 1).
    """

    learning_rate: Rate = 0.0001
    beta_1: Rate = 0.9
    beta_2: Rate = 0.99

    name: ClassVar[str] = "lion"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta_1", "beta_2")
    numbers: ClassVar[tuple[str, ...]] = ("α", "β₁", "β₂")
    memory: ClassVar[tuple[str, ...]] = ("mean",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "θ ← θ − α·sign(β₁·m + (1−β₁)·g);  m ← β₂·m + (1−β₂)·g"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = "beta_2"
    in_steps: ClassVar[str] = "m(n) = (1−β₂)·g(n) + β₂·m(n−1);  Δw(n) = −α·sign(β₁·m(n−1) + (1−β₁)·g(n))"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new mean."""
        learning_rate, beta_1, beta_2 = rates
        towards = beta_1 * memory[0] + (1.0 - beta_1) * gradient
        mean = beta_2 * memory + (1.0 - beta_2) * gradient
        return theta - learning_rate * np.sign(towards), mean

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return keep = β₂, take = 1−β₂, use = −α·β₁, now = −α·(1−β₁); see `Rule.expansion`.

        The measure is |β₁·m + (1−β₁)·g|: sign(c) is c/|c|. Where it is zero nothing moved.
        """
        learning_rate, beta_1, beta_2 = rounded(rates.T, dtype)
        rest_1, rest_2 = rounded(1.0 - rates[:, 1:].T, dtype)
        measure = np.ones(len(rates))
        if seen is not None:
            before, g = seen.before[:, 0], seen.gradient
            if g is None:
                g = (seen.after[:, 0] - beta_2 * before) / rest_2
            size = np.abs(beta_1.astype(before.dtype) * before + rest_1.astype(before.dtype) * g)
            measure = np.where(size == 0, np.inf, size.astype(np.float64))
        use, now = -learning_rate * beta_1, -learning_rate * rest_1
        return Expansion(beta_2[:, None, None], rest_2[:, None], use[:, None], now, measure)

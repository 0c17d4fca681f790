"""Aggregated momentum: three velocities that forget at different speeds, and the mean of them as the step.

    v_i ← β_i·v_i + g,    i = 1, 2, 3
    θ ← θ − α·(v₁ + v₂ + v₃)/3

The fast ones damp what the slow one would set swinging, so that it may remember for long.
Source: Lucas, Sun, Zemel & Grosse, Aggregated momentum: stability through passive damping, ICLR 2019;
their β_i = 1 − 0.1^(i−1), and the rate outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["AggMo"]


@dataclass(frozen=True)
class AggMo:
    """v_i ← β_i·v_i + g;  theta ← theta − α·(v₁ + v₂ + v₃)/3.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.1
        α > 0.
    beta_1, beta_2, beta_3 : float or schedule, default 0, 0.9 and 0.99
        β_i in [0, 1).
    """

    learning_rate: Rate = 0.1
    beta_1: Rate = 0.0
    beta_2: Rate = 0.9
    beta_3: Rate = 0.99

    name: ClassVar[str] = "aggmo"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta_1", "beta_2", "beta_3")
    numbers: ClassVar[tuple[str, ...]] = ("α", "β₁", "β₂", "β₃")
    memory: ClassVar[tuple[str, ...]] = ("velocity_1", "velocity_2", "velocity_3")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "v_i ← β_i·v_i + g;  θ ← θ − α·(v₁ + v₂ + v₃)/3"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "beta_3"
    in_steps: ClassVar[str] = (
        "v₁(n) = g(n) + β₁·v₁(n−1);  v₂(n) = g(n) + β₂·v₂(n−1);  v₃(n) = g(n) + β₃·v₃(n−1);  "
        "Δw(n) = −α·(v₁(n) + v₂(n) + v₃(n))/3"
    )

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (3, n) that holds the new velocities."""
        learning_rate, *betas = rates
        velocities = np.stack([beta * row + gradient for beta, row in zip(betas, memory, strict=True)])
        mean = (velocities[0] + velocities[1] + velocities[2]) * (1.0 / 3.0)
        return theta - learning_rate * mean, velocities

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = β_i, take = 1, use = −α·β_i/3 of each velocity, now = −α; see `Rule.expansion`."""
        learning_rate, *betas = rounded(rates.T, dtype)
        third = -learning_rate * float(np.dtype(dtype).type(1.0 / 3.0))
        keep = np.stack(betas, axis=1)
        use = third[:, None] * keep
        return Expansion(
            keep[:, :, None] * np.eye(3), np.ones_like(keep), use, 3.0 * third, np.ones(len(rates))
        )

"""Adam: a step along the mean of the gradients, measured in the root of the mean of their squares.

    m ← β₁·m + (1−β₁)·g
    s ← β₂·s + (1−β₂)·g²
    θ ← θ − α_t·m / (√s + ε),    α_t = α·√(1−β₂^t)/(1−β₁^t),    t = 1 at the first update

The means start at zero; the factor in α_t corrects for that. With `Plan.weight_decay` it is AdamW.
Source: Kingma & Ba, ICLR 2015, in the order of computation of its section 2; ε is their ε-hat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.powers import power, powers
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rates_at_one, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Adam"]


@dataclass(frozen=True)
class Adam:
    """m ← β₁·m + (1−β₁)·g;  s ← β₂·s + (1−β₂)·g²;  theta ← theta − α_t·m/(√s + ε).

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        α > 0.
    beta_1, beta_2 : float or schedule, default 0.9 and 0.999
        β₁, β₂ in [0, 1).
    epsilon : float or schedule, default 1e-8
        ε ≥ 2⁻¹²⁶, the least float32 of full precision: less could be 0 there, and 0/0 a change.
    age : int, default 0
        Updates that the memory has seen before this training.
    """

    learning_rate: Rate = 0.001
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Rate = 1e-8
    age: int = 0

    name: ClassVar[str] = "adam"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta_1", "beta_2", "epsilon")
    numbers: ClassVar[tuple[str, ...]] = ("α_n", "β₁", "β₂", "ε")
    memory: ClassVar[tuple[str, ...]] = ("mean", "mean_square")
    as_given: ClassVar[bool] = False
    formula: ClassVar[str] = "m ← β₁·m + (1−β₁)·g;  s ← β₂·s + (1−β₂)·g²;  θ ← θ − α_t·m/(√s + ε)"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = "beta_1"
    in_steps: ClassVar[str] = (
        "m(n) = (1−β₁)·g(n) + β₁·m(n−1);  s(n) = (1−β₂)·g(n)² + β₂·s(n−1);  "
        "α_n = α·√(1−β₂^u)/(1−β₁^u);  Δw(n) = −α_n·m(n)/(√s(n) + ε)"
    )

    def __post_init__(self) -> None:
        check_rates(self)
        object.__setattr__(self, "age", check_integer("age", self.age, low=0))

    def at(self, steps: Steps, span: Span) -> Values:
        """Return α_t, β₁, β₂, ε at each of `steps`, shape (steps, 4)."""
        if len(steps) == 1:
            first, beta_1, beta_2, epsilon = rates_at_one(self, steps, span)
            t = int(steps[0]) + self.age + 1
            first *= math.sqrt(1.0 - power(beta_2, t)) / (1.0 - power(beta_1, t))
            return np.array([[first, beta_1, beta_2, epsilon]])
        return self._at_many(steps, span)

    def _at_many(self, steps: Steps, span: Span) -> Values:
        rates = rates_at(self, steps, span)
        t = steps + (self.age + 1)
        beta_1 = self.beta_1 if isinstance(self.beta_1, float) else rates[:, 1]
        beta_2 = self.beta_2 if isinstance(self.beta_2, float) else rates[:, 2]
        rates[:, 0] *= np.sqrt(1.0 - powers(beta_2, t)) / (1.0 - powers(beta_1, t))
        return rates

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (2, n) that holds the new means."""
        learning_rate, beta_1, beta_2, epsilon = rates
        mean = beta_1 * memory[0] + (1.0 - beta_1) * gradient
        mean_square = beta_2 * memory[1] + (1.0 - beta_2) * (gradient * gradient)
        return theta - learning_rate * mean / (np.sqrt(mean_square) + epsilon), np.stack([mean, mean_square])

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return keep = β₁, take = 1−β₁, and −α_t of the new m, measured by √s+ε; see `Rule.expansion`.

        So a change is a sum of past gradients here too; only its numbers differ from weight to weight.
        """
        learning_rate, beta_1, _, epsilon = rounded(rates.T, dtype)
        rest = rounded(1.0 - rates[:, 1], dtype)
        measure = None if seen is None else np.sqrt(seen.after[:, 1].astype(np.float64)) + epsilon
        return one_row(beta_1, rest, -learning_rate, np.zeros(len(rates)), measure)

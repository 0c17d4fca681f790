"""Adam: a step along the mean of the gradients, measured in the root of the mean of their squares.

    m ← β₁·m + (1−β₁)·g
    s ← β₂·s + (1−β₂)·g²
    θ ← θ − α_t·m / (√s + ε),    α_t = α·√(1−β₂^t)/(1−β₁^t),    t = 1 at the first update

The means start at zero; the factor in α_t corrects for that.
Source: Kingma & Ba, ICLR 2015, in the order of computation of its section 2; ε is their ε-hat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.rules.rule import check_rates, rates_at
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
        ε > 0.
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
    memory: ClassVar[tuple[str, ...]] = ("mean", "mean_square")
    formula: ClassVar[str] = "m ← β₁·m + (1−β₁)·g;  s ← β₂·s + (1−β₂)·g²;  θ ← θ − α_t·m/(√s + ε)"

    def __post_init__(self) -> None:
        check_rates(self)
        object.__setattr__(self, "age", check_integer("age", self.age, low=0))

    def at(self, steps: Steps, span: Span) -> Values:
        """Return α_t, β₁, β₂, ε at each of `steps`, shape (steps, 4)."""
        rates = rates_at(self, steps, span)
        t = steps + self.age + 1
        rates[:, 0] *= np.sqrt(1.0 - _power(rates[:, 2], t)) / (1.0 - _power(rates[:, 1], t))
        return rates

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (2, n) that holds the new means."""
        learning_rate, beta_1, beta_2, epsilon = rates
        mean = beta_1 * memory[0] + (1.0 - beta_1) * gradient
        mean_square = beta_2 * memory[1] + (1.0 - beta_2) * (gradient * gradient)
        return theta - learning_rate * mean / (np.sqrt(mean_square) + epsilon), np.stack([mean, mean_square])


def _power(base: Values, exponents: Steps) -> Values:
    """Return base^exponent by squaring: in products alone, which every processor rounds alike."""
    power, square, left = np.ones_like(base), base.copy(), exponents.copy()
    while left.any():
        power = np.where(left & 1, power * square, power)
        square, left = square * square, left >> 1
    return power

"""RMSprop: a step against the gradient, measured in the root of the mean of its squares.

    s ← β·s + (1−β)·g²
    θ ← θ − α·g / (√s + ε)

The mean starts at zero and nothing corrects for that, so the first step is the longest: α/√(1−β) for
each weight. Without the optional momentum of PyTorch.
Source: Tieleman & Hinton, lecture 6.5 of Neural networks for machine learning (2012); PyTorch's form,
where ε is added to the root, and its defaults (β is its alpha).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["RMSprop"]


@dataclass(frozen=True)
class RMSprop:
    """s ← β·s + (1−β)·g²;  theta ← theta − α·g/(√s + ε).

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    beta : float or schedule, default 0.99
        β in [0, 1).
    epsilon : float or schedule, default 1e-8
        ε ≥ 2⁻¹²⁶, the least float32 of full precision: less could be 0 there, and 0/0 a change.
    """

    learning_rate: Rate = 0.01
    beta: Rate = 0.99
    epsilon: Rate = 1e-8

    name: ClassVar[str] = "rmsprop"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta", "epsilon")
    numbers: ClassVar[tuple[str, ...]] = ("α", "β", "ε")
    memory: ClassVar[tuple[str, ...]] = ("mean_square",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "s ← β·s + (1−β)·g²;  θ ← θ − α·g/(√s + ε)"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    in_steps: ClassVar[str] = "s(n) = (1−β)·g(n)² + β·s(n−1);  Δw(n) = −α·g(n)/(√s(n) + ε)"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new mean of squares."""
        learning_rate, beta, epsilon = rates
        mean_square = beta * memory + (1.0 - beta) * (gradient * gradient)
        return theta - learning_rate * gradient / (np.sqrt(mean_square[0]) + epsilon), mean_square

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return now = −α of each step, measured by √s+ε; see `Rule.expansion`."""
        learning_rate, _, epsilon = rounded(rates.T, dtype)
        measure = None if seen is None else np.sqrt(seen.after[:, 0].astype(np.float64)) + epsilon
        return without_memory(-learning_rate, measure)

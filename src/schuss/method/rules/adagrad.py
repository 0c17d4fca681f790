"""Adagrad: a step against the gradient, measured in the root of the sum of all its squares so far.

    s ← s + g²
    θ ← θ − α·g / (√s + ε)

So the steps of a weight shorten as one over the root of the steps that moved it; a rare input keeps a long
one. The sum never forgets.
Source: Duchi, Hazan & Singer, JMLR 12, 2011; PyTorch's form and defaults. Its lr_decay is a schedule here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Adagrad"]


@dataclass(frozen=True)
class Adagrad:
    """s ← s + g²;  theta ← theta − α·g/(√s + ε).

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    epsilon : float or schedule, default 1e-10
        ε ≥ 2⁻¹²⁶, the least float32 of full precision: less could be 0 there, and 0/0 a change.
    """

    learning_rate: Rate = 0.01
    epsilon: Rate = 1e-10

    name: ClassVar[str] = "adagrad"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "epsilon")
    numbers: ClassVar[tuple[str, ...]] = ("α", "ε")
    memory: ClassVar[tuple[str, ...]] = ("sum_of_squares",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "s ← s + g²;  θ ← θ − α·g/(√s + ε)"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    in_steps: ClassVar[str] = "s(n) = g(n)² + s(n−1);  Δw(n) = −α·g(n)/(√s(n) + ε)"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new sum of squares."""
        learning_rate, epsilon = rates
        squares = memory + gradient * gradient
        return theta - learning_rate * gradient / (np.sqrt(squares[0]) + epsilon), squares

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return now = −α of each step, measured by √s+ε; see `Rule.expansion`."""
        learning_rate, epsilon = rounded(rates.T, dtype)
        measure = None if seen is None else np.sqrt(seen.after[:, 0].astype(np.float64)) + epsilon
        return without_memory(-learning_rate, measure)

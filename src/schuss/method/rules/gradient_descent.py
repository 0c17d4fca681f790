"""Gradient descent: a step against the gradient, with no memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["GradientDescent"]


@dataclass(frozen=True)
class GradientDescent:
    """theta ← theta − α·g.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.1
        α > 0.
    """

    learning_rate: Rate = 0.1

    name: ClassVar[str] = "gradient_descent"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate",)
    numbers: ClassVar[tuple[str, ...]] = ("α",)
    memory: ClassVar[tuple[str, ...]] = ()
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "θ ← θ − α·g"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = None
    in_steps: ClassVar[str] = "Δw(n) = −α·g(n)"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return theta − α·g, shape (n,), and the empty memory."""
        (learning_rate,) = rates
        return theta - learning_rate * gradient, memory

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return now = −α of each step; see `Rule.expansion`."""
        return without_memory(-rounded(rates[:, 0], dtype))

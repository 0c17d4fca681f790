"""Nesterov's momentum in the stored look-ahead form: θ is always the point where the gradient is taken.

    v ← η·v − α·g(θ)
    θ ← θ + η·v − α·g(θ)

With φ = θ − η·v it is the look-ahead form: v ← η·v − α·g(φ + η·v), φ ← φ + v, for constant α, η.
Source: Sutskever, Martens, Dahl & Hinton, ICML 2013; the form in which scikit-learn and Keras run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Nesterov"]


@dataclass(frozen=True)
class Nesterov:
    """v ← η·v − α·g;  theta ← theta + η·v − α·g.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    momentum : float or schedule, default 0.9
        η in [0, 1].
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    name: ClassVar[str] = "nesterov"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum")
    numbers: ClassVar[tuple[str, ...]] = ("α", "η")
    memory: ClassVar[tuple[str, ...]] = ("velocity",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "v ← η·v − α·g;  θ ← θ + η·v − α·g"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "momentum"
    in_steps: ClassVar[str] = "v(n) = −α·g(n) + η·v(n−1);  Δw(n) = −α·g(n) + η·v(n)"

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
        push = learning_rate * gradient
        velocity = momentum * memory - push
        return theta + (momentum * velocity[0] - push), velocity

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = η, take = −α, and η of the new v, −α of g, of each step; see `Rule.expansion`."""
        learning_rate, momentum = rounded(rates.T, dtype)
        return one_row(momentum, -learning_rate, momentum, -learning_rate)

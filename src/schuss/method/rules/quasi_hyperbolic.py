"""Quasi-hyperbolic momentum: a step between the fresh gradient and the mean of the past ones.

    m ← β·m + (1−β)·g
    θ ← θ − α·((1−ν)·g + ν·m)

ν = 0 is gradient descent, ν = 1 momentum as a moving average, ν = β Nesterov's momentum with the learning
rate α·(1−β) and η = β, as long as the rates are constant.
Source: Ma & Yarats, Quasi-hyperbolic momentum and Adam for deep learning, ICLR 2019; their defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["QuasiHyperbolic"]


@dataclass(frozen=True)
class QuasiHyperbolic:
    """m ← β·m + (1−β)·g;  theta ← theta − α·((1−ν)·g + ν·m).

    Parameters
    ----------
    learning_rate : float or schedule, default 1.0
        α > 0.
    beta : float or schedule, default 0.999
        β in [0, 1).
    nu : float or schedule, default 0.7
        ν in [0, 1].
    """

    learning_rate: Rate = 1.0
    beta: Rate = 0.999
    nu: Rate = 0.7

    name: ClassVar[str] = "quasi_hyperbolic"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "beta", "nu")
    numbers: ClassVar[tuple[str, ...]] = ("α", "β", "ν")
    memory: ClassVar[tuple[str, ...]] = ("mean",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "m ← β·m + (1−β)·g;  θ ← θ − α·((1−ν)·g + ν·m)"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "beta"
    in_steps: ClassVar[str] = "m(n) = (1−β)·g(n) + β·m(n−1);  Δw(n) = −α·((1−ν)·g(n) + ν·m(n))"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, rates)."""
        return rates_at(self, steps, span)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new mean."""
        learning_rate, beta, nu = rates
        mean = beta * memory + (1.0 - beta) * gradient
        return theta - learning_rate * ((1.0 - nu) * gradient + nu * mean[0]), mean

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = β, take = 1−β, and −α·ν of the new m, −α·(1−ν) of g; see `Rule.expansion`."""
        learning_rate, beta, nu = rounded(rates.T, dtype)
        rest_beta, rest_nu = rounded(1.0 - rates[:, 1:].T, dtype)
        return one_row(beta, rest_beta, -learning_rate * nu, -learning_rate * rest_nu)

"""Nesterov's momentum in the look-ahead form: the gradient is taken where the velocity leads.

    v ← η·v − α·g(θ + η·v)
    θ ← θ + v

`Nesterov` stores θ + η·v instead, where it takes its gradients; for constant rates the two are one.
Source: Sutskever, Martens, Dahl & Hinton, ICML 2013.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["NesterovLookAhead"]


@dataclass(frozen=True)
class NesterovLookAhead:
    """v ← η·v − α·g(θ + η·v);  θ ← θ + v.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    momentum : float or schedule, default 0.9
        η in [0, 1].
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    name: ClassVar[str] = "nesterov_look_ahead"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum")
    memory: ClassVar[tuple[str, ...]] = ("velocity",)
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "v ← η·v − α·g(θ + η·v);  θ ← θ + v"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "momentum"
    full_batch: ClassVar[bool] = False
    elsewhere: ClassVar[str] = ""

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 2)."""
        return rates_at(self, steps, span)

    def place(self, theta: Array, memory: Array, rates: Sequence[float]) -> Array:
        """Return θ + η·v, where the gradient is taken."""
        return theta + rates[1] * memory[0]

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by the new velocity, and the loss where the gradient was taken."""
        learning_rate, momentum = rates
        loss, gradient = land.gradient(self.place(theta, memory, rates))
        velocity = momentum * memory - learning_rate * gradient
        return Stepped(theta + velocity[0], velocity, loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = η, take = −α, use = 1, now = 0 of each step; see `Rule.expansion`."""
        learning_rate, momentum = rounded(rates.T, dtype)
        return one_row(momentum, -learning_rate, np.ones(len(rates)), np.zeros(len(rates)))

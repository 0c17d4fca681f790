"""Lookahead over momentum: after every k steps the weights go back to a share of the way they came.

    v ← η·v − α·g,    θ ← θ + v
    after every k-th step:  φ ← φ + σ·(θ − φ),    θ ← φ

φ are the slow weights. The memory holds the way d = θ − φ instead of φ itself, so that it starts at zero
whatever the weights are:  d ← d + v,  and after every k-th step  θ ← θ − (1−σ)·d,  d ← 0.  The velocity is
kept. Weight decay acts on fast and slow weights alike.
Source: Zhang, Lucas, Hinton & Ba, Lookahead optimizer: k steps forward, 1 step back, NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Lookahead"]


@dataclass(frozen=True)
class Lookahead:
    """v ← η·v − α·g;  theta ← theta + v;  each k-th step theta ← φ ← φ + σ·(theta − φ).

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    momentum : float or schedule, default 0.9
        η in [0, 1].
    share : float or schedule, default 0.5
        σ in (0, 1], how much of the way is kept; 1 is momentum alone.
    every : int, default 5
        k, steps from one look back to the next.
    age : int, default 0
        Updates that the memory has seen before this training.
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9
    share: Rate = 0.5
    every: int = 5
    age: int = 0

    name: ClassVar[str] = "lookahead"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum", "share")
    numbers: ClassVar[tuple[str, ...]] = ("α", "η", "ρ(n)", "κ(n)")
    memory: ClassVar[tuple[str, ...]] = ("velocity", "way")
    as_given: ClassVar[bool] = False
    formula: ClassVar[str] = "v ← η·v − α·g;  θ ← θ + v;  after every k-th step  φ ← φ + σ·(θ − φ),  θ ← φ"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "momentum"
    in_steps: ClassVar[str] = (
        "v(n) = −α·g(n) + η·v(n−1);  d(n) = κ(n)·(d(n−1) + v(n));  Δw(n) = v(n) − ρ(n)·(d(n−1) + v(n))"
    )

    def __post_init__(self) -> None:
        check_rates(self)
        object.__setattr__(self, "every", check_integer("every", self.every, low=1))
        object.__setattr__(self, "age", check_integer("age", self.age, low=0))

    def at(self, steps: Steps, span: Span) -> Values:
        """Return α, η, which share of the way is gone back, and whether the way goes on, shape (steps, 4)."""
        learning_rate, momentum, share = rates_at(self, steps, span).T
        ends = (steps + (self.age + 1)) % self.every == 0
        return np.stack([learning_rate, momentum, np.where(ends, 1.0 - share, 0.0), 1.0 - ends], axis=1)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (2, n) that holds the new velocity and way."""
        learning_rate, momentum, back, goes_on = rates
        velocity = momentum * memory[0] - learning_rate * gradient
        way = memory[1] + velocity
        return theta + (velocity - back * way), np.stack([velocity, goes_on * way])

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return velocity and way as two rows; the way takes in the velocity. See `Rule.expansion`."""
        learning_rate, momentum, back, goes_on = rounded(rates.T, dtype)
        none, ones = np.zeros(len(rates)), np.ones(len(rates))
        keep = np.array([[momentum, none], [goes_on * momentum, goes_on]]).transpose(2, 0, 1)
        take = np.stack([-learning_rate, -goes_on * learning_rate], axis=1)
        use = np.stack([(1.0 - back) * momentum, -back], axis=1)
        return Expansion(keep, take, use, -(1.0 - back) * learning_rate, ones)

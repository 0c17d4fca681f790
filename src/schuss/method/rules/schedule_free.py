"""Schedule-free gradient descent: a running mean of the weights takes the place of a falling rate.

    y = (1−β)·z + β·x            where the gradient g is taken
    z ← z − α·g
    x ← (1−c)·x + c·z            c = α²/Σα², over all steps so far: 1/t for a constant rate

θ is y while it trains; x are the weights to use: `result`. The memory holds d = z − x alone, from which both
follow, x = θ − (1−β)·d, and starts at zero:

    θ ← θ + β·c·d − (1 − β·(1−c))·α·g
    d ← (1−c)·(d − α·g)

Of a scheduled rate the largest so far counts in c. The published weight decay acts on the gradient, at y: it
is the plan's `l2`.
Source: Defazio et al., The road less scheduled, NeurIPS 2024, and its published code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_integer, check_number
from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values, at_steps

__all__ = ["ScheduleFree"]


@dataclass(frozen=True)
class ScheduleFree:
    """z ← z − α·g(y);  x ← (1−c)·x + c·z;  y = (1−β)·z + β·x, with theta = y.

    Parameters
    ----------
    learning_rate : float or schedule, default 1.0
        α > 0.
    beta : float, default 0.9
        β in [0, 1), the same in all steps; 0 is a mean of the weights beside gradient descent.
    age : int, default 0
        Updates that the memory has seen before this training.
    """

    learning_rate: Rate = 1.0
    beta: float = 0.9
    age: int = 0

    name: ClassVar[str] = "schedule_free"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate",)
    numbers: ClassVar[tuple[str, ...]] = ("α", "κ(n)", "ρ(n)", "φ(n)")
    memory: ClassVar[tuple[str, ...]] = ("distance",)
    as_given: ClassVar[bool] = False
    formula: ClassVar[str] = "z ← z − α·g(y);  x ← (1−c)·x + c·z;  y = (1−β)·z + β·x;  θ = y"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = None
    in_steps: ClassVar[str] = "d(n) = κ(n)·(d(n−1) − α·g(n));  Δw(n) = ρ(n)·d(n−1) − φ(n)·α·g(n)"

    def __post_init__(self) -> None:
        check_rates(self)
        beta = check_number("beta", self.beta, low=0.0, high=1.0, open_high=True)
        object.__setattr__(self, "beta", beta)
        object.__setattr__(self, "age", check_integer("age", self.age, low=0))

    def at(self, steps: Steps, span: Span) -> Values:
        """Return α, 1−c, β·c and 1−β·(1−c) at each of `steps`, shape (steps, 4)."""
        (rate,) = rates_at(self, steps, span).T
        c = self._shares(steps, span)
        return np.stack([rate, 1.0 - c, self.beta * c, 1.0 - self.beta * (1.0 - c)], axis=1)

    def _shares(self, steps: Steps, span: Span) -> Values:
        """Return c, the share of each step's z in the mean of all so far."""
        if isinstance(self.learning_rate, float):
            return np.ones(len(steps)) / (steps + (self.age + 1))
        last = int(steps.max())
        length = min(1 << last.bit_length(), max(span.total, last + 1))  # a few tables serve all steps
        return _shares_of(self.learning_rate, self.age, span, length)[steps]

    def result(self, theta: Array, memory: Array) -> Array:
        """Return x, the weights to use, shape (…, n), where theta is y and memory (…, 1, n)."""
        return theta - (1.0 - self.beta) * memory[..., 0, :]

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new distance z − x."""
        learning_rate, keep, mix, fresh = rates
        push = learning_rate * gradient
        return theta + (mix * memory[0] - fresh * push), keep * (memory - push)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = 1−c, take = −(1−c)·α, use = β·c, now = −(1−β·(1−c))·α; see `Rule.expansion`."""
        learning_rate, keep, mix, fresh = rounded(rates.T, dtype)
        take, ones = -keep * learning_rate, np.ones(len(rates))
        return Expansion(keep[:, None, None], take[:, None], mix[:, None], -fresh * learning_rate, ones)


@lru_cache(maxsize=8)
def _shares_of(rate: Rate, age: int, span: Span, length: int) -> Values:
    """Return c of each of the first steps, shape (length,); updates of before count as the first does."""
    largest = np.maximum.accumulate(at_steps(rate, np.arange(length, dtype=np.int64), span))
    weights = largest * largest
    sums = age * weights[0] + np.cumsum(weights)
    shares: Values = np.divide(weights, sums, out=np.zeros(length), where=sums > 0)
    return shares

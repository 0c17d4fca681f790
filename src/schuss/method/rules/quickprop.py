"""Quickprop: each weight jumps to the lowest point of a parabola through its last two slopes.

    f  = μ                          where g·Δw(n−1) < μ/(1+μ)·s(n−1)·Δw(n−1): the slope hardly falls
         g/(s(n−1) − g), within ±μ   elsewhere: to the vertex
    Δw = f·Δw(n−1) − [α·g where Δw(n−1) does not climb],    s ← g

s is the slope before, and μ the most that a step may grow by. Fahlman's weight decay is the penalty `l2` of
the plan; the .1 that he adds to the slope of logistic units belongs to the network, and is not here.
Source: Fahlman, An Empirical Study of Learning Speed in Back-Propagation Networks, CMU-CS-88-162 (1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Quickprop"]


@dataclass(frozen=True)
class Quickprop:
    """Δw ← Δw·g/(s − g), at most μ·Δw, and −α·g where that still leads down.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.5
        α > 0.
    max_growth : float or schedule, default 1.75
        μ > 0, how many times longer than the one before a step may be.
    """

    learning_rate: Rate = 0.5
    max_growth: Rate = 1.75

    name: ClassVar[str] = "quickprop"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "max_growth")
    memory: ClassVar[tuple[str, ...]] = ("change", "slope")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "Δw ← Δw·g/(s − g), at most μ·Δw, less α·g where downhill;  s ← g;  θ ← θ + Δw"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    elsewhere: ClassVar[str] = ""

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 2)."""
        return rates_at(self, steps, span)

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by the parabola of each weight."""
        learning_rate, most = rates
        loss, gradient = land.gradient(theta)
        change, slope = memory
        with np.errstate(divide="ignore", invalid="ignore"):
            vertex = np.clip(gradient / (slope - gradient), -most, most)
        hardly = gradient * np.sign(change) < most / (1.0 + most) * (slope * np.sign(change))
        factor = np.where(hardly | (slope == gradient), most, vertex)
        push = np.where(gradient * np.sign(change) <= 0, learning_rate * gradient, 0)
        moved = (factor * change - push).astype(theta.dtype, copy=False)
        return Stepped(theta + moved, np.stack([moved, gradient]), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return now = Δw/g of each step, a number of its own for each weight; see `Rule.expansion`."""
        if seen is None:
            return without_memory(np.zeros(len(rates)))
        change, slope = seen.after.astype(np.float64).T
        now = np.divide(change, slope, out=np.zeros_like(change), where=slope != 0)
        return without_memory(now)

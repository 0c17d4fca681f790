"""One cycle: there and back within the whole training, for the rate one way, for momentum the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_choice, check_number
from schuss.method.schedules.cosine import half_cosine
from schuss.method.schedules.schedule import Schedule, Span, Steps, Values

__all__ = ["OneCycle"]

SHAPES = ("cosine", "linear")


@dataclass(frozen=True)
class OneCycle(Schedule):
    """From a first value to a turn, and from there to the last step's.

    value(n) = first + (turn−first)·s(n/u)              for n < u = max(share·N − 1, 0); N steps in all
    value(n) = turn + (last−turn)·s((n−u)/(N−1−u))      after that
    s(x) = ½·(1 − cos πx), or x where it is linear

    So a rate that rises and falls goes with a momentum that falls and rises:
    ``Momentum(OneCycle(0.004, 0.1, 1e-5), OneCycle(0.95, 0.85))``.

    Source: Smith, "A disciplined approach to neural network hyper-parameters: Part 1", 2018; which steps
    the ends and the turn fall on is as PyTorch's ``OneCycleLR`` has it.

    Parameters
    ----------
    first : float
        At the first step.
    turn : float
        In between: the highest value of a rate, the lowest of a momentum.
    last : float or None
        At the last step; None: as at the first.
    share : float, default 0.3
        Share of all steps until the turn, in (0, 1).
    shape : {"cosine", "linear"}, default "cosine"
    """

    first: float
    turn: float
    last: float | None = None
    share: float = 0.3
    shape: str = "cosine"

    name: ClassVar[str] = "one_cycle"

    def __post_init__(self) -> None:
        for name in ("first", "turn"):
            self._set(name, check_number(name, getattr(self, name), low=0.0))
        last = self.first if self.last is None else self.last
        self._set("last", check_number("last", last, low=0.0))
        self._set(
            "share", check_number("share", self.share, low=0.0, high=1.0, open_low=True, open_high=True)
        )
        check_choice("shape", self.shape, SHAPES)

    @property
    def end(self) -> float:
        """The value at the last step."""
        return self.first if self.last is None else self.last

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        values = self.first, self.turn, self.end
        return min(values), max(values)

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"one cycle from {self.first:g} to {self.turn:g} and to {self.end:g}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        until = max(self.share * span.total - 1.0, 0.0)
        there = self._between(self.first, self.turn, steps / (until or 1.0))
        left = max(span.total - 1.0 - until, 0.0)
        back = self._between(self.turn, self.end, (steps - until) / (left or 1.0))
        return np.where(steps < until, there, back)

    def _between(self, a: float, b: float, share: Any) -> Values:
        """Return what lies between a and b, never beyond them by rounding."""
        share = np.clip(share, 0.0, 1.0)
        if self.shape == "cosine":
            along = 0.5 * (1.0 - half_cosine(share))
            share = np.where((share > 0.0) & (share < 1.0), along, share)  # the ends to the bit
        return np.clip((1.0 - share) * a + share * b, min(a, b), max(a, b))

"""A rate lowered where training gets no further: the one schedule that the training itself fills in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from schuss.method.checks import check_integer, check_number
from schuss.method.schedules.schedule import Schedule, Span, Steps, Values

__all__ = ["Plateau"]


@dataclass(frozen=True)
class Plateau(Schedule):
    """Constant, divided by a factor at each plateau: where training would stop for want of improvement.

    The training fills in `drops`, so the plan of a finished run says when they came; scikit-learn's
    ``"adaptive"``.

    Parameters
    ----------
    initial : float
        The highest value.
    factor : float, default 5
        Divides the value, > 1.
    lowest : float, default 1e-6
        At or below this value a plateau ends the training.
    drops : tuple of int
        Steps from which one division more holds, in order.
    """

    initial: float
    factor: float = 5.0
    lowest: float = 1e-6
    drops: tuple[int, ...] = ()

    name: ClassVar[str] = "plateau"

    def __post_init__(self) -> None:
        self._set("initial", check_number("initial", self.initial, low=0.0, open_low=True))
        self._set("factor", check_number("factor", self.factor, low=1.0, open_low=True))
        self._set("lowest", check_number("lowest", self.lowest, low=0.0))
        drops = tuple(check_integer("drops", step, low=0) for step in self.drops)
        self._set("drops", tuple(sorted(drops)))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def last(self) -> float:
        """The value after the last drop."""
        return float(self._values[-1])

    @property
    def _values(self) -> Values:
        """Before the first drop and after each, shape (drops + 1,)."""
        return np.divide.accumulate([self.initial, *(self.factor for _ in self.drops)])

    def dropped(self, step: int) -> Plateau:
        """Return the same with one more drop at `step`."""
        return replace(self, drops=(*self.drops, step))

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.initial:g}, divided by {self.factor:g} at each of {len(self.drops)} plateaus"

    def at(self, steps: Steps, span: Span) -> Values:  # noqa: ARG002  # schedules share one signature
        """Return the value at each of `steps`, counted from 0."""
        return self._values[np.searchsorted(np.array(self.drops, np.int64), steps, side="right")]

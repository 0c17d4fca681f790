"""A straight rise in front of any other schedule, or of a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_number
from schuss.method.schedules.plateau import Plateau
from schuss.method.schedules.restart import Restart
from schuss.method.schedules.schedule import UNITS, Rate, Schedule, Span, Steps, Values, at_steps, so_many

__all__ = ["WarmUp"]


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Rise in a straight line to the first value of another schedule, which begins after it.

    value(n) = (n+1)/m · then(0)    for n < m = ⌈length·steps of an epoch⌉
    value(n) = then(n−m)            after that, laid out over the N−m steps that are left

    Source: Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.

    Parameters
    ----------
    then : float or schedule
        What it rises to. Neither a Plateau nor a Restart, which wait for what the training comes to.
    length : float, default 1
        So many epochs it rises.
    per : {"epoch", "step"}, default "epoch"
        What `length` counts.
    """

    then: Rate
    length: float = 1.0
    per: str = "epoch"

    name: ClassVar[str] = "warm_up"

    def __post_init__(self) -> None:
        if isinstance(self.then, Plateau | Restart):
            raise SettingError(
                f"a {type(self.then).__name__} cannot follow a WarmUp; give a number or another schedule."
            )
        if not isinstance(self.then, Schedule):
            self._set("then", check_number("then", self.then, low=0.0, open_low=True))
        self._set("length", check_number("length", self.length, low=0.0))
        check_choice("per", self.per, UNITS)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        low, high = self.then.bounds if isinstance(self.then, Schedule) else (self.then, self.then)
        return (min(0.0, low) if self.length else low), high

    @property
    def words(self) -> str:
        """Say it in words."""
        then = self.then.words if isinstance(self.then, Schedule) else f"{self.then:g}"
        return f"rising over {so_many(self.length, self.per)}, then {then}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        length = self.length * (span.per_epoch if self.per == "epoch" else 1)
        rising = max(math.ceil(length - 1e-9), 0)  # 0.07·100 is a hair above 7
        left = span._replace(total=max(span.total - rising, 1))
        values = at_steps(self.then, np.maximum(steps - rising, 0), left)
        risen = values * (steps + 1) / max(rising, 1)
        return np.where(steps < rising, np.minimum(risen, values), values)  # x·m/m may round above x

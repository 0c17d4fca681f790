"""Schedules that were made for the momentum: Sutskever's, Nesterov's, and Demon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.method.checks import check_integer, check_number
from schuss.method.schedules.schedule import Schedule, Span, Steps, Values, so_many

__all__ = ["Demon", "Nesterov1983", "Sutskever"]


@dataclass(frozen=True)
class Sutskever(Schedule):
    """Rise in stairs: 1/2, 3/4, 5/6, 7/8, … up to the highest value.

    value(n) = min(1 − 2^(−1−log₂(⌊n/period⌋+1)), highest) = min(1 − 1/(2·(⌊n/period⌋+1)), highest)

    Source: Sutskever, Martens, Dahl & Hinton, ICML 2013, equation 5.

    Parameters
    ----------
    highest : float, default 0.99
        In (0, 1]; the paper tries .9, .99, .995 and .999.
    period : int, default 250
        Steps of a stair.
    """

    highest: float = 0.99
    period: int = 250

    name: ClassVar[str] = "sutskever"

    def __post_init__(self) -> None:
        self._set("highest", check_number("highest", self.highest, low=0.0, high=1.0, open_low=True))
        self._set("period", check_integer("period", self.period, low=1))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(0.5, self.highest), self.highest

    @property
    def words(self) -> str:
        """Say it in words."""
        stairs = so_many(self.period, "step")
        return f"1 − 1/(2·stair), a stair every {stairs}, up to {self.highest:g}"

    def at(self, steps: Steps, span: Span) -> Values:  # noqa: ARG002  # schedules share one signature
        """Return the value at each of `steps`, counted from 0."""
        return np.minimum(1.0 - 1.0 / (2.0 * (steps // self.period + 1)), self.highest)


@dataclass(frozen=True)
class Nesterov1983(Schedule):
    """Rise towards 1 as Nesterov's method for convex functions does.

    value(n) = min(1 − 3/(n+5), highest)

    Source: Nesterov (1983), in the form of Sutskever, Martens, Dahl & Hinton, ICML 2013, section 2.1.

    Parameters
    ----------
    highest : float, default 1
        In (0, 1].
    """

    highest: float = 1.0

    name: ClassVar[str] = "nesterov_1983"

    def __post_init__(self) -> None:
        self._set("highest", check_number("highest", self.highest, low=0.0, high=1.0, open_low=True))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(1.0 - 3.0 / 5.0, self.highest), self.highest

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"1 − 3/(n+5), up to {self.highest:g}"

    def at(self, steps: Steps, span: Span) -> Values:  # noqa: ARG002  # schedules share one signature
        """Return the value at each of `steps`, counted from 0."""
        return np.minimum(1.0 - 3.0 / (steps + 5), self.highest)


@dataclass(frozen=True)
class Demon(Schedule):
    """Fall to 0 so that η/(1−η), what a push has still to pay out, falls in a straight line.

    value(n) = η·(1 − n/N) / ((1−η) + η·(1 − n/N)),    η = initial, N steps in all

    Source: Chen, Wolfe, Li & Kyrillidis, "Demon: improved neural network training with momentum decay",
    2019.

    Parameters
    ----------
    initial : float, default 0.9
        In (0, 1).
    """

    initial: float = 0.9

    name: ClassVar[str] = "demon"

    def __post_init__(self) -> None:
        limits = {"low": 0.0, "high": 1.0, "open_low": True, "open_high": True}
        self._set("initial", check_number("initial", self.initial, **limits))  # type: ignore[arg-type]  # they are

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.initial:g} at first, to 0 so that η/(1−η) falls in a straight line"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        left = self.initial * (1.0 - np.minimum(steps / max(span.total, 1), 1.0))
        return left / ((1.0 - self.initial) + left)

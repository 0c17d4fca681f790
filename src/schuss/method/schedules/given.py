"""Schedules given value by value: a table, which files can hold, and any function, which they cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_number
from schuss.method.schedules.schedule import UNITS, Schedule, Span, Steps, Values, counted

__all__ = ["Custom", "Listed"]

Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Listed(Schedule):
    """The values themselves, or points with straight lines between them.

    value(n) = values[n], after the last one that
    value(n) = a + (b−a)·(n−p)/(q−p) between the points (p, a) and (q, b); outside them the nearest one's

    Parameters
    ----------
    values : tuple of float, or of pairs of float
        One for each step, or points (step, value) in the order of their steps; at least one, none below 0.
    per : {"step", "epoch"}, default "step"
        What is counted: with epochs, one value for each, or points (epoch, value), on whose lines an epoch
        has its share of the way.
    """

    values: tuple[float, ...] | Pairs
    per: str = "step"

    name: ClassVar[str] = "listed"

    def __post_init__(self) -> None:
        check_choice("per", self.per, UNITS)
        self._set("values", _checked(self.values, self.per))

    @property
    def points(self) -> Pairs | None:
        """The points, or None where there is a value for each step."""
        return self.values if isinstance(self.values[0], tuple) else None

    @cached_property
    def _array(self) -> Values:
        """The values or points as an array: a long table is asked for at every step."""
        return np.array(self.values)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        values = [value for _, value in self.points] if self.points else self.values
        return min(values), max(values)  # type: ignore[return-value]  # they are floats

    @property
    def words(self) -> str:
        """Say it in words."""
        low, high = self.bounds
        of = "on straight lines through" if self.points else f"given for each {self.per} by"
        what = "points" if self.points else "values"
        return f"{of} {len(self.values)} {what} from {low:g} to {high:g}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        if self.points is None:
            places = np.minimum(counted(steps, span, self.per), len(self.values) - 1)
            return self._array[places]
        at, values = self._array.T
        return _on_lines(at, values, steps / span.per_epoch if self.per == "epoch" else steps.astype(float))


def _on_lines(at: Values, values: Values, where: Values) -> Values:
    """Return the heights of straight lines at `where`; NumPy's own may be compiled into other roundings."""
    last = len(at) - 1
    left = np.clip(np.searchsorted(at, where, side="right") - 1, 0, last)
    right = np.minimum(left + 1, last)
    share = np.clip((where - at[left]) / np.where(right > left, at[right] - at[left], 1.0), 0.0, 1.0)
    a, b = values[left], values[right]
    return np.clip((1.0 - share) * a + share * b, np.minimum(a, b), np.maximum(a, b))


def _checked(given: Any, per: str) -> tuple[float, ...] | Pairs:
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if not isinstance(given, list | tuple) or not given:
        raise SettingError(
            f"values must list a value for each step, or points (step, value); got {given!r:.80}."
        )
    if not isinstance(given[0], list | tuple):
        return tuple(check_number(f"the value of {per} {i}", value, low=0.0) for i, value in enumerate(given))
    return _points(given)


def _points(given: Any) -> Pairs:
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
        raise SettingError(f"every point must be a pair (step, value); got {given!r:.80}.")
    points = tuple(
        (
            check_number(f"the step of point {i}", n, low=0.0),
            check_number(f"the value of point {i}", v, low=0.0),
        )
        for i, (n, v) in enumerate(given)
    )
    for (before, _), (after, _) in pairwise(points):
        if not before < after:
            raise SettingError(
                f"points must stand in the order of their steps; got {after:g} after {before:g}."
            )
    return points


@dataclass(frozen=True)
class Custom(Schedule):
    """What a function of the step says.

    value(n) = function(n)

    It is asked for one step at a time, with an int, so that a step's bits cannot hang on the steps beside it.
    A file has no form for a function: a run with it can neither be recorded nor saved. For that, give its
    values: ``Listed([function(n) for n in range(steps)])``.

    Parameters
    ----------
    function : callable
        From the number of a step, from 0, to a value.
    high, low : float
        The values must lie in [low, high]; low is 0 by default.
    """

    function: Callable[[int], Any]
    high: float
    low: float = 0.0

    name: ClassVar[str] = "custom"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise SettingError(
                f"function must be callable with the number of a step; got {self.function!r:.80}."
            )
        self._set("low", check_number("low", self.low, low=0.0))
        self._set("high", check_number("high", self.high, low=self.low))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return self.low, self.high

    @property
    def words(self) -> str:
        """Say it in words."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"what {name} says of each step, from {self.low:g} to {self.high:g}"

    def at(self, steps: Steps, span: Span) -> Values:  # noqa: ARG002  # schedules share one signature
        """Return the value at each of `steps`, counted from 0.

        Raises
        ------
        SettingError
            A value that is no number within the limits.
        """
        return np.array([self._value(n) for n in steps.tolist()], np.float64)

    def _value(self, n: int) -> float:
        value = self.function(n)
        if isinstance(value, np.ndarray) and value.size == 1:  # as np.where gives for a single step
            value = value.item()
        return check_number(
            f"{self.words.split(' says')[0]} says of step {n}", value, low=self.low, high=self.high
        )

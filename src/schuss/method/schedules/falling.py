"""Schedules that only fall: in steps, along a power of a factor, along inverses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.powers import powers
from schuss.method.schedules.schedule import UNITS, Schedule, Span, Steps, Values, counted, so_many

__all__ = ["Exponential", "Inverse", "InverseScaling", "Step"]


@dataclass(frozen=True)
class Step(Schedule):
    """Constant, divided by a factor every so many epochs, or after those that are named.

    value(n) = initial / factor^k,    k = ⌊e/every⌋, or how many of `after` are ≤ e, in epoch e from 0

    Source: practice; the staircase of Krizhevsky, Sutskever & Hinton (2012) and of He et al. (2016).

    Parameters
    ----------
    initial : float
        The highest value.
    factor : float, default 10
        Divides the value, > 1.
    every : int or None
        So many epochs lie between two divisions.
    after : tuple of int
        After so many epochs a division comes, in order. Either this or `every` is given.
    per : {"epoch", "step"}, default "epoch"
        What `every` and `after` count.
    """

    initial: float
    factor: float = 10.0
    every: int | None = None
    after: tuple[int, ...] = ()
    per: str = "epoch"

    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        self._set("initial", check_number("initial", self.initial, low=0.0, open_low=True))
        self._set(
            "factor", check_number("factor, which divides the value,", self.factor, low=1.0, open_low=True)
        )
        if self.every is not None:
            self._set("every", check_integer("every", self.every, low=1))
        self._set("after", _in_order(self.after))
        if (self.every is None) == (not self.after):
            raise SettingError(
                "a Step needs either every=…, as 30, or after=…, as (30, 60); "
                f"got every={self.every}, after={self.after}."
            )
        check_choice("per", self.per, UNITS)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def words(self) -> str:
        """Say it in words."""
        if self.every is not None:
            return f"{self.initial:g}, divided by {self.factor:g} every {so_many(self.every, self.per)}"
        *others, last = self.after
        places = "".join(f"{place}, " for place in others) + so_many(last, self.per)
        return f"{self.initial:g}, divided by {self.factor:g} after {places}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        done = counted(steps, span, self.per)
        if self.every is not None:
            drops = done // self.every
        else:
            drops = np.searchsorted(np.array(self.after, np.int64), done, side="right").astype(np.int64)
        with np.errstate(over="ignore"):  # divided by more than a float holds it is 0
            return self.initial / powers(self.factor, drops)


def _in_order(given: Any) -> tuple[int, ...]:
    """Return the places of drops as integers, each above the one before, or raise SettingError."""
    if not isinstance(given, list | tuple):
        raise SettingError(f"after must list integers, as (30, 60); got {given!r}.")
    places = tuple(check_integer("after", place, low=1) for place in given)
    if list(places) != sorted(set(places)):
        raise SettingError(f"after must rise from one to the next; got {given!r}.")
    return places


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiplied by a factor after every epoch or step.

    value(n) = initial·factor^e in epoch e from 0, or initial·factor^n

    Parameters
    ----------
    initial : float
        The highest value.
    factor : float
        γ in (0, 1].
    per : {"epoch", "step"}, default "epoch"
        After what it is multiplied.
    """

    initial: float
    factor: float
    per: str = "epoch"

    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        self._set("initial", check_number("initial", self.initial, low=0.0, open_low=True))
        self._set("factor", check_number("factor", self.factor, low=0.0, high=1.0, open_low=True))
        check_choice("per", self.per, UNITS)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.initial:g} at first, times {self.factor:g} after every {self.per}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        return self.initial * powers(self.factor, counted(steps, span, self.per))


@dataclass(frozen=True)
class Inverse(Schedule):
    """Fall along a hyperbola.

    value(n) = initial / (1 + decay·n), with the epoch in the place of n where it counts those

    Source: Robbins & Monro (1951) need rates whose sum diverges and whose squares' sum does not; this is
    the usual one, Keras's ``InverseTimeDecay``.

    Parameters
    ----------
    initial : float
        The highest value.
    decay : float
        ≥ 0; after 1/decay steps the value has halved.
    per : {"step", "epoch"}, default "step"
        What n counts.
    """

    initial: float
    decay: float
    per: str = "step"

    name: ClassVar[str] = "inverse"

    def __post_init__(self) -> None:
        self._set("initial", check_number("initial", self.initial, low=0.0, open_low=True))
        self._set("decay", check_number("decay", self.decay, low=0.0))
        check_choice("per", self.per, UNITS)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.initial:g}/(1 + {self.decay:g}·n) in {self.per} n"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        with np.errstate(over="ignore"):  # divided by more than a float holds it is 0
            done = counted(steps, span, self.per).astype(np.float64)
            return self.initial / (1.0 + self.decay * done)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """Fall with the number of samples seen, a step down after each epoch.

    value = initial / (seen + e·m + 1)^power in epoch e of m samples; scikit-learn's ``"invscaling"``.

    Parameters
    ----------
    initial : float
        The highest value.
    power : float, default 0.5
    seen : int, default 0
        Samples seen before this training.
    """

    initial: float
    power: float = 0.5
    seen: int = 0

    name: ClassVar[str] = "inverse_scaling"

    def __post_init__(self) -> None:
        self._set("initial", check_number("initial", self.initial, low=0.0, open_low=True))
        self._set("power", check_number("power", self.power, low=0.0))
        self._set("seen", check_integer("seen", self.seen, low=0))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.initial:g} at first, then by 1/(samples seen)^{self.power:g}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        epochs, which = np.unique(steps // span.per_epoch, return_inverse=True)
        # the C library's power: NumPy's own differs between processors
        powers = [_power(self.seen + e * span.samples + 1, self.power) for e in epochs.tolist()]
        return (self.initial / np.array(powers))[which]


def _power(base: int, exponent: float) -> float:
    try:
        return float(base) ** exponent
    except OverflowError:
        return math.inf

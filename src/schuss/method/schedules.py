"""Learning rate and momentum as functions of the step. Values only; nothing here keeps state."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_integer, check_number

__all__ = [
    "SCHEDULES",
    "Cosine",
    "InverseScaling",
    "Plateau",
    "Rate",
    "Span",
    "at_steps",
    "rate_from_json",
    "rate_to_json",
]

Steps = NDArray[np.int64]
Values = NDArray[np.float64]


class Span(NamedTuple):
    """How long a training is: steps in all, steps of an epoch, samples of an epoch."""

    total: int
    per_epoch: int = 1
    samples: int = 1


@dataclass(frozen=True)
class Cosine:
    """Rise in a straight line over the first steps, then fall along half a cosine.

    value(n) = peak·n′/m                                    for n < m = ⌈warm_up·N⌉, n′ = n+1
    value(n) = final + (peak−final)·½·(1 + cos(π·(n−m)/(N−m)))    after that; N steps in all

    Parameters
    ----------
    peak : float
        The highest value.
    final : float, default 0
        The value at the end.
    warm_up : float, default 0
        Share of all steps, in [0, 1), spent rising.
    """

    peak: float
    final: float = 0.0
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "peak", check_number("peak", self.peak, low=0.0, open_low=True))
        object.__setattr__(self, "final", check_number("final", self.final, low=0.0))
        object.__setattr__(self, "warm_up", check_number("warm_up", self.warm_up, low=0.0, high=0.999))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(self.final, 0.0 if self.warm_up else self.peak), max(self.peak, self.final)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        rising = int(np.ceil(self.warm_up * span.total))
        share = np.clip((steps - rising) / max(span.total - rising, 1), 0.0, 1.0)
        falling = self.final + (self.peak - self.final) * 0.5 * (1.0 + _cosine(share))
        return np.where(steps < rising, self.peak * (steps + 1) / max(rising, 1), falling)


def _cosine(share: Values) -> Values:
    """Return cos(π·share) for shares in [0, 1], from the series of sin(π/2 − π·share).

    In products and sums alone, which every processor rounds alike; NumPy's own cosine differs between
    processors in the last digit, and would take the weights' bits with it.
    """
    x = np.pi * (0.5 - share)
    series = np.ones_like(x)
    for k in range(22, 0, -2):
        series = 1.0 - x * x / (k * (k + 1)) * series
    return x * series


@dataclass(frozen=True)
class InverseScaling:
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", check_number("initial", self.initial, low=0.0, open_low=True))
        object.__setattr__(self, "power", check_number("power", self.power, low=0.0))
        object.__setattr__(self, "seen", check_integer("seen", self.seen, low=0))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        epochs, which = np.unique(steps // span.per_epoch, return_inverse=True)
        # the C library's power: NumPy's own differs between processors
        powers = [float(self.seen + e * span.samples + 1) ** self.power for e in epochs.tolist()]
        return (self.initial / np.array(powers))[which]


@dataclass(frozen=True)
class Plateau:
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", check_number("initial", self.initial, low=0.0, open_low=True))
        object.__setattr__(self, "factor", check_number("factor", self.factor, low=1.0, open_low=True))
        object.__setattr__(self, "lowest", check_number("lowest", self.lowest, low=0.0))
        drops = tuple(check_integer("drops", step, low=0) for step in self.drops)
        object.__setattr__(self, "drops", tuple(sorted(drops)))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.initial

    @property
    def last(self) -> float:
        """The value after the last drop."""
        value = self.initial
        for _ in self.drops:
            value /= self.factor
        return value

    def dropped(self, step: int) -> Plateau:
        """Return the same with one more drop at `step`."""
        return replace(self, drops=(*self.drops, step))

    def at(self, steps: Steps, span: Span) -> Values:  # noqa: ARG002  # schedules share one signature
        """Return the value at each of `steps`, counted from 0."""
        values = [replace(self, drops=self.drops[:k]).last for k in range(len(self.drops) + 1)]
        return np.array(values)[np.searchsorted(np.array(self.drops, np.int64), steps, side="right")]


Schedule = Cosine | InverseScaling | Plateau
Rate = float | Schedule
SCHEDULES: dict[str, type[Any]] = {
    "cosine": Cosine,
    "inverse_scaling": InverseScaling,
    "plateau": Plateau,
}


def at_steps(rate: Rate, steps: Steps, span: Span) -> Values:
    """Return a rate's value at each of `steps`: a constant, or what its schedule says."""
    if isinstance(rate, float):
        return np.full(steps.shape, rate)
    return rate.at(steps, span)


def highest(rate: Rate) -> float:
    """Return a rate's highest value."""
    return rate if isinstance(rate, float) else rate.bounds[1]


def check_rate(name: str, rate: Any, **limits: Any) -> Rate:
    """Return `rate` if it is a number within the limits, or a schedule whose values are."""
    if not isinstance(rate, Schedule):
        return check_number(name, rate, **limits)
    if isinstance(rate, Plateau) and name != "learning_rate":
        raise SettingError(f"a Plateau lowers the learning rate; {name} takes a number or another schedule.")
    limits = {key: value for key, value in limits.items() if key != "open_low"}  # it may fall to 0
    for end in rate.bounds:
        check_number(f"{name} of {rate!r}", end, **limits)
    return rate


def rate_to_json(rate: Rate) -> Any:
    """Return a rate as plain JSON: a number, or the schedule's name and settings."""
    if isinstance(rate, float):
        return rate
    name = next(name for name, kind in SCHEDULES.items() if isinstance(rate, kind))
    return {"schedule": name, **asdict(rate)}


def rate_from_json(value: Any) -> Rate:
    """Return the rate that `rate_to_json` described."""
    if not isinstance(value, dict):
        return float(value)
    settings = dict(value)
    name = check_choice("schedule", settings.pop("schedule", None), SCHEDULES)
    try:
        rate: Rate = SCHEDULES[name](**settings)
    except TypeError as error:
        raise SettingError(f"schedule {name!r} does not take these settings: {value}.") from error
    return rate

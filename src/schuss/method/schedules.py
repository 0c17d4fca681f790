"""Learning rate and momentum as functions of the step. Values only; nothing here keeps state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_number

__all__ = ["SCHEDULES", "Cosine", "Rate", "at_steps", "rate_from_json", "rate_to_json"]

Steps = NDArray[np.int64]


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

    def at(self, steps: Steps, total: int) -> NDArray[np.float64]:
        """Return the value at each of `steps`, counted from 0, of a training of `total` steps."""
        rising = int(np.ceil(self.warm_up * total))
        share = np.clip((steps - rising) / max(total - rising, 1), 0.0, 1.0)
        falling = self.final + (self.peak - self.final) * 0.5 * (1.0 + _cosine(share))
        return np.where(steps < rising, self.peak * (steps + 1) / max(rising, 1), falling)


def _cosine(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cos(π·share) for shares in [0, 1], from the series of sin(π/2 − π·share).

    In products and sums alone, which every processor rounds alike; NumPy's own cosine differs between
    processors in the last digit, and would take the weights' bits with it.
    """
    x = np.pi * (0.5 - share)
    series = np.ones_like(x)
    for k in range(22, 0, -2):
        series = 1.0 - x * x / (k * (k + 1)) * series
    return x * series


Rate = float | Cosine
SCHEDULES = {"cosine": Cosine}


def at_steps(rate: Rate, steps: Steps, total: int) -> NDArray[np.float64]:
    """Return a rate's value at each of `steps`: a constant, or what its schedule says."""
    if isinstance(rate, float):
        return np.full(steps.shape, rate)
    return rate.at(steps, total)


def check_rate(name: str, rate: Any, **limits: Any) -> Rate:
    """Return `rate` if it is a number within the limits, or a schedule whose peak is."""
    if not isinstance(rate, Cosine):
        return check_number(name, rate, **limits)
    high = limits.get("high", np.inf)
    check_number(f"peak of {name}", rate.peak, low=0.0, high=high)
    check_number(f"final of {name}", rate.final, low=0.0, high=high)
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
        return SCHEDULES[name](**settings)
    except TypeError as error:
        raise SettingError(f"schedule {name!r} does not take these settings: {value}.") from error

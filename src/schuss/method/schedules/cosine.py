"""A straight rise and half a cosine down, and the cosine that has the same bits everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.method.checks import check_number
from schuss.method.schedules.schedule import Schedule, Span, Steps, Values

__all__ = ["Cosine", "half_cosine"]


@dataclass(frozen=True)
class Cosine(Schedule):
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

    name: ClassVar[str] = "cosine"

    def __post_init__(self) -> None:
        self._set("peak", check_number("peak", self.peak, low=0.0, open_low=True))
        self._set("final", check_number("final", self.final, low=0.0))
        self._set("warm_up", check_number("warm_up", self.warm_up, low=0.0, high=0.999))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(self.final, 0.0 if self.warm_up else self.peak), max(self.peak, self.final)

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"up to {self.peak:g}, then along a cosine to {self.final:g}"

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        rising = int(np.ceil(self.warm_up * span.total))
        share = np.clip((steps - rising) / max(span.total - rising, 1), 0.0, 1.0)
        falling = self.final + (self.peak - self.final) * 0.5 * (1.0 + half_cosine(share))
        return np.where(steps < rising, self.peak * (steps + 1) / max(rising, 1), falling)


def half_cosine(share: Values) -> Values:
    """Return cos(π·share) for shares in [0, 1], from the series of sin(π/2 − π·share).

    In products and sums alone, which every processor rounds alike; NumPy's own cosine differs between
    processors in the last digit, and would take the weights' bits with it.
    """
    x = np.pi * (0.5 - share)
    series = np.ones_like(x)
    for k in range(22, 0, -2):
        series = 1.0 - x * x / (k * (k + 1)) * series
    return x * series

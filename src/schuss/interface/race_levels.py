"""At which heights a race is drawn, in pictures of either kind: contours, and where the losses end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schuss.insight.race.value import Race

__all__ = ["levels_of", "lowest_told"]

DEEPEST = 1e-3  # of the highest: below it, contours would crowd around the lowest point


def levels_of(found: NDArray[np.float64], goal: float | None, count: int) -> NDArray[np.float64]:
    """Return `count` heights, rising, evenly spaced in their logarithm where none is negative.

    The highest few are passed over: a steep corner would take all contours for itself.
    """
    finite = found[np.isfinite(found)]
    lowest, high = (float(q) for q in np.quantile(finite, [0.0, 0.97]))
    low = max(lowest, min(goal or 0.0, high / 10), high * DEEPEST)
    if lowest < 0 or not low < high:
        return np.unique(np.linspace(lowest, float(finite.max()), count))
    return np.geomspace(low * 1.02, high, count)


def lowest_told(race: Race) -> float:
    """Return the loss below which nothing is drawn: far beyond the goal, or beyond where racers were."""
    highest = max(float(racer.loss.max()) for racer in race.racers)
    if race.goal is not None and race.goal > 0:
        return min(race.goal, highest) / 100
    return highest * 1e-12

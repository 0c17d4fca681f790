"""The class of a training, from its losses alone: converges, slow, oscillates or diverges.

Let L₀ be the loss of the first weights, G the goal, L₀ − G the *way*, and the *end* the median loss of the
last tenth of the epochs. Rises of no more than a twentieth of the way are taken for noise. A training

- **diverges** if a loss or a weight was not finite, or its end lies above L₀ by more than noise;
- else **converges** if its end is at the goal or below;
- else **oscillates** if its loss rose, at any time, above its lowest before by more than noise;
- else is **slow**: it falls, or stands, and did not get there.

A training that rises and falls on its way but ends at the goal converges.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CLASSES",
    "CONVERGES",
    "DIVERGES",
    "NOISE",
    "OSCILLATES",
    "SLOW",
    "Judged",
    "default_goal",
    "judged",
]

CLASSES = ("converges", "slow", "oscillates", "diverges")
CONVERGES, SLOW, OSCILLATES, DIVERGES = range(4)

NOISE = 0.05  # of the way from the first loss to the goal
FALL = 0.9  # of the best cell's fall, to which a default goal asks a training to come
NEVER = -1

Floats = NDArray[np.float64]


class Judged(NamedTuple):
    """What is said of trainings; each array has one value per training.

    Attributes
    ----------
    classes : int8 ndarray
        Places in `CLASSES`.
    epochs : int64 ndarray
        After how many epochs the loss was first at the goal or below; −1: never.
    end : float64 ndarray
        Median loss of the last tenth of the epochs; NaN where it diverged to infinity.
    swing : float64 ndarray
        How far the loss rose above its lowest before, in shares of the way; NaN likewise.
    """

    classes: NDArray[np.int8]
    epochs: NDArray[np.int64]
    end: Floats
    swing: Floats


def judged(loss: Floats, start: float, goal: float | None) -> Judged:
    """Judge trainings by their losses.

    Parameters
    ----------
    loss : float64 ndarray, shape (…, epochs)
        NaN from where a training was no longer finite.
    start : float
        L₀.
    goal : float or None
        G, below L₀; None where no training fell: then none converges, and the way is |L₀|, or 1 for 0.
    """
    finite = np.asarray(np.isfinite(loss).all(axis=-1))
    whole = np.where(finite[..., None], loss, np.inf)
    way = (abs(start) or 1.0) if goal is None else start - goal
    end = np.median(whole[..., -_tenth(loss.shape[-1]) :], axis=-1)
    below = np.zeros(loss.shape, bool) if goal is None else loss <= goal
    epochs = np.where(below.any(axis=-1), below.argmax(axis=-1) + 1, NEVER)
    swing = np.where(finite, _highest_rise(loss, start) / way, np.nan)
    kinds = [~finite | (end > start + NOISE * way), end <= (-np.inf if goal is None else goal), swing > NOISE]
    classes = np.select(kinds, [DIVERGES, CONVERGES, OSCILLATES], SLOW).astype(np.int8)
    return Judged(classes, epochs, np.where(finite, end, np.nan), swing)


def default_goal(loss: Floats, start: float) -> float | None:
    """Return the loss at nine tenths of the way that the best of some trainings fell, None if none fell."""
    ends = np.median(loss[..., -_tenth(loss.shape[-1]) :], axis=-1)
    fallen = ends[np.isfinite(loss).all(axis=-1) & (ends < start)]
    return float(start - FALL * (start - fallen.min())) if len(fallen) else None


def _highest_rise(loss: Floats, start: float) -> Floats:
    """Return how far a loss stood above the lowest before it, at most."""
    lowest = np.minimum(np.minimum.accumulate(loss, axis=-1), start)
    rise: Floats = (loss - lowest).max(axis=-1)
    return rise


def _tenth(epochs: int) -> int:
    return max(1, epochs // 10)

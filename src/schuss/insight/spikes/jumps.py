"""Where the loss of a run jumps: steps that stand out against the median and spread of those before them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Jump", "find_jumps"]

Numbers = NDArray[np.float64]

SHORT, LONG = (
    16,
    64,
)  # steps before: the short median follows a fall, the long one is not carried up by a rise
SPREADS = 3.5  # so many spreads above the median stand out
SHARE = 0.5  # and no less than this share of the median
LONGEST = 128  # steps of one jump; what lasts longer is the new level
FEW = 6
FLOOR = 0.3  # share of the first loss that is added to a level that a jump is measured by
CHUNK = 2**15


class Jump(NamedTuple):
    """A jump of the loss.

    Attributes
    ----------
    onset, peak : int
        Its first step, and the step of its highest loss.
    before : float
        Median loss of the steps before the onset.
    least : float
        The smallest rise that would have been called a jump there.
    loss : float
        At the peak.
    """

    onset: int
    peak: int
    before: float
    least: float
    loss: float

    @property
    def rise(self) -> float:
        """How far the loss rose."""
        return self.loss - self.before


def find_jumps(losses: Numbers) -> list[Jump]:
    """Return the jumps among the losses of a run's steps, the worst first: by how many times it rose."""
    if len(losses) < 2:
        return []
    before, least = _levels(losses)
    jumps, free = list[Jump](), 1
    for onset in np.flatnonzero(losses > before + least).tolist():
        if onset >= free:
            peak, free = _extent(losses, onset, before[onset])
            level = float(before[onset]), float(least[onset])
            jumps.append(Jump(onset, peak, *level, float(losses[peak])))
    return sorted(jumps, key=lambda jump: -jump.rise / (jump.before + FLOOR * losses[0] + 1e-300))


def _extent(losses: Numbers, onset: int, before: float) -> tuple[int, int]:
    """Return the peak of the jump that begins at `onset`, and the step after its end."""
    ahead = losses[onset : onset + LONGEST]
    highest = np.maximum.accumulate(ahead)
    over = np.flatnonzero(ahead < before + 0.3 * (highest - before))
    end = int(over[0]) if len(over) else len(ahead)
    return onset + int(np.argmax(ahead[:end])), onset + end


def _levels(losses: Numbers) -> tuple[Numbers, Numbers]:
    """Return median and least rise of a jump, from the steps before each; infinite for the first step."""
    short, long = (_before(losses, width, 0.5) for width in (SHORT, LONG))
    before = np.minimum(short, long)
    before[0] = losses[0]
    off = losses - before
    around = np.abs(off - _before(off, LONG, 0.5))  # a steady fall has a steady distance from its median
    spread = np.maximum(1.4826 * _before(around, LONG, 0.5), _before(off, LONG, 0.9) / 1.2816)
    spread[:FEW] = 0  # too few steps to tell a spread from a fall
    before[0] = np.inf
    return before, np.maximum(SPREADS * spread, SHARE * np.abs(before))


def _before(values: Numbers, width: int, quantile: float) -> Numbers:
    """Return a quantile of the `width` values before each, of fewer at the beginning; 0 for the first."""
    found = np.zeros(len(values))
    for n in range(1, min(width, len(values))):
        found[n] = np.quantile(values[:n], quantile)
    for first in range(width, len(values), CHUNK):
        last = min(first + CHUNK, len(values))
        rows = np.lib.stride_tricks.sliding_window_view(values[first - width : last - 1], width)
        found[first:last] = np.quantile(rows, quantile, axis=1)
    return found

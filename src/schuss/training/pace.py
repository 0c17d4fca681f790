"""When a checkpoint of a training is due, and how far it may go until it asks again, by the clock."""

from __future__ import annotations

import time
from collections import deque
from statistics import median_low

__all__ = ["Pace"]

SHARE = 50  # of the time, what writing should take: one part
FAR = 0.75  # seconds from one to the next, beyond which it may take more than that
MOST_SHARE = 25  # but no more than one part of these
WRITES = 5  # of which the one in the middle says how long the next will take: one slow moment says nothing
NEAR = 0.8  # of the time between two: soon enough to write, rather than to go on for a short while
LOOKS = 2  # from one to the next, at least: a machine that slows down to a third is seen in time
GROWTH = 16  # from one stretch to the next; what short ones tell of the speed is little


class Pace:
    """The clock of one recording.

    Parameters
    ----------
    seconds : float
        From one checkpoint to the next, at least; 0: one at every step.
    writing : float
        Seconds that one may take to write, until it is known.
    """

    def __init__(self, seconds: float, writing: float) -> None:
        self._seconds = seconds
        self._writes = deque([writing], WRITES)
        self._ended = self._asked = time.perf_counter()
        self._from, self._speed, self._most = 0, 0.0, 1

    @property
    def writing(self) -> float:
        """Seconds that a checkpoint takes to write, as far as is known."""
        return median_low(self._writes)

    @property
    def spacing(self) -> float:
        """Seconds from one checkpoint to the next."""
        seldom = min(SHARE * self.writing, FAR)
        return self._seconds and max(self._seconds, seldom, MOST_SHARE * self.writing)

    def until(self, step: int) -> int:
        """Return up to which step the training may go on before it asks again whether something is due."""
        self._from, self._asked = step, time.perf_counter()
        left = self._ended + self.spacing - self._asked
        aim = min(left, self.spacing / LOOKS)
        return step + max(1, round(min(aim * self._speed, self._most)))

    def is_due(self, step: int) -> bool:
        """Return whether a checkpoint is due at `step`."""
        now, steps = time.perf_counter(), step - self._from
        self._speed, self._most = steps / max(now - self._asked, 1e-6), GROWTH * steps
        return now - self._ended >= NEAR * self.spacing

    def wrote(self, seconds: float) -> None:
        """Take note that a checkpoint was written, which took so long."""
        self._writes.append(seconds)
        self._ended = time.perf_counter()

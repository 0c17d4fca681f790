"""How much time is left, and whether some work fits into it. The only clock of a search."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable

__all__ = ["Clock"]

FASTEST = 2e11  # multiply-adds a second of one processor: no training is quicker


class Clock:
    """A budget of seconds that runs from the moment it is made.

    Parameters
    ----------
    budget : float or None
        In seconds; None: as long as it takes.
    """

    def __init__(self, budget: float | None) -> None:
        self._began = time.monotonic()
        self._budget = math.inf if budget is None else budget
        self._speeds: dict[Hashable, float] = {}
        self._speed = FASTEST  # of work of a kind that has not been done yet
        self.reserved = 0.0  # seconds that are needed after the search

    @property
    def spent(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds left, infinite without a budget."""
        return self._budget - self.spent

    def seconds(self, work: float, kind: Hashable) -> float:
        """Return how long `work` will take, by the work of its kind before, or of any kind."""
        return work / self._speeds.get(kind, self._speed)

    def has(self, work: float, kind: Hashable, before: float = 0.0) -> bool:
        """Whether there is time for `before` seconds, then some work, and what is reserved."""
        return self.left > before + self.seconds(work, kind) + self.reserved

    def learn(self, work: float, kind: Hashable, seconds: float) -> None:
        """Remember how fast work was done."""
        speed = work / max(seconds, 1e-9)
        self._speeds[kind] = math.sqrt(speed * self._speeds.get(kind, speed))
        self._speed = speed if self._speed == FASTEST else math.sqrt(speed * self._speed)

"""How long something took, and how many cores it kept busy: fewer than one says that others were at work."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Self

__all__ = ["Clock", "Others", "disturbed"]

UNDISTURBED = 0.9  # of a core


class Clock:
    """A context that measures its body in `seconds` and busy `cores`, those of all threads together."""

    seconds = cores = 0.0

    def __enter__(self) -> Self:
        self._began, self._worked = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *raised: object) -> None:
        worked = time.process_time() - self._worked
        self.seconds = time.perf_counter() - self._began
        self.cores = worked / self.seconds


class Others:
    """How many cores other processes than this one and its ended children have kept busy since then."""

    def __init__(self) -> None:
        self._began, self._before = time.perf_counter(), self._worked()

    @staticmethod
    def _worked() -> float:
        """Return the seconds that others have worked since the system's start; NaN where nobody tells."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return float("nan")
        user, nice, system, _idle, _waiting, *interrupts = map(int, stat.read_text().split()[1:8])
        ours = sum(os.times()[:4])
        return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK") - ours

    def cores(self) -> float:
        """Return how many, on average."""
        return (self._worked() - self._before) / (time.perf_counter() - self._began)


def disturbed(cores: float) -> str:
    """Return a mark for the note where other processes took a part of the only core that was needed."""
    return "DISTURBED" if cores < UNDISTURBED else ""

"""How long something took, and how many cores it kept busy: fewer than one says that others were at work."""

from __future__ import annotations

import time
from typing import Self

__all__ = ["Clock", "disturbed"]

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


def disturbed(cores: float) -> str:
    """Return a mark for the note where other processes took a part of the only core that was needed."""
    return "DISTURBED" if cores < UNDISTURBED else ""

"""The norms of a recorded training: of every so many steps, thinned so that they never take too much room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schuss.engine.engine import norms_before
from schuss.method.functions import Array

__all__ = ["NO_NORMS", "ComingNorms", "Norms"]


@dataclass(frozen=True, eq=False)
class Norms:
    """Lengths of gradient, memory and change; see `schuss.engine.engine.Advance`.

    Attributes
    ----------
    first_every : int
        At first they are those of each step that this divides; 0: of none.
    halvings : int
        How often every second row has been given up since.
    rows : ndarray, shape (rows, 3)
        Those from step 0 on, in the dtype of the training.
    """

    first_every: int
    halvings: int
    rows: Array

    @property
    def every(self) -> int:
        """How many steps lie between two rows now; 0: there are none."""
        return self.first_every << self.halvings

    def before(self, step: int) -> Norms:
        """Return those of the steps before `step`."""
        return Norms(self.first_every, self.halvings, self.rows[: norms_before(step, self.every)])

    def up_to(self, step: int) -> Norms:
        """Return those of the steps before `step`, NaN where they are not known."""
        rows = np.full((norms_before(step, self.every), 3), np.nan, self.rows.dtype)
        known = self.before(step).rows
        rows[: len(known)] = known
        return Norms(self.first_every, self.halvings, rows)

    def thinned(self, times: int) -> Norms:
        """Return what is left when every second row is given up, so many times."""
        return Norms(self.first_every, self.halvings + times, self.rows[:: 1 << times])


NO_NORMS = Norms(0, 0, np.empty((0, 3)))


class ComingNorms:
    """Those of a training under way that are not on the disk yet.

    Parameters
    ----------
    written : Norms
        What is there already.

    Attributes
    ----------
    written : int
        How many rows are on the disk.
    halvings : int
        How often every second row has been given up.
    """

    def __init__(self, written: Norms) -> None:
        self.written, self.halvings = len(written.rows), written.halvings
        self._first_every = written.first_every
        self._parts, self._count = list[Array](), 0

    @property
    def every(self) -> int:
        """How many steps lie between two rows now; 0: there are none."""
        return self._first_every << self.halvings

    def add(self, step: int, rows: Array) -> None:
        """Take those of the steps from `step` on, instead of any that have come from there."""
        self._cut(norms_before(step, self.every) - self.written)
        self._parts.append(rows)
        self._count += len(rows)

    def _cut(self, count: int) -> None:
        """Leave the first `count` of the rows that are not written."""
        while self._count > count:
            last = self._parts.pop()
            self._count -= len(last)
            if self._count < count:
                self._parts.append(last[: count - self._count])
                self._count = count

    def halvings_for(self, most: int) -> int:
        """Return how often every second row is to be given up, that at most `most` are left."""
        times, count = 0, self.written + self._count
        while -(-count >> times) > max(1, most):  # the first stays, so halves are rounded up
            times += 1
        return times

    def thin(self, times: int) -> None:
        """Give up every second row, so many times, and take it that those written were given up as well."""
        distance, begin, left = 1 << times, self.written, list[Array]()
        for part in self._parts:
            left.append(part[-begin % distance :: distance])
            begin += len(part)
        self._parts, self._count = left, sum(map(len, left))
        self.written = -(-self.written // distance)
        self.halvings += times

    def hand_over(self) -> list[Array]:
        """Return all of them in parts; from now on they count as written."""
        parts, self._parts = self._parts, []
        self.written, self._count = self.written + self._count, 0
        return parts

"""The norms of a recorded training: of every so many steps, thinned so that they never take too much room."""

from __future__ import annotations

import numpy as np

from schuss.engine.engine import NO_NORMS, norms_before
from schuss.method.functions import Array

__all__ = ["Norms"]


class Norms:
    """Lengths of gradient, memory and change, as they come in; see `schuss.engine.engine.Advance`.

    Parameters
    ----------
    every : int
        At first they are those of each step that this divides; 0: of none.
    halvings : int
        How often every second row has been given up since.
    rows : float64 ndarray, shape (rows, 3)
        Those from step 0 on.
    """

    def __init__(self, every: int, halvings: int = 0, rows: Array = NO_NORMS) -> None:
        self.halvings = halvings
        self._first_every = every
        self._room, self._count = rows, len(rows)

    @property
    def every(self) -> int:
        """How many steps lie between two rows now; 0: there are none."""
        return self._first_every << self.halvings

    @property
    def rows(self) -> Array:
        """All of them, shape (rows, 3): a view, for this moment."""
        return self._room[: self._count]

    def before(self, step: int) -> Array:
        """Return those of the steps before `step`."""
        return self.rows[: norms_before(step, self.every)]

    def up_to(self, step: int) -> Norms:
        """Return those of the steps before `step`, NaN where they are not known."""
        rows = np.full((norms_before(step, self.every), 3), np.nan)
        known = self.before(step)
        rows[: len(known)] = known
        return Norms(self._first_every, self.halvings, rows)

    def add(self, step: int, rows: Array) -> None:
        """Take those of the steps from `step` on, instead of any that are known from there."""
        kept = norms_before(step, self.every)
        self._count = kept + len(rows)
        if self._count > len(self._room):
            room = np.empty((max(self._count, 2 * len(self._room)), 3))
            room[:kept] = self._room[:kept]
            self._room = room
        self._room[kept : self._count] = rows

    def thin(self, most: int) -> bool:
        """Give up every second row, again and again, until there are at most `most`; say whether any was."""
        before = self.halvings
        while self._count > max(1, most):
            self._room = self.rows[::2].copy()
            self._count = len(self._room)
            self.halvings += 1
        return self.halvings > before

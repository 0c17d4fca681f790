"""Orders in which each epoch shuffles the one before, made as they are needed.

An engine keeps one of these from call to call: the next epoch after the last costs one shuffle, and an
epoch that was passed lately is gone back to; any other is reached from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from schuss.method.orders import Shuffled

__all__ = ["Draw", "Shuffles", "draw_with_numpy"]

KEPT = 4  # states remembered


@dataclass
class _Place:
    """Where the drawing stands before an epoch."""

    words: NDArray[np.uint32]
    position: int
    order: NDArray[np.int32]


Draw = Callable[[NDArray[np.uint32], int, NDArray[np.int32], NDArray[np.int32]], int]
"""Fill the last argument, shape (epochs, n), change words and order in place, and return the new position."""


def draw_with_numpy(
    words: NDArray[np.uint32], position: int, order: NDArray[np.int32], out: NDArray[np.int32]
) -> int:
    """Draw orders with NumPy's own generator."""
    generator = np.random.RandomState()
    generator.set_state(("MT19937", words, position, 0, 0.0))
    for row in out:
        places = np.arange(len(order))
        generator.shuffle(places)
        row[...] = order[...] = order[places]
    state = generator.get_state(legacy=False)["state"]
    words[...] = state["key"]
    return int(state["pos"])


class Shuffles:
    """The orders of one `Shuffled` for `n` samples."""

    def __init__(self, order: Shuffled, n: int, draw: Draw) -> None:
        self.key = (order, n)
        self._draw = draw
        first = _Place(order.words, order.position, np.arange(n, dtype=np.int32))
        self._places = {0: first}
        self._lock = Lock()  # two threads may train with one engine

    def orders(self, first: int, last: int) -> NDArray[np.int32]:
        """Return the orders of epochs [first, last), shape (epochs, n)."""
        with self._lock:
            nearest = max(epoch for epoch in self._places if epoch <= first)
            place = self._places[nearest]
        place = _Place(place.words.copy(), place.position, place.order.copy())
        if nearest < first:
            self._go_on(place, first - nearest)
            self._keep(first, place)
        made = self._go_on(place, last - first)
        self._keep(last, place)
        return made

    def _go_on(self, place: _Place, epochs: int) -> NDArray[np.int32]:
        made = np.empty((epochs, len(place.order)), np.int32)
        place.position = self._draw(place.words, place.position, place.order, made)
        return made

    def _keep(self, epoch: int, place: _Place) -> None:
        kept = _Place(place.words.copy(), place.position, place.order.copy())
        with self._lock:
            self._places.pop(epoch, None)
            self._places[epoch] = kept
            for old in list(self._places)[1:-KEPT]:  # the beginning stays
                del self._places[old]

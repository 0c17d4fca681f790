"""What an engine keeps from call to call while a training is under way, and lets go at its end.

The kernel can go on where it left off only if the state that it is given is the one that it gave out. That
is known by the arrays themselves: they are those that were given out, and nobody can have written to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from schuss.method.functions import Array

__all__ = ["Keeping", "frozen", "keeping", "under_way"]


class Keeping:
    """What is kept of one training.

    Attributes
    ----------
    rooms : object or None
        The engine's own: where its workspaces are.
    last : (ndarray, ndarray, int)
        The arrays of the state given out last, and the ticket by which the engine knows it; or nothing. One
        value, so that no thread finds the arrays of one state beside the ticket of another.
    """

    def __init__(self) -> None:
        self.rooms: Any = None
        self.last: tuple[Array, Array, int] | None = None

    def ticket_of(self, theta: Array, memory: Array) -> int:
        """Return the ticket of a state, 0 if it is not the one that was given out last."""
        last = self.last
        return last[2] if last and last[0] is theta and last[1] is memory else 0

    def give_out(self, theta: Array, memory: Array, ticket: int) -> tuple[Array, Array]:
        """Return the arrays of a state as those that `ticket` stands for; nothing is kept if that is 0."""
        self.last = None
        if ticket:
            theta, memory = frozen(theta), frozen(memory)
            self.last = theta, memory, ticket
        return theta, memory


_KEEPING: ContextVar[Keeping | None] = ContextVar("schuss_keeping", default=None)


@contextmanager
def under_way() -> Iterator[None]:
    """Let engines keep what they need for the calls made here: for one training."""
    token = _KEEPING.set(Keeping())
    try:
        yield
    finally:
        _KEEPING.reset(token)


def keeping() -> Keeping | None:
    """Return what is kept of the training under way, or None where none is."""
    return _KEEPING.get()


def frozen(array: Array) -> Array:
    """Return `array`, which nobody else holds, as one that cannot be made writeable again."""
    return np.asarray(array.data.toreadonly())

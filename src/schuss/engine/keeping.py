"""What an engine keeps from call to call while a training is under way, and lets go at its end.

The kernel can go on where it left off only if the state that it is given is the one that it gave out. That
is known by the arrays themselves: they are those that were given out, and nobody can have written to them.

A large state that nobody goes back to need not stand beside the one that steps make of it: the training says
which it is, and the engine writes over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from schuss.method.functions import Array
from schuss.method.state import State

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
    spare : State or None
        The training gave it up: its arrays may be written over. The engine puts what stands in them then in
        its place; until it knows what that is, there is none.
    """

    def __init__(self) -> None:
        self.rooms: Any = None
        self.last: tuple[Array, Array, int] | None = None
        self.spare: State | None = None

    def may_write_over(self, state: State) -> bool:
        """Return whether `state` is spare, and its arrays are its own."""
        return state is self.spare and all(
            array.flags.owndata and array.flags.c_contiguous for array in (state.theta, state.memory)
        )

    def use_up(self, state: State) -> None:
        """Let the arrays of `state` be written over."""
        self.spare = None
        state.theta.setflags(write=True)
        state.memory.setflags(write=True)

    def rooms_of(self, kind: Callable[[], Any]) -> Any:
        """Return the engine's own, made by `kind` when it is first asked for."""
        if self.rooms is None:
            self.rooms = kind()
        return self.rooms

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
def under_way() -> Iterator[Keeping]:
    """Let engines keep what they need for the calls made here: for one training."""
    kept = Keeping()
    token = _KEEPING.set(kept)
    try:
        yield kept
    finally:
        _KEEPING.reset(token)


def keeping() -> Keeping | None:
    """Return what is kept of the training under way, or None where none is."""
    return _KEEPING.get()


def frozen(array: Array) -> Array:
    """Return `array`, which nobody else holds, as one that cannot be made writeable again."""
    return np.asarray(array.data.toreadonly())

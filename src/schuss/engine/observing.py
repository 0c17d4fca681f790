"""Weights to watch, checked, and room for what is seen of them: what `observe` needs on every engine."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Advance, Observed
from schuss.errors import SettingError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["Room", "Watch"]


class Room(NamedTuple):
    """The fields of `Observed` that the engine fills, for some steps."""

    theta: Array
    memory: Array
    sums: Array
    factor: Array
    rows: NDArray[np.int32]
    y: Array
    delta: Array


class Watch:
    """The weights to watch in steps [state.step, stop), with room for what is seen; the engine fills it."""

    def __init__(
        self, network: Network, state: State, samples: Samples, plan: Plan, stop: int, weights: Any
    ) -> None:
        self.weights = _checked(weights, network.n_parameters)
        self._start = state.step
        steps, m = check_integer("stop", stop, low=state.step) - state.step, len(self.weights)
        batch, T = plan.batch_of(len(samples)), state.theta.dtype
        self._room = Room(
            np.empty((steps, m), T),
            np.empty((steps, len(state.memory), m), T),
            np.empty((steps, m), T),
            np.empty(steps, T),
            np.empty((steps, batch), np.int32),
            np.empty((steps, batch, m), T),
            np.empty((steps, batch, m), T),
        )

    def room(self, start: int, stop: int) -> Room:
        """Return the room for steps [start, stop) of the plan."""
        first, last = start - self._start, stop - self._start
        return Room(*(array[first:last] for array in self._room))

    def seen(self, made: Advance) -> Observed:
        """Return what was seen in the steps that were made, or raise what interrupted them."""
        if made.error is not None:
            raise made.error
        return Observed(made.state, made.losses, *self.room(self._start, made.state.step))


def _checked(weights: Any, n_parameters: int) -> NDArray[np.int64]:
    places = np.asarray(weights)
    if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
        raise SettingError(f"weights must be places in theta, a list of integers; got {weights!r}.")
    outside = (places < 0) | (places >= n_parameters)
    if outside.any():
        raise SettingError(
            f"weights must lie in [0, {n_parameters - 1}], the places in theta; got {places[outside][0]}."
        )
    return np.ascontiguousarray(places, np.int64)

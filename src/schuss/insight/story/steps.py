"""The steps of a run walked through once more: the states before and after each, its rows and its rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.method.functions import Array
from schuss.method.state import State
from schuss.training.replay import Replay

__all__ = ["Step", "walk"]


class Step(NamedTuple):
    """One step.

    Attributes
    ----------
    before, after : State
    rows : int32 ndarray, shape (batch,)
        Its samples, in the order in which their terms are added up.
    rates : list of float
        What the rule was given.
    keep : float
        What weight decay left of the weights.
    loss : float
        Of the batch, before the update.
    """

    before: State
    after: State
    rows: NDArray[np.int32]
    rates: list[float]
    keep: float
    loss: float

    @property
    def number(self) -> int:
        """The step, counted from 0."""
        return self.before.step

    @property
    def change(self) -> Array:
        """What it changed, shape (n_parameters,), float64."""
        return self.after.theta.astype(np.float64) - self.before.theta


def walk(replay: Replay, state: State, stop: int) -> Iterator[Step]:
    """Yield the steps [state.step, stop) of a run from `state`, which must be its own."""
    n, plan = len(replay.samples), replay.plan
    first = state.step
    rates, keeps = plan.rates(first, stop, n).tolist(), plan.keeps(first, stop, n).tolist()
    for step in range(first, stop):
        made = replay.run(state, step + 1)
        rows = replay.engine.rows_of(plan, step, n)
        yield Step(state, made.state, rows, rates[step - first], keeps[step - first], float(made.losses[0]))
        state = made.state

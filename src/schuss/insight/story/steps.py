"""The steps of a run walked through once more: the states before and after each, its rows and its rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.engine.shuffles import Shuffles, draw_with_numpy
from schuss.method.functions import Array
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.state import State
from schuss.training.replay import Replay

__all__ = ["Batches", "Step", "walk"]


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


@dataclass
class Batches:
    """Which rows each step takes; the order of the epoch asked about last is kept."""

    plan: Plan
    n: int

    def __post_init__(self) -> None:
        self._epoch, self._order = -1, np.empty(0, np.int32)
        order = self.plan.order
        self._shuffles = Shuffles(order, self.n, draw_with_numpy) if isinstance(order, Shuffled) else None

    def __getitem__(self, step: int) -> NDArray[np.int32]:
        epoch, place = divmod(step, self.plan.steps_per_epoch(self.n))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._drawn(epoch)
        size = self.plan.batch_of(self.n)
        return self._order[place * size : (place + 1) * size]

    def _drawn(self, epoch: int) -> NDArray[np.int32]:
        if self._shuffles is None:
            return self.plan.order_of(epoch, self.n)
        return self._shuffles.orders(epoch, epoch + 1)[0]


def walk(replay: Replay, state: State, stop: int) -> Iterator[Step]:
    """Yield the steps [state.step, stop) of a run from `state`, which must be its own."""
    n, plan = len(replay.samples), replay.plan
    batches, first = Batches(plan, n), state.step
    rates, keeps = plan.rates(first, stop, n).tolist(), plan.keeps(first, stop, n).tolist()
    for step in range(first, stop):
        made = replay.run(state, step + 1)
        rows = batches[step]
        yield Step(state, made.state, rows, rates[step - first], keeps[step - first], float(made.losses[0]))
        state = made.state

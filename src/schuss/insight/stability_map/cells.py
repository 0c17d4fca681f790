"""The cells of a map while it is made: which to train next, and what the trained ones did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.stability_map.classes import judged
from schuss.insight.stability_map.setup import Setup
from schuss.insight.sweep import sweep
from schuss.training.many import NOT_DIVERGED

__all__ = ["Cells", "Level", "at_borders"]

Mask = NDArray[np.bool_]


class Level(NamedTuple):
    """What is known of a level's cells, R rates times M momenta.

    Attributes
    ----------
    loss : float64 ndarray, shape (R, M, epochs)
        NaN where it was not finite, and of cells that are not trained.
    diverged_at : int64 ndarray, shape (R, M)
    trained : bool ndarray, shape (R, M)
    """

    loss: NDArray[np.float64]
    diverged_at: NDArray[np.int64]
    trained: Mask


class Cells:
    """All cells of the finest level; each is trained once, whichever levels it belongs to."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        shape = (setup.grid.side, setup.grid.side)
        never = np.full(shape, NOT_DIVERGED, np.int64)
        self._all = Level(np.full((*shape, setup.plan.epochs), np.nan), never, np.zeros(shape, bool))

    def of(self, level: int) -> Level:
        """Return a copy of what is known of a level."""
        every = slice(None, None, self._setup.grid.stride(level))
        loss, diverged_at, trained = self._all
        return Level(
            loss[every, every].copy(), diverged_at[every, every].copy(), trained[every, every].copy()
        )

    def stages(self, level: int, goal: float | None) -> Iterator[Mask]:
        """Yield which cells of a level to train next: first those between unlike ones, then the others."""
        known = self.of(level)
        first = np.ones_like(known.trained)
        if level:
            first = at_borders(judged(known.loss[::2, ::2], self._setup.start, goal).classes)
        stages = (first & ~known.trained, ~first & ~known.trained)
        return (stage for stage in stages if stage.any())

    def train(self, level: int, chosen: Mask) -> None:
        """Train those cells of a level that are `chosen`, in one sweep."""
        i, j = np.nonzero(chosen)
        setup, samples = self._setup, self._setup.samples
        momenta: dict[str, Any] = {setup.keeps_by: setup.grid.momentum(level)[j]}
        found = sweep(
            *(setup.network, samples.X, samples.T if samples.classes is None else samples.classes),
            setup.plan,
            learning_rate=setup.grid.learning_rate(level)[i],
            product=False,
            engine=setup.engine,
            theta=setup.theta,
            weights=samples.weights,
            **momenta,
        )
        stride = setup.grid.stride(level)
        places = i * stride, j * stride
        self._all.loss[places] = found.loss
        self._all.diverged_at[places] = found.diverged_at
        self._all.trained[places] = True


def at_borders(classes: NDArray[np.int8]) -> Mask:
    """Return which cells of the next level, shape (2R−1, 2M−1), have unlike ones of these around them."""
    rates, momenta = (
        [(np.arange(2 * size - 1) + up) // 2 for up in (0, 1)]  # the nearest of these below and above
        for size in classes.shape
    )
    corners = [classes[np.ix_(i, j)] for i in rates for j in momenta]
    unlike: Mask = np.logical_or.reduce([corner != corners[0] for corner in corners])
    return unlike

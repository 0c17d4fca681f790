"""What those who watch a training are told: callbacks after each epoch, a progress display between steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.state import State

__all__ = ["Callback", "Epoch", "Tick", "Ticker", "silent"]

TICK_SECONDS = 0.05


def silent(_: str) -> None:
    """Say nothing of what was decided."""


class Epoch(NamedTuple):
    """What a callback is told after each epoch. Returning True stops the training."""

    number: int  # of epochs trained so far, from 1
    loss: float
    validation_loss: float | None
    state: State
    network: Network
    plan: Plan


Callback = Callable[[Epoch], bool | None]


class Tick(NamedTuple):
    """What a progress display is told some twenty times a second."""

    epoch: int
    step: int
    steps: int
    loss: float
    samples_per_second: float


class Ticker:
    """Asked between steps, tells `display` where a training on `n` samples stands that begins at `step`."""

    def __init__(self, display: Callable[[Tick], None] | None, plan: Plan, n: int, step: int) -> None:
        self._display, self._from, self._began = display, step, time.perf_counter()
        self._per_epoch, self._batch, self._steps = plan.steps_per_epoch(n), plan.batch_of(n), plan.steps(n)
        self._next = self._began + TICK_SECONDS

    def __call__(self, step: int, loss: float) -> bool:
        """Tell it if it is time; return that the training goes on."""
        now = time.perf_counter()
        if self._display is not None and now >= self._next:
            self._next = now + TICK_SECONDS
            speed = (step - self._from) * self._batch / max(now - self._began, 1e-9)
            self._display(Tick(step // self._per_epoch, step, self._steps, loss, speed))
        return False

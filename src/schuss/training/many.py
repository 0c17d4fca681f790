"""The loop that trains many networks of one shape at once, in strides of steps.

Where loss or weights are no longer finite, that network is run again by itself to find the step; the others
go on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import AdvanceMany, Engine
from schuss.method.network import Network
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import States
from schuss.training.divergence import divergence
from schuss.training.means import epoch_means

__all__ = ["NOT_DIVERGED", "ManyTrainings"]

NOT_DIVERGED = -1
STRIDE_SECONDS = 0.1
FLOPS_AT_FIRST = 1e8  # some 50 ms on a slow core
MOST_LOSSES = 2**22  # of a stride, 32 MB
MOST_PLACES = 2**24  # in its orders, 64 MB


@dataclass
class ManyTrainings:
    """Trainings under way. The fields change as they go on; what they hold is always that of whole strides.

    Attributes
    ----------
    states : States
        Of a network that diverged: its last finite state, that before the step `diverged_at`.
    losses : list of float64 ndarrays, shape (networks, steps)
        The losses of steps whose epochs are not complete.
    means : list of float64 ndarrays, shape (networks, epochs)
        The losses of epochs; NaN from where a network diverged.
    diverged_at : int64 ndarray, shape (networks,)
        The step whose update gave the first number that is not finite, or NOT_DIVERGED.
    """

    network: Network
    samples: Samples
    plans: Plans
    engine: Engine
    states: States
    losses: list[NDArray[np.float64]] = field(default_factory=list)
    means: list[NDArray[np.float64]] = field(default_factory=list)
    diverged_at: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.diverged_at = np.full(len(self.states), NOT_DIVERGED, np.int64)
        self._stride = max(1, int(FLOPS_AT_FIRST / self._flops()))

    @property
    def loss(self) -> NDArray[np.float64]:
        """Mean loss of each whole epoch, shape (networks, epochs)."""
        return np.concatenate([np.empty((len(self.states), 0)), *self.means], axis=1)

    def run(self) -> None:
        """Run to the end of the plans; KeyboardInterrupt leaves what the strides before have made."""
        total = self.plans.plan.steps(len(self.samples))
        while self.states.step < total:
            began = time.perf_counter()
            self._one_stride(min(total, self.states.step + self._steps_at_once()))
            share = STRIDE_SECONDS / max(time.perf_counter() - began, 1e-6)
            self._stride = max(1, int(self._stride * min(4.0, share)))

    def _flops(self) -> float:
        rows = self.plans.plan.batch_of(len(self.samples))
        return 6.0 * self.network.n_parameters * rows * len(self.states)

    def _steps_at_once(self) -> int:
        n, per_epoch = len(self.samples), self.plans.plan.steps_per_epoch(len(self.samples))
        epochs = max(1, MOST_PLACES // (n * len(set(self.plans.orders()))))
        of_orders = epochs * per_epoch - self.states.step % per_epoch
        return max(1, min(self._stride, of_orders, MOST_LOSSES // len(self.states)))

    def _one_stride(self, stop: int) -> None:
        going = np.flatnonzero(self.diverged_at == NOT_DIVERGED)
        everyone = len(going) == len(self.states)
        before = self.states if everyone else self.states.take(going)
        plans = self.plans if everyone else self.plans.take(going.tolist())
        if len(going):
            made = self.engine.advance_many(self.network, before, self.samples, plans, stop)
            if made.error is not None:
                raise made.error
        else:
            made = AdvanceMany.of(before, np.empty((0, stop - before.step)))
        made, diverged_at = self._settled(made, before, plans, stop)
        self._keep(made, going, stop)
        self.diverged_at[going] = diverged_at

    def _settled(
        self, made: AdvanceMany, before: States, plans: Plans, stop: int
    ) -> tuple[AdvanceMany, NDArray[np.int64]]:
        """Return the same with each diverged network in its last finite state, and where each diverged."""
        diverged_at = np.full(len(before), NOT_DIVERGED, np.int64)
        if made.finite.all():
            return made, diverged_at
        theta, memory, losses = made.states.theta.copy(), made.states.memory.copy(), made.losses
        for i in np.flatnonzero(~made.finite).tolist():
            error = divergence(self.engine, self.network, before[i], self.samples, plans[i], stop)
            theta[i], memory[i] = error.state.theta, error.state.memory
            losses[i, error.step - before.step :] = np.nan
            diverged_at[i] = error.step
        return made._replace(states=States(theta, memory, stop)), diverged_at

    def _keep(self, made: AdvanceMany, going: NDArray[np.intp], stop: int) -> None:
        states, losses = made.states, made.losses
        if len(going) < len(self.states):
            theta, memory = self.states.theta.copy(), self.states.memory.copy()
            theta[going], memory[going] = made.states.theta, made.states.memory
            states = States(theta, memory, stop)
            losses = np.full((len(self.states), made.losses.shape[1]), np.nan)
            losses[going] = made.losses
        self.states = states
        self.losses.append(losses)
        self._close_epochs()

    def _close_epochs(self) -> None:
        per_epoch = self.plans.plan.steps_per_epoch(len(self.samples))
        open_steps = self.states.step % per_epoch
        losses = self.losses[0] if len(self.losses) == 1 else np.concatenate(self.losses, axis=1)
        closed = losses.shape[1] - open_steps
        if closed <= 0:
            return
        self.means.append(epoch_means(losses[:, :closed], self.plans.plan, len(self.samples)))
        self.losses = [losses[:, closed:]] if open_steps else []

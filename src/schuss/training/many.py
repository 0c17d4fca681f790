"""The loop that trains many networks of one shape at once, in strides of steps.

Where loss or weights are no longer finite, that network is run again by itself to find the step; the others
go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import AdvanceMany, Engine
from schuss.method.means import epoch_means
from schuss.method.network import Network
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import States
from schuss.training.divergence import divergence

__all__ = ["NOT_DIVERGED", "ManyTrainings", "Reached"]

NOT_DIVERGED = -1
STRIDE_SECONDS = 0.1
FLOPS_AT_FIRST = 4e8  # some 200 ms for networks by themselves
FLOPS_IN_LANES = 1e10  # some 100 ms for many small ones
LANES, SMALL = 16, 500  # networks, and their parameters, from and up to which they surely are such
MOST_LOSSES = 2**21  # that a stride tells of, 16 MB
MOST_PLACES = 2**24  # in its orders, 64 MB


@dataclass(frozen=True)
class Reached:
    """Where many trainings stand after a stride. A new one takes its place, so that Ctrl-C finds it whole.

    Attributes
    ----------
    states : States
        Of a network that diverged: its last finite state, that before the step `diverged_at`.
    diverged_at : int64 ndarray, shape (networks,)
        The step that gave the first number that is not finite, or NOT_DIVERGED.
    means : tuple of float64 ndarrays, shape (networks, epochs)
        The losses of epochs, a part from each stride; NaN from where a network diverged.
    steps : float64 ndarray, shape (networks, steps)
        The losses of the steps of an epoch that is not complete.
    """

    states: States
    diverged_at: NDArray[np.int64]
    means: tuple[NDArray[np.float64], ...]
    steps: NDArray[np.float64]

    @classmethod
    def start(cls, states: States) -> Reached:
        """Return where trainings from `states` begin."""
        never = np.full(len(states), NOT_DIVERGED, np.int64)
        return cls(states, never, (), np.empty((len(states), 0)))

    @property
    def loss(self) -> NDArray[np.float64]:
        """Mean loss of each whole epoch, shape (networks, epochs)."""
        if len(self.means) == 1:  # as it is: new pages for a copy cost more than the copying
            return self.means[0]
        return np.concatenate([np.empty((len(self.states), 0)), *self.means], axis=1)


class ManyTrainings:
    """Trainings under way; `reached` is where they stand."""

    def __init__(
        self, engine: Engine, network: Network, samples: Samples, plans: Plans, states: States
    ) -> None:
        self.reached = Reached.start(states)
        self._engine, self._network, self._samples, self._plans = engine, network, samples, plans
        self._per_epoch = plans.plan.steps_per_epoch(len(samples))
        flops = 6.0 * network.n_parameters * plans.plan.batch_of(len(samples)) * len(plans)
        in_lanes = len(plans) >= LANES and network.n_parameters <= SMALL
        self._stride = max(1, int((FLOPS_IN_LANES if in_lanes else FLOPS_AT_FIRST) / flops))

    def run(self, progress: Callable[[float], object] | None = None) -> None:
        """Run to the end of the plans; KeyboardInterrupt leaves in `reached` what the strides before made.

        `progress` is given the share of the steps that is done, after each stride.
        """
        total = self._plans.plan.steps(len(self._samples))
        while self.reached.states.step < total:
            began = time.perf_counter()
            self.reached = self._after_stride(min(total, self.reached.states.step + self._steps_at_once()))
            share = STRIDE_SECONDS / max(time.perf_counter() - began, 1e-6)
            self._stride = max(1, int(self._stride * min(4.0, share)))
            if progress is not None:
                progress(self.reached.states.step / total)

    def _steps_at_once(self) -> int:
        n, per_epoch = len(self._samples), self._per_epoch
        epochs = max(1, MOST_PLACES // (n * len(self._plans.orders[0])))
        begun = self.reached.states.step % per_epoch
        most = MOST_LOSSES // len(self._plans)
        if begun == 0 and per_epoch <= most:  # whole epochs tell one loss each
            most *= per_epoch
        steps = max(1, min(self._stride, epochs * per_epoch - begun, most))
        beyond = (begun + steps) % per_epoch  # where an epoch can be ended, end it: its losses need not wait
        return steps - beyond if steps > beyond else steps

    def _after_stride(self, stop: int) -> Reached:
        before = self.reached.states
        going = np.flatnonzero(self.reached.diverged_at == NOT_DIVERGED)
        epochs = before.step % self._per_epoch == stop % self._per_epoch == 0
        if len(going) == len(before):
            states, losses, diverged_at = self._advance(before, self._plans, stop, epochs)
            return self._closed(states, losses, diverged_at, epochs)
        theta, memory, diverged_at = (
            before.theta.copy(),
            before.memory.copy(),
            self.reached.diverged_at.copy(),
        )
        losses = np.full((len(before), (stop - before.step) // self._unit(epochs)), np.nan)
        if len(going):
            plans = self._plans.take(going.tolist())
            states, losses[going], diverged_at[going] = self._advance(before.take(going), plans, stop, epochs)
            theta[going], memory[going] = states.theta, states.memory
        return self._closed(States(theta, memory, stop), losses, diverged_at, epochs)

    def _unit(self, epochs: bool) -> int:
        """Return of how many steps a loss is told."""
        return self._per_epoch if epochs else 1

    def _advance(
        self, before: States, plans: Plans, stop: int, epochs: bool
    ) -> tuple[States, NDArray[np.float64], NDArray[np.int64]]:
        """Return states after, losses of steps or epochs and where each network diverged."""
        where = self._network, before, self._samples, plans, stop
        made = self._engine.advance_many(*where, epochs=epochs)
        if made.error is not None:
            raise made.error
        diverged_at = np.full(len(before), NOT_DIVERGED, np.int64)
        if made.finite.all():
            return made.states, made.losses, diverged_at
        return self._settled(made, before, plans, stop, diverged_at, epochs)

    def _settled(
        self,
        made: AdvanceMany,
        before: States,
        plans: Plans,
        stop: int,
        diverged_at: NDArray[np.int64],
        epochs: bool,
    ) -> tuple[States, NDArray[np.float64], NDArray[np.int64]]:
        """Return the same with each diverged network in its last finite state."""
        theta, memory, losses = made.states.theta.copy(), made.states.memory.copy(), made.losses
        for i in np.flatnonzero(~made.finite).tolist():
            told, _ = divergence(self._engine, self._network, before[i], self._samples, plans[i], stop)
            theta[i], memory[i], diverged_at[i] = told.state.theta, told.state.memory, told.step
            losses[i, (told.step - before.step) // self._unit(epochs) :] = np.nan
        return States(theta, memory, stop), losses, diverged_at

    def _closed(
        self, states: States, losses: NDArray[np.float64], diverged_at: NDArray[np.int64], epochs: bool
    ) -> Reached:
        """Return what is reached, with the losses of the epochs that are now complete."""
        plan, n = self._plans.plan, len(self._samples)
        if epochs:
            means = (*self.reached.means, losses)
            return replace(self.reached, states=states, diverged_at=diverged_at, means=means)
        steps = np.concatenate([self.reached.steps, losses], axis=1) if self.reached.steps.size else losses
        closed = steps.shape[1] - states.step % self._per_epoch
        reached = replace(self.reached, states=states, diverged_at=diverged_at, steps=steps)
        if closed <= 0:
            return reached
        means = (*reached.means, epoch_means(steps[:, :closed], plan, n))
        return replace(reached, means=means, steps=steps[:, closed:].copy())

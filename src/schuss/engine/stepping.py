"""Many steps made one by one, whoever makes a step: what happens between two of them stands here once.

The readable engine makes all its steps so. Steps of a `WholeStep` rule are made so by every engine, with its
own gradients: such a rule asks for losses, gradients and curvature wherever it likes, which no kernel
foresees.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from schuss.engine.engine import (
    DONE,
    INTERRUPTED,
    NOT_FINITE,
    Advance,
    AdvanceMany,
    Engine,
    Poll,
    norms_before,
)
from schuss.engine.observing import Watch
from schuss.method.backprop import Gradient, Objective, length
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.means import epoch_means, whole_epochs
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import GradientDescent, Momentum
from schuss.method.rules.rule import make_step
from schuss.method.samples import Samples
from schuss.method.state import State, States

__all__ = ["BatchLandscape", "Made", "WholeSteps", "advance_in_turn", "run_steps"]

POLL_SECONDS = 0.01


class Made(NamedTuple):
    """One step: the state after it, the loss before it, and the gradient before clipping."""

    after: State
    loss: float
    gradient: Array


def run_steps(
    make: Callable[[State], Made],
    state: State,
    n: int,
    plan: Plan,
    stop: int,
    poll: Poll | None = None,
    check_each_step: bool = False,
    norms_every: int = 0,
) -> Advance:
    """Make steps [state.step, stop) on `n` samples, each by `make`; see `schuss.engine.engine.Engine`."""
    start, losses, norms = state.step, list[float](), list[list[float]]()
    outcome, error = DONE, None
    try:
        due = time.perf_counter() + POLL_SECONDS
        while state.step < stop and outcome == DONE:
            made = make(state)
            losses.append(made.loss)
            if norms_every and state.step % norms_every == 0:
                norms.append(_lengths(made, state, plan))
            state = made.after
            if not math.isfinite(made.loss) or not _still_finite(state, n, plan, check_each_step):
                outcome = NOT_FINITE
            elif poll is not None and time.perf_counter() >= due:
                due = time.perf_counter() + POLL_SECONDS
                outcome = INTERRUPTED if poll(state.step, made.loss) else DONE
    except BaseException as raised:  # a signal may arrive anywhere; the last whole state stands
        outcome, error = INTERRUPTED, raised
    count = norms_before(state.step, norms_every) - norms_before(start, norms_every)
    taken = np.array(norms[:count], state.theta.dtype).reshape(count, 3)
    return Advance(state, np.array(losses[: state.step - start]), outcome, error, taken)


def advance_in_turn(
    engine: Engine,
    network: Network,
    states: States,
    samples: Samples,
    plans: Plans,
    stop: int,
    *,
    epochs: bool = False,
) -> AdvanceMany:
    """Run steps [states.step, stop) of each of `plans`, one network after the other."""
    if epochs:
        whole_epochs(plans.plan, len(samples), states.step, stop)
    theta, memory = states.theta.copy(), states.memory.copy()
    losses = np.full((len(states), stop - states.step), np.nan)
    for i in range(len(states)):
        made = engine.advance(network, states[i], samples, plans[i], stop)
        if made.outcome == INTERRUPTED:
            return AdvanceMany.of(states, losses, made.error)
        theta[i], memory[i] = made.state.theta, made.state.memory
        losses[i, : len(made.losses)] = made.losses
    if epochs:
        losses = epoch_means(losses, plans.plan, len(samples))
    return AdvanceMany.of(States(theta, memory, stop), losses)


class BatchLandscape:
    """The loss of a batch as a function of the weights, computed by an engine.

    ``place`` and ``found`` are where the first gradient was asked for, and what it was.
    """

    def __init__(
        self,
        engine: Engine,
        network: Network,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> None:
        self._engine, self._network, self._samples = engine, network, samples
        self._objective, self._dropout = objective, dropout
        self.place: Array | None = None
        self.found: Gradient | None = None

    def loss(self, theta: Array) -> float:
        """Return E(θ), with the bits that `gradient` has for it."""
        return self._engine.loss(self._network, theta, self._samples, self._objective, self._dropout)

    def gradient(self, theta: Array) -> Gradient:
        """Return E(θ) and its gradient, shape (n,)."""
        found = self._gradient(theta)
        if self.found is None:
            self.place, self.found = theta, found
        return found

    def curvature_product(self, theta: Array, vector: Array) -> Array:
        """Return the Hessian at θ times a vector, shape (n,); under dropout by central differences."""
        if self._dropout is None:
            where = self._network, theta, self._samples, self._objective
            return self._engine.curvature_product(*where, vector)
        size = length(vector)
        if not size > 0:
            return np.zeros_like(theta)
        nudge = float(np.finfo(theta.dtype).eps) ** (1 / 3) * (1.0 + length(theta)) / size
        number = theta.dtype.type(nudge)
        ahead, behind = (self._gradient(theta + sign * number * vector).gradient for sign in (1, -1))
        product: Array = (ahead - behind) / (2 * number)
        return product

    def matrices(self, theta: Array) -> Sequence[Array]:
        """Return the layers' weight matrices as views of θ."""
        return [layer.w for layer in self._network.views(theta)]

    def _gradient(self, theta: Array) -> Gradient:
        return self._engine.gradient(self._network, theta, self._samples, self._objective, self._dropout)


class WholeSteps:
    """Makes steps of a `WholeStep` rule, one at a call."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        samples: Samples,
        plan: Plan,
        watch: Watch | None = None,
    ) -> None:
        self._engine, self._network, self._samples, self._plan = engine, network, samples, plan
        self._watch = watch

    def __call__(self, state: State) -> Made:
        """Return what the step from `state` makes of it."""
        plan, n = self._plan, len(self._samples)
        batch = self._samples.take(self._engine.rows_of(plan, state.step, n))
        dropout = plan.dropout_at(state.step, self._network.depth - 1)
        objective = replace(plan.objective, as_scikit_learn=False)  # a rule goes down what is derived
        land = BatchLandscape(self._engine, self._network, batch, objective, dropout)
        rates = plan.rates(state.step, state.step + 1, n)[0].tolist()
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is noticed by its result
            theta, memory, loss = make_step(plan.rule, land, state.theta, state.memory, rates)
        if plan.as_scikit_learn:
            told = BatchLandscape(self._engine, self._network, batch, plan.objective, dropout)
            loss = told.loss(state.theta)
        if self._watch is not None:
            self._note(self._watch, state, land)
        gradient = np.zeros_like(theta) if land.found is None else land.found.gradient
        return Made(State(theta, memory, state.step + 1), loss, gradient)

    def _note(self, watch: Watch, state: State, land: BatchLandscape) -> None:
        """Write down what the watched weights saw: what one step of gradient descent sees there."""
        place = state.theta if land.place is None else land.place
        start = State.of(place, state.memory[:0], state.step)
        plain = self._plan.replace(rule=GradientDescent())
        stop = state.step + 1
        seen = self._engine.observe(self._network, start, self._samples, plain, stop, watch.weights)
        room, at = watch.room(state.step, stop), watch.weights
        room.theta[0], room.memory[0] = state.theta[at], state.memory[:, at]
        for name in ("sums", "factor", "rows", "y", "delta"):
            getattr(room, name)[...] = getattr(seen, name)


def _still_finite(state: State, n: int, plan: Plan, each_step: bool) -> bool:
    epoch_ended = state.step % plan.steps_per_epoch(n) == 0
    return state.finite if each_step or epoch_ended else True


def _lengths(made: Made, before: State, plan: Plan) -> list[float]:
    """Return the norms of a step, as `Advance` has them."""
    with np.errstate(over="ignore", invalid="ignore"):
        adds_memory = isinstance(plan.rule, Momentum) and plan.weight_decay == 0.0
        change = made.after.velocity if adds_memory else made.after.theta - before.theta
        return [length(made.gradient), length(made.after.velocity), length(change)]

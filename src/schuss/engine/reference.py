"""The readable engine: the mathematics of `schuss.method` as it stands. Slow, obvious, the judge."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from schuss.engine.engine import (
    DONE,
    INTERRUPTED,
    NOT_FINITE,
    Advance,
    AdvanceMany,
    EngineInfo,
    Observed,
    Poll,
    Predictor,
    norms_before,
)
from schuss.engine.observing import Watch
from schuss.engine.shuffles import Shuffles, draw_with_numpy
from schuss.method import backprop
from schuss.method.backprop import Gradient, Objective, Working, length
from schuss.method.checks import check_integer
from schuss.method.curvature_product import check_vector, curvature_product
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import State, States

__all__ = ["ReferenceEngine"]

POLL_SECONDS = 0.01


class ReferenceEngine:
    """Runs `schuss.method.backprop` and the rules' own `update`, step by step."""

    def __init__(self) -> None:
        self._order: tuple[Any, Array] | None = None  # that of the last epoch, with its key
        self._shuffles: Shuffles | None = None

    def __reduce__(self) -> tuple[type[ReferenceEngine], tuple[()]]:
        """Leave behind what is only kept for speed: copies and pickles start without."""
        return ReferenceEngine, ()

    @property
    def info(self) -> EngineInfo:
        """Which arithmetic runs; NumPy's matrix product promises no bits across machines."""
        version = np.__version__
        return EngineInfo("reference", f"numpy {version}", "numpy", 1, version, "none")

    def outputs(self, network: Network, theta: Array, X: Any) -> Array:
        """Return the outputs, shape (n, n_out)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return backprop.outputs(network, theta, X)

    def predictor(self, network: Network, theta: Array) -> Predictor:
        """Return a function from inputs, (n_in,) or (n, n_in), to outputs, (n_out,) or (n, n_out)."""
        theta, n_in = theta.copy(), network.layers[0]

        def predict(x: Array) -> Array:
            wanted = (
                f"a predictor takes a C-contiguous array of {theta.dtype}, shape ({n_in},) or (n, {n_in})"
            )
            if not isinstance(x, np.ndarray):
                raise TypeError(f"{wanted}; got {type(x).__name__}.")
            fits = x.dtype == theta.dtype and x.ndim in (1, 2) and x.shape[-1] == n_in
            if not (fits and x.flags.c_contiguous):
                raise ValueError(f"{wanted}; got {x.dtype}, shape {x.shape}.")
            y = self.outputs(network, theta, x.reshape(-1, n_in))
            return y if x.ndim == 2 else y[0]

        return predict

    def gradient(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> Gradient:
        """Return loss and gradient of all samples as one batch."""
        made = self._working(network, theta, samples, objective, dropout)
        return Gradient(made.loss, made.gradient)

    def curvature_product(
        self, network: Network, theta: Array, samples: Samples, objective: Objective, vector: Array
    ) -> Array:
        """Return the Hessian's product with `vector`, shape (n_parameters,)."""
        check_vector(theta, vector)
        T = samples.targets(network.layers[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            return curvature_product(network, theta, samples.X, T, objective, vector, weights=samples.weights)

    @staticmethod
    def _working(
        network: Network, theta: Array, samples: Samples, objective: Objective, dropout: Dropout | None
    ) -> Working:
        T = samples.targets(network.layers[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is noticed by its result
            return backprop.working(
                network, theta, samples.X, T, objective, weights=samples.weights, dropout=dropout
            )

    def advance(
        self,
        network: Network,
        state: State,
        samples: Samples,
        plan: Plan,
        stop: int,
        *,
        poll: Poll | None = None,
        check_each_step: bool = False,
        norms_every: int = 0,
    ) -> Advance:
        """Run steps [state.step, stop) of `plan`; see `schuss.engine.engine.Engine`."""
        norms_every = check_integer("norms_every", norms_every, low=0)
        return self._run(network, state, samples, plan, stop, poll, check_each_step, norms_every)

    def observe(
        self, network: Network, state: State, samples: Samples, plan: Plan, stop: int, weights: Any
    ) -> Observed:
        """Run steps [state.step, stop) of `plan`, watching `weights`; see `schuss.engine.engine.Engine`."""
        watch = Watch(network, state, samples, plan, stop, weights)
        return watch.seen(self._run(network, state, samples, plan, stop, watch=watch))

    def _run(
        self,
        network: Network,
        state: State,
        samples: Samples,
        plan: Plan,
        stop: int,
        poll: Poll | None = None,
        check_each_step: bool = False,
        norms_every: int = 0,
        watch: Watch | None = None,
    ) -> Advance:
        start, losses, norms = state.step, list[float](), list[list[float]]()
        outcome, error = DONE, None
        try:
            due = time.perf_counter() + POLL_SECONDS
            while state.step < stop and outcome == DONE:
                after, made = self._step(network, state, samples, plan, watch)
                losses.append(loss := made.loss)
                if norms_every and state.step % norms_every == 0:
                    norms.append(_lengths(made, state, after))
                state = after
                if not math.isfinite(loss) or not self._still_finite(state, samples, plan, check_each_step):
                    outcome = NOT_FINITE
                elif poll is not None and time.perf_counter() >= due:
                    due = time.perf_counter() + POLL_SECONDS
                    outcome = INTERRUPTED if poll(state.step, loss) else DONE
        except BaseException as raised:  # a signal may arrive anywhere; the last whole state stands
            outcome, error = INTERRUPTED, raised
        count = norms_before(state.step, norms_every) - norms_before(start, norms_every)
        taken = np.array(norms[:count], np.float64).reshape(count, 3)
        return Advance(state, np.array(losses[: state.step - start]), outcome, error, taken)

    def advance_many(
        self, network: Network, states: States, samples: Samples, plans: Plans, stop: int
    ) -> AdvanceMany:
        """Run steps [states.step, stop) of each of `plans`, one after the other."""
        theta, memory = states.theta.copy(), states.memory.copy()
        losses = np.full((len(states), stop - states.step), np.nan)
        for i in range(len(states)):
            made = self.advance(network, states[i], samples, plans[i], stop)
            if made.outcome == INTERRUPTED:
                return AdvanceMany.of(states, losses, made.error)
            theta[i], memory[i] = made.state.theta, made.state.memory
            losses[i, : len(made.losses)] = made.losses
        return AdvanceMany.of(States(theta, memory, stop), losses)

    def _step(
        self, network: Network, state: State, samples: Samples, plan: Plan, watch: Watch | None
    ) -> tuple[State, Working]:
        n = len(samples)
        rows = self._rows(plan, state.step, n)
        dropout = plan.dropout_at(state.step, network.depth - 1)
        made = self._working(network, state.theta, samples.take(rows), plan.objective, dropout)
        if watch is not None:
            _note(watch, network, state, rows, made)
        rates = plan.rates(state.step, state.step + 1, n)[0].tolist()
        (keep,) = plan.keeps(state.step, state.step + 1, n).tolist()
        with np.errstate(over="ignore", invalid="ignore"):
            theta, memory = plan.rule.update(
                network.decayed(state.theta, keep), state.memory, made.gradient, rates
            )
        return State(theta, memory, state.step + 1), made

    def _rows(self, plan: Plan, step: int, n: int) -> Array:
        epoch, place = divmod(step, plan.steps_per_epoch(n))
        known = self._order  # read once: another thread may train with this engine too
        if known is None or known[0] != (plan, epoch, n):
            known = self._order = (plan, epoch, n), self._order_of(plan, epoch, n)
        size = plan.batch_of(n)
        return known[1][place * size : (place + 1) * size]

    def _order_of(self, plan: Plan, epoch: int, n: int) -> Array:
        if not isinstance(plan.order, Shuffled):
            return plan.order_of(epoch, n)
        if self._shuffles is None or self._shuffles.key != (plan.order, n):
            self._shuffles = Shuffles(plan.order, n, draw_with_numpy)
        return self._shuffles.orders(epoch, epoch + 1)[0]

    @staticmethod
    def _still_finite(state: State, samples: Samples, plan: Plan, each_step: bool) -> bool:
        epoch_ended = state.step % plan.steps_per_epoch(len(samples)) == 0
        return state.finite if each_step or epoch_ended else True


def _lengths(made: Working, before: State, after: State) -> list[float]:
    """Return the norms of a step, as `Advance` has them."""
    with np.errstate(over="ignore", invalid="ignore"):
        change = after.theta - before.theta
        return [length(made.unclipped), length(after.velocity), length(change)]


def _note(watch: Watch, network: Network, state: State, rows: Array, made: Working) -> None:
    """Write down what the watched weights saw in the step after `state`."""
    at, n = watch.weights, len(rows)
    room = watch.room(state.step, state.step + 1)
    room.theta[0], room.memory[0], room.sums[0] = state.theta[at], state.memory[:, at], made.sums[at]
    room.factor[0] = made.factor
    room.rows[0, :n], room.rows[0, n:] = rows, -1
    room.y[0, n:], room.delta[0, n:] = 0, 0
    for i, index in enumerate(at.tolist()):
        layer, k, j = network.place_of(index)
        room.y[0, :n, i] = made.trace.output(layer, k)
        room.delta[0, :n, i] = made.deltas[layer][:, j]

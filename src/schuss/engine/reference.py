"""The readable engine: the mathematics of `schuss.method` as it stands. Slow, obvious, the judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Advance, AdvanceMany, EngineInfo, Observed, Poll, Predictor
from schuss.engine.observing import Watch
from schuss.engine.shuffles import Shuffles, draw_with_numpy
from schuss.engine.stepping import Made, WholeSteps, advance_in_turn, run_steps
from schuss.method import backprop
from schuss.method.backprop import Gradient, Objective, Working
from schuss.method.checks import check_integer
from schuss.method.curvature_product import check_vector, curvature_product
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules.rule import WholeStep, element_wise
from schuss.method.samples import Samples
from schuss.method.state import State, States

__all__ = ["ReferenceEngine"]


class ReferenceEngine:
    """Runs `schuss.method.backprop` and the rules' own `update`, step by step."""

    def __init__(self) -> None:
        self._order: tuple[Any, NDArray[np.int32]] | None = None  # that of the last epoch, with its key
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

    def loss(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> float:
        """Return the loss of all samples as one batch."""
        T = samples.targets(network.layers[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is noticed by its result
            return backprop.loss(
                network, theta, samples.X, T, objective, weights=samples.weights, dropout=dropout
            )

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
        n = len(samples)
        make: Callable[[State], Made] = (
            WholeSteps(self, network, samples, plan, watch)
            if isinstance(plan.rule, WholeStep)
            else lambda state: self._step(network, state, samples, plan, watch)
        )
        return run_steps(make, state, n, plan, stop, poll, check_each_step, norms_every)

    def advance_many(
        self,
        network: Network,
        states: States,
        samples: Samples,
        plans: Plans,
        stop: int,
        *,
        epochs: bool = False,
    ) -> AdvanceMany:
        """Run steps [states.step, stop) of each of `plans`, one after the other."""
        return advance_in_turn(self, network, states, samples, plans, stop, epochs=epochs)

    def _step(
        self, network: Network, state: State, samples: Samples, plan: Plan, watch: Watch | None
    ) -> Made:
        n = len(samples)
        rows = self.rows_of(plan, state.step, n)
        dropout = plan.dropout_at(state.step, network.depth - 1)
        made = self._working(network, state.theta, samples.take(rows), plan.objective, dropout)
        if watch is not None:
            _note(watch, network, state, rows, made)
        rates = plan.rates(state.step, state.step + 1, n)[0].tolist()
        (keep,) = plan.keeps(state.step, state.step + 1, n).tolist()
        rule = element_wise(plan.rule)
        with np.errstate(over="ignore", invalid="ignore"):
            theta, memory = rule.update(
                network.decayed(state.theta, keep), state.memory, made.gradient, rates
            )
        return Made(State(theta, memory, state.step + 1), made.loss, made.unclipped)

    def rows_of(self, plan: Plan, step: int, n: int) -> NDArray[np.int32]:
        """Return the samples of a step; the order of the last epoch asked about is kept."""
        epoch, place = divmod(step, plan.steps_per_epoch(n))
        known = self._order  # read once: another thread may train with this engine too
        if known is None or known[0] != (plan, epoch, n):
            known = self._order = (plan, epoch, n), self._order_of(plan, epoch, n)
        size = plan.batch_of(n)
        return known[1][place * size : (place + 1) * size]

    def _order_of(self, plan: Plan, epoch: int, n: int) -> NDArray[np.int32]:
        if not isinstance(plan.order, Shuffled):
            return plan.order_of(epoch, n)
        shuffles = self._shuffles  # read once, as above
        if shuffles is None or shuffles.key != (plan.order, n):
            shuffles = self._shuffles = Shuffles(plan.order, n, draw_with_numpy)
        return shuffles.orders(epoch, epoch + 1)[0]


def _note(watch: Watch, network: Network, state: State, rows: Array, made: Working) -> None:
    """Write down what the watched weights saw in the step after `state`."""
    at, n = watch.weights, len(rows)
    room = watch.room(state.step, state.step + 1)
    room.theta[0], room.memory[0], room.sums[0] = state.theta[at], state.memory[:, at], made.sums[at]
    room.factor[0] = made.factor
    room.rows[0, :n], room.rows[0, n:] = rows, -1
    room.y[0, n:], room.delta[0, n:] = 0, 0
    places = [network.place_of(index) for index in at.tolist()]
    units = {(layer, k) for layer, k, _ in places}  # a column of a sparse matrix is looked for once
    outputs = {unit: made.trace.output(*unit) for unit in units}
    for i, (layer, k, j) in enumerate(places):
        room.y[0, :n, i] = outputs[layer, k]
        room.delta[0, :n, i] = made.deltas[layer][:, j]

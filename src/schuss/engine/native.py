"""The compiled engine: checks, translates and calls the kernel. Nothing numeric happens here.

Same data, network, plan and dtype give the same bits for any number of threads and on every instruction
set whose products and sums are fused (AVX2, AVX-512, NEON). The environment variable ``SCHUSS_ISA``
forces an instruction set.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.arguments import data, per_output, rows, silent, terms, varied
from schuss.engine.engine import (
    DONE,
    INTERRUPTED,
    NO_NORMS,
    NOT_FINITE,
    Advance,
    AdvanceMany,
    EngineInfo,
    Observed,
    Poll,
    Predictor,
    norms_before,
)
from schuss.engine.keeping import keeping
from schuss.engine.kernel_orders import KernelOrders
from schuss.engine.mapped import read_ahead
from schuss.engine.observing import Watch
from schuss.engine.stepping import WholeSteps, advance_in_turn, run_steps
from schuss.engine.threads import usual_threads
from schuss.errors import EngineError
from schuss.method.backprop import Gradient, Objective
from schuss.method.checks import check_integer
from schuss.method.curvature_product import check_vector
from schuss.method.dropout import Dropout
from schuss.method.functions import ACTIVATIONS, LOSSES, Array
from schuss.method.means import epoch_shares, whole_epochs
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import ELEMENT_WISE
from schuss.method.rules.rule import WholeStep
from schuss.method.samples import Samples
from schuss.method.state import State, States

try:
    from schuss.engine import _kernel
except ImportError as error:
    _kernel = None  # type: ignore[assignment]  # a build without a compiler has none
    MISSING: ImportError | None = error
else:
    MISSING = None

__all__ = ["FUNCTIONS", "NativeEngine", "available", "bfloat16_set", "instruction_sets"]

# The kernel knows these by their place (kernel.hpp); the tables of method/ are in the same order.
ACTIVATION_CODES = {name: code for code, name in enumerate(ACTIVATIONS)}
LOSS_CODES = {name: code for code, name in enumerate(LOSSES)}
RULE_CODES = {rule.name: code for code, rule in enumerate(ELEMENT_WISE)}
FUNCTIONS = {n: c for c, n in enumerate(("exp", "expm1", "tanh", "log", "log1p", "logistic"))}
OUTCOMES = (DONE, INTERRUPTED, NOT_FINITE)
LAYOUTS = ("fastest", "lanes", "alone")  # of sweep.hpp; the bits are the same

ORDER_BYTES = 4 * 2**20  # orders of several epochs are made at once: some 20 ms, during which Ctrl-C waits
STEPS_AT_ONCE = 2**17  # of which rates are worked out: some 20 ms again
NOTHING = np.empty(0)
NETWORKS_KEPT = 8


def available() -> bool:
    """Whether the compiled kernel is installed."""
    return _kernel is not None


def instruction_sets() -> dict[str, bool]:
    """Return the instruction sets of this build and processor, best first: name -> fused."""
    return dict(_kernel.instruction_sets()) if available() else {}


def bfloat16_set() -> str:
    """Return the name of the set whose products are of bfloat16, or an empty one: see engine/bfloat16.py."""
    return _kernel.bfloat16_set() if available() else ""


def chosen_set() -> str:
    """Return the instruction set to use: the best, or the one that SCHUSS_ISA names."""
    names = list(instruction_sets())
    forced = os.environ.get("SCHUSS_ISA", "").strip().lower()
    if forced and forced not in names:
        raise EngineError(f"SCHUSS_ISA={forced!r}, but this build and processor offer {', '.join(names)}.")
    return forced or names[0]


class NativeEngine:
    """Runs the kernel.

    Parameters
    ----------
    threads : int, optional
        At most so many threads; by default as many as the process may use, or OMP_NUM_THREADS if that is
        fewer. Small steps use one; calls from several Python threads at once share them.
    instruction_set : str, optional
        By default the best one, or what SCHUSS_ISA says.

    Raises
    ------
    EngineError
        The kernel is not installed, or the processor lacks the instruction set.
    """

    def __init__(self, threads: int | None = None, instruction_set: str | None = None) -> None:
        if not available():
            raise EngineError(
                f"the compiled kernel is not installed ({MISSING}). Install a C++ compiler and "
                "reinstall schuss, or use engine='reference'."
            )
        self._threads = check_integer("threads", usual_threads() if threads is None else threads, low=1)
        self._orders = KernelOrders(_kernel.orders, _kernel.shuffled_orders)
        self._set = instruction_set or chosen_set()
        if self._set not in (*instruction_sets(), bfloat16_set()):
            raise EngineError(
                f"instruction set must be one of {', '.join(instruction_sets())}; got {self._set!r}."
            )
        self._problems: dict[Network, _kernel.Problem] = {}
        self._last: tuple[Network | None, Any] = None, None

    def rows_of(self, plan: Plan, step: int, n: int) -> NDArray[np.int32]:
        """Return the samples of a step; the orders drawn last are kept."""
        return self._orders.of_step(plan, step, n)

    def __reduce__(self) -> tuple[type[NativeEngine], tuple[int, str]]:
        """Leave behind what is only kept for speed: copies and pickles start without."""
        return NativeEngine, (self._threads, self._set)

    @property
    def info(self) -> EngineInfo:
        """Which arithmetic runs."""
        arithmetic = "fused" if instruction_sets().get(self._set, True) else "baseline"
        version, compiler = _kernel.version, _kernel.compiler
        return EngineInfo("native", arithmetic, self._set, self._threads, version, compiler)

    def outputs(self, network: Network, theta: Array, X: Any) -> Array:
        """Return the outputs, shape (n, n_out)."""
        y = np.empty((X.shape[0], network.layers[-1]), theta.dtype)
        _kernel.outputs(self._problem(network), self._set, theta, rows(network, X), y, self._threads)
        return y

    def predictor(self, network: Network, theta: Array) -> Predictor:
        """Return a function from inputs, (n_in,) or (n, n_in), to outputs, (n_out,) or (n, n_out)."""
        return _kernel.predictor(self._problem(network), self._set, theta, self._threads)

    def gradient(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> Gradient:
        """Return loss and gradient of all samples as one batch."""
        result = np.empty_like(theta)
        return Gradient(self._loss(network, theta, samples, objective, dropout, result), result)

    def loss(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> float:
        """Return the loss of all samples as one batch."""
        return self._loss(network, theta, samples, objective, dropout, None)

    def _loss(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None,
        gradient: Array | None,
    ) -> float:
        asked = self._problem(network), self._set, theta, *data(network, samples)
        return _kernel.gradient(*asked, terms(objective), silent(dropout), gradient, self._threads)

    def curvature_product(
        self, network: Network, theta: Array, samples: Samples, objective: Objective, vector: Array
    ) -> Array:
        """Return the Hessian's product with `vector`, shape (n_parameters,)."""
        check_vector(theta, vector)
        result = np.empty_like(theta)
        asked = self._problem(network), self._set, theta, *data(network, samples)
        _kernel.curvature_product(
            *asked, terms(objective), np.ascontiguousarray(vector), result, self._threads
        )
        return result

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
        if isinstance(plan.rule, WholeStep):
            whole = WholeSteps(self, network, samples, plan, watch)
            return run_steps(whole, state, len(samples), plan, stop, poll, check_each_step, norms_every)
        made: list[Advance] = []
        result = Advance(state, NOTHING, DONE)
        ahead, kept = read_ahead(samples.X, plan), keeping()
        spare = kept if kept is not None and kept.spare is state else None
        try:
            while result.outcome == DONE and result.state.step < stop:
                until = self._until(plan, result.state.step, stop, len(samples))
                if ahead:
                    until = ahead.until(result.state.step, until)
                    ahead.ask(until, ahead.until(until, plan.steps(len(samples))))
                how = poll, check_each_step, norms_every, watch
                last = self._call(network, result.state, samples, plan, until, *how)
                made.append(last)
                result = last
        except KeyboardInterrupt as raised:  # between two calls of the kernel; what was made stands
            if spare is not None and spare.spare is not result.state:
                raise  # it was written over
            result = result._replace(outcome=INTERRUPTED, error=raised)
        if len(made) == 1 and result is made[0]:
            return result
        losses = np.concatenate([NOTHING, *(part.losses for part in made)])
        norms = np.concatenate([part.norms for part in made] or [NO_NORMS])
        count = norms_before(result.state.step, norms_every) - norms_before(state.step, norms_every)
        return result._replace(losses=losses[: result.state.step - state.step], norms=norms[:count])

    def advance_many(
        self,
        network: Network,
        states: States,
        samples: Samples,
        plans: Plans,
        stop: int,
        *,
        epochs: bool = False,
        layout: str = "fastest",
    ) -> AdvanceMany:
        """Run steps [states.step, stop) of each of `plans`; see `schuss.engine.engine.Engine`.

        `layout` says how: networks side by side in the lanes of vectors, or each by itself.
        """
        if isinstance(plans.plan.rule, WholeStep):
            return advance_in_turn(self, network, states, samples, plans, stop, epochs=epochs)
        n, start, plan = len(samples), states.step, plans.plan
        before = np.ascontiguousarray(states.theta), np.ascontiguousarray(states.memory)
        theta, memory = np.empty_like(before[0]), np.empty_like(before[1])
        shares = epoch_shares(plan, n) if epochs else None
        told = whole_epochs(plan, n, start, stop) if epochs else stop - start
        losses, finite = np.empty((len(states), told)), np.empty(len(states), np.bool_)
        _, error = _kernel.sweep(
            self._problem(network),
            self._set,
            *before,
            theta,
            memory,
            *data(network, samples),
            *self._orders.of_plans(plans, start, stop, n),
            plan.batch_of(n),
            start % plan.steps_per_epoch(n),
            RULE_CODES[plan.rule.name],
            varied(plans, start, stop, n),
            terms(plan),
            silent(plan.dropout_at(start, network.depth - 1)),
            stop - start,
            shares,
            losses,
            finite,
            LAYOUTS.index(layout),
            self._threads,
        )
        return AdvanceMany(States(theta, memory, stop), losses, finite, error)

    @staticmethod
    def _until(plan: Plan, step: int, stop: int, n: int) -> int:
        """Return up to which step, at most `stop`, orders and rates are made at once."""
        if stop == step + 1:
            return stop
        per_epoch = plan.steps_per_epoch(n)
        epochs = max(1, ORDER_BYTES // (4 * n))
        return min(stop, step + STEPS_AT_ONCE, (step // per_epoch + epochs) * per_epoch)

    def _call(
        self,
        network: Network,
        state: State,
        samples: Samples,
        plan: Plan,
        stop: int,
        poll: Poll | None,
        check_each_step: bool,
        norms_every: int,
        watch: Watch | None,
    ) -> Advance:
        n, start = len(samples), state.step
        before = np.ascontiguousarray(state.theta), np.ascontiguousarray(state.memory)
        kept = keeping()
        over = kept if kept is not None and kept.may_write_over(state) else None
        theta, memory = before if over else (np.empty_like(before[0]), np.empty_like(before[1]))
        losses, taken = np.empty(stop - start), norms_before(start, norms_every)
        norms = np.empty((norms_before(stop, norms_every) - taken, 3), theta.dtype)
        call = partial(
            _kernel.advance,
            self._problem(network),
            self._set,
            *before,
            theta,
            memory,
            *data(network, samples),
            self._orders.of_plan(plan, start, stop, n),
            plan.batch_of(n),
            start % plan.steps_per_epoch(n),
            plan.rates(start, stop, n),
            None if plan.weight_decay == 0.0 else plan.keeps(start, stop, n),
            RULE_CODES[plan.rule.name],
            terms(plan),
            silent(plan.dropout_at(start, network.depth - 1)),
            losses,
            self._threads,
            check_each_step,
            None if poll is None else lambda done, loss: bool(poll(start + done, loss)),
            None if watch is None else (watch.weights, *watch.room(start, stop)),
            (norms_every, -start % norms_every, norms) if len(norms) else None,
            None if kept is None else (kept.rooms_of(_kernel.Rooms), kept.ticket_of(*before)),
        )
        if over is not None:
            over.use_up(state)
        steps, outcome, error, ticket = call()
        if kept is not None:
            theta, memory = kept.give_out(theta, memory, ticket)
        after = State(theta, memory, start + steps)
        if over is not None:
            over.spare = after
        norms = norms[: norms_before(after.step, norms_every) - taken]
        return Advance(after, losses[:steps], OUTCOMES[outcome], error, norms)

    def _problem(self, network: Network) -> _kernel.Problem:
        """Return the network as the kernel knows it, with the workspaces of earlier calls."""
        last, problem = self._last
        if last is not network:
            problem = self._problems.get(network) or _problem(network)
            if len(self._problems) >= NETWORKS_KEPT:
                self._problems.clear()
            self._problems[network] = problem
            self._last = network, problem
        return problem


def _problem(network: Network) -> _kernel.Problem:
    return _kernel.Problem(
        network.layers,
        [ACTIVATION_CODES[name] for name in network.activation],
        LOSS_CODES[network.loss.name],
        per_output(network.loss.parameter or 0.0, network.layers[-1]),
        network.biases,
        network.groups or network.layers[-1:],
    )

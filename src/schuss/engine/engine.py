"""The contract of an engine: `gradient` for questions, `advance` for speed, five others only to look.

`advance` equals repeated `gradient` and rule update, bit for bit within an engine, and `advance_many` equals
`advance` of each network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schuss.method.backprop import Gradient, Objective
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import State, States

__all__ = [
    "DONE",
    "INTERRUPTED",
    "NOT_FINITE",
    "Advance",
    "AdvanceMany",
    "Engine",
    "EngineInfo",
    "Observed",
    "Poll",
    "Predictor",
    "norms_before",
]

Poll = Callable[[int, float], bool]  # (step, last loss) -> whether to stop before the next update

Predictor = Callable[[Array], Array]  # (n_in,) -> (n_out,), or (n, n_in) -> (n, n_out)

NO_NORMS = np.empty((0, 3))

DONE, INTERRUPTED, NOT_FINITE = "done", "interrupted", "not_finite"


class Advance(NamedTuple):
    """What came of many steps.

    Attributes
    ----------
    state : State
        After the last whole step.
    losses : float64 ndarray, shape (steps made,)
        Loss of each step's batch, penalties included, before its update.
    outcome : str
        ``"done"``, ``"interrupted"``, or ``"not_finite"``: the last step left a non-finite loss or
        weight.
    error : BaseException or None
        What interrupted it, if `poll` or a signal raised.
    norms : ndarray, shape (steps whose norms were taken, 3)
        Euclidean lengths at each of them, in the dtype: of the batch's gradient before clipping, of the first
        row of the memory after the step (0 for a rule without), and of the change. Of `Momentum` without
        decay that is the memory: what is added, before theta rounds it; else the difference of theta. The
        native engine squares and adds up in the dtype: in float32 a length is right to about 1e-6 of itself;
        there numbers beyond 1.8e19 make it infinite, and those below 1e-19 lose digits, or count as 0.
    """

    state: State
    losses: NDArray[np.float64]
    outcome: str
    error: BaseException | None = None
    norms: NDArray[np.float64] = NO_NORMS


def norms_before(step: int, every: int) -> int:
    """Return how many steps before `step` have a number that `every` divides; none where that is 0."""
    return -(-step // every) if every else 0


def _finite_rows(array: Array) -> NDArray[np.bool_]:
    """Return whether all of each row is finite, shape (rows,)."""
    rows = array.reshape(len(array), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(rows.sum(axis=1))  # as no infinity or NaN can be lost in a sum
    doubtful = np.flatnonzero(~finite)
    finite[doubtful] = np.isfinite(rows[doubtful]).all(axis=1)
    return finite


class AdvanceMany(NamedTuple):
    """What came of many steps of many networks.

    Attributes
    ----------
    states : States
        After the last step. Of a network that is not finite the row means nothing.
    losses : float64 ndarray, shape (networks, steps) or (networks, epochs)
        As in `Advance`; or the means of epochs, as `epoch_means` has them.
    finite : bool ndarray, shape (networks,)
        Whether a network's losses, weights and memory are all finite.
    error : BaseException or None
        What interrupted it, a signal; then the rest means nothing.
    """

    states: States
    losses: NDArray[np.float64]
    finite: NDArray[np.bool_]
    error: BaseException | None = None

    @classmethod
    def of(
        cls, states: States, losses: NDArray[np.float64], error: BaseException | None = None
    ) -> AdvanceMany:
        """Return a result, having looked what is finite in it."""
        finite = np.logical_and.reduce([_finite_rows(a) for a in (losses, states.theta, states.memory)])
        return cls(states, losses, finite, error)


class Observed(NamedTuple):
    """What was seen of some weights, m of them, while steps were made in numbers of dtype T.

    With g = T(scale)·(T(l2)·w + T(l1)·sign w − sum), without the penalties where they are 0 or w is a bias,
    and times the factor where that is not 1, the rule's `update` of what stands at a step is what stands at
    the next, bit for bit.

    Attributes
    ----------
    state : State
        After the last step.
    losses : float64 ndarray, shape (steps,)
        As in `Advance`.
    theta : ndarray of T, shape (steps, m)
        The watched weights before each step.
    memory : ndarray of T, shape (steps, slots, m)
        What the rule remembers of them before each step.
    sums : ndarray of T, shape (steps, m)
        Σ_p y_k·δ_j over the batch, as the engine itself added it up in T: before the reduction, penalties
        and clipping; sample weights are in δ_j.
    factor : ndarray of T, shape (steps,)
        What clipping multiplied the gradient by, 1 where it did not.
    rows : int32 ndarray, shape (steps, batch)
        The samples of each step, in their order; −1 where a batch is short.
    y : ndarray of T, shape (steps, batch, m)
        y_k of each sample: of an input, of a hidden unit after dropout, 1 for a bias; 0 where there is no
        sample.
    delta : ndarray of T, shape (steps, batch, m)
        δ_j of each sample, times its sample weight; 0 where there is none.
    """

    state: State
    losses: NDArray[np.float64]
    theta: Array
    memory: Array
    sums: Array
    factor: Array
    rows: NDArray[np.int32]
    y: Array
    delta: Array


@dataclass(frozen=True)
class EngineInfo:
    """Which arithmetic ran: equal `arithmetic` promises equal bits."""

    engine: str
    arithmetic: str
    instruction_set: str
    threads: int
    version: str
    compiler: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


class Engine(Protocol):
    """Computes; decides nothing."""

    @property
    def info(self) -> EngineInfo:
        """Which arithmetic this engine runs."""
        ...

    def rows_of(self, plan: Plan, step: int, n: int) -> NDArray[np.int32]:
        """Return what ``plan.batch(step, n)`` returns, without drawing an epoch's order anew each time."""
        ...

    def outputs(self, network: Network, theta: Array, X: Any) -> Array:
        """Return the outputs (n, n_out) for inputs `X` (n, n_in), dense or CSR, of theta's dtype."""
        ...

    def predictor(self, network: Network, theta: Array) -> Predictor:
        """Return `outputs` of fixed weights for one sample (n_in,) or several (n, n_in), of theta's dtype.

        It keeps a copy of the weights, and may be called by several threads at once.

        Raises
        ------
        ValueError, TypeError
            When called: another shape or dtype; what is no array.
        """
        ...

    def gradient(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> Gradient:
        """Return loss and gradient (n_parameters,) of all `samples` as one batch, in their order."""
        ...

    def loss(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> float:
        """Return the loss alone, with the bits that `gradient` has for it."""
        ...

    def curvature_product(
        self, network: Network, theta: Array, samples: Samples, objective: Objective, vector: Array
    ) -> Array:
        """Return H·v (n_parameters,), H the Hessian of the loss of all `samples` as one batch.

        `vector` v has the shape and dtype of theta. Clipping and dropout are left out: they are no part of
        the loss.

        Raises
        ------
        DataError
            Another shape or dtype of `vector`.
        """
        ...

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
        """Run steps [state.step, stop) of `plan`.

        Parameters
        ----------
        poll : callable, optional
            Asked at least every 20 ms or between steps; True, or an exception, stops the training
            before the next update. Whatever stops it, the returned state is that of a whole step.
        check_each_step : bool, default False
            Look for non-finite weights after each step; else at the end of each epoch.
        norms_every : int, default 0
            Take the norms of each step whose number this divides; 0: of none. That changes no bit of state
            or losses. Where weights from inputs that a sparse batch does not meet may wait (in the native
            engine, of a rule with memory or decay, without penalties or clipping), norms are NaN.
        """
        ...

    def observe(
        self, network: Network, state: State, samples: Samples, plan: Plan, stop: int, weights: Any
    ) -> Observed:
        """Run steps [state.step, stop) of `plan` as `advance` does, and write down what some weights see.

        Bit for bit what `advance` makes of it; the steps may be fewer for the same reason, a loss or a weight
        that is not finite.

        Parameters
        ----------
        weights : array_like of int, shape (m,)
            Which weights to watch, by their places in theta.

        Raises
        ------
        SettingError
            A place that is not in theta, or a `stop` before the state's step.
        KeyboardInterrupt
            Ctrl-C, or whatever else a signal raises.
        """
        ...

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
        """Run steps [states.step, stop) of each of `plans` from the state in its place.

        Bit for bit what `advance` makes of each by itself, as long as that is finite. A network that is
        not spoils its own results alone. With `epochs`, the steps must be those of whole epochs, of whose
        losses the means are returned.
        """
        ...

"""Online learning: `partial_fit` with one row in some microseconds.

The plain case, a finite float row for a fitted network whose parameters are those of the last call, skips
what cannot have changed; anything else goes the whole way. Both give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.estimators import labels
from schuss.adapters.estimators.plans import plan_of
from schuss.engine.engine import DONE
from schuss.method.plan import Plan
from schuss.method.rules import Adam
from schuss.method.samples import Samples
from schuss.method.schedules import Schedule
from schuss.method.state import State
from schuss.training.train import one_pass

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP

__all__ = ["Online", "class_targets", "learn_row"]


class Online:
    """What stays the same from row to row."""

    def __init__(self, estimator: BaseMLP, values: list[Any]) -> None:
        self.values = values
        memory = estimator._memory
        plan = plan_of(estimator, 1, incremental=True)
        if isinstance(plan.rule, Adam):  # the step counts its updates
            plan = plan.replace(rule=Adam(**{name: getattr(plan.rule, name) for name in plan.rule.rates}))
        self.plan: Plan = plan
        self.engine = memory.engine(estimator.engine, estimator.n_threads)
        self.targets = estimator._row_targets()

    def fits(self, values: list[Any]) -> bool:
        """Whether the parameters are the very objects that they were."""
        return all(map(is_, values, self.values))


def learn_row(estimator: BaseMLP, X: Any, y: Any) -> bool:
    """Learn from one row if it is the plain case, and say whether it was."""
    memory = estimator._memory
    if not (_is_row(X, y) and estimator._quick(X) and memory.rule is not None and memory.slots is not None):
        return False
    values = [estimator.__dict__[name] for name in estimator._names()]
    if memory.online is None or not memory.online.fits(values):
        if not _is_plain(estimator):
            return False
        memory.online = Online(estimator, values)
    online: Online = memory.online
    T = online.targets(y[0])
    if T is None or online.plan.rule.name != memory.rule:
        return False
    classes = T if T.dtype == np.int32 else None
    X = np.ascontiguousarray(X, dtype=memory.theta.dtype)
    samples = Samples(X, None if classes is not None else T, classes)
    made = one_pass(
        online.engine, memory.network, State.of(memory.theta, memory.slots, memory.age), samples, online.plan
    )
    if made.outcome != DONE:  # the whole way says what is wrong
        return False
    _keep(estimator, made.state, float(made.losses[0]), online.plan)
    return True


def _is_row(X: Any, y: Any) -> bool:
    return (
        type(X) is np.ndarray and X.shape[:1] == (1,) and isinstance(y, np.ndarray | Sequence) and len(y) == 1
    )


def _is_plain(estimator: BaseMLP) -> bool:
    """Whether nothing is asked for that needs more than the row itself."""
    network, sizes = estimator._memory.network, np.ravel(estimator.hidden_layer_sizes).tolist()
    special = (
        estimator._network(network.layers[0], sizes) != network,  # the loss, say, has been set to another
        estimator.early_stopping,
        estimator.verbose,
        estimator._changes_inputs,
        np.any(np.asarray(estimator.dropout) > 0),
        estimator.average,
        estimator.learning_rate != "constant",
        isinstance(estimator.learning_rate_init, Schedule),
        isinstance(estimator.momentum, Schedule),
        getattr(estimator, "class_weight", None) is not None,
        getattr(estimator, "_skl_callbacks", None),
    )
    return estimator.solver in ("sgd", "adam") and not any(special)


def _keep(estimator: BaseMLP, state: State, loss: float, plan: Plan) -> None:
    memory = estimator._memory
    memory.theta[...] = state.theta
    memory.slots, memory.age = state.memory, state.step
    memory.reached, memory.judged = memory.reached_by(False).after(loss, plan), False
    estimator.loss_ = np.float64(loss)
    estimator.loss_curve_.append(estimator.loss_)
    estimator.best_loss_ = np.float64(memory.reached.best)
    estimator.n_iter_ = 1
    estimator.t_ += 1


def class_targets(kind: str, classes: Any, dtype: Any) -> Callable[[Any], Any]:
    """Return the function from the class of a row to its target, or None if it has none."""
    if kind == "multiclass":
        known = {value: np.array([code], np.int32) for code, value in enumerate(classes.tolist())}
    elif kind == "binary":
        known = {value: labels.encode(kind, classes, [value], dtype) for value in classes.tolist()}
    else:
        known = {}
    return lambda value: known.get(value) if isinstance(value, Hashable) else None

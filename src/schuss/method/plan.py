"""How to train: rule, epochs, batches, order, penalties, when to stop. A value; it does nothing itself.

A run is a function of (data, network, plan, dtype). The order of an epoch is a pure function of
(seed, epoch), so the samples of any step are known without running the steps before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.backprop import Objective
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.orders import Blocks, Order, check_order, order_from_json, order_to_json, philox_order
from schuss.method.rules import (
    Momentum,
    Rule,
    WholeStep,
    check_rule,
    result_of,
    rule_from_dict,
    rule_to_dict,
)
from schuss.method.rules.rule import first_memory
from schuss.method.schedules import Span, at_steps, highest
from schuss.method.state import State, States

__all__ = ["Plan"]

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    rule : Rule, default Momentum()
    epochs : int, default 100
        Passes over the data, at most.
    batch_size : int or None, default 32
        Samples per step; None: all of them. The last batch of an epoch may be short.
    seed : int, default 0
        In [0, 2⁶⁴). Keys the first weights, the order of every epoch, and dropout.
    order : {"philox", "sequential"}, Blocks or Shuffled, default "philox"
        How each epoch orders the samples; see `schuss.method.orders`.
    reduction : {"mean", "sum"}, default "mean"
        Over the samples of a batch; ``"sum"`` is the derivation's.
    l2, l1 : float, default 0
        Penalties ½·l2·Σw² and l1·Σ|w| on the weights, inside the reduction, as scikit-learn has it.
    weight_decay : float, default 0
        λ in θ ← (1−α·λ)·θ for the weights before each update, apart from the rule.
    clip : float or None
        Scale a batch's gradient down to this Euclidean length where it is longer.
    dropout : float or sequence of float, default 0
        Share of the hidden units that are silent in a step, in [0, 1): one for all hidden layers, or
        one each.
    as_scikit_learn : bool, default False
        Report the loss as scikit-learn does: a squared error divided by the number of outputs, and in a
        cross-entropy no probability nearer to 0 or 1 than ε, the distance from 1 to the next number.
        The gradient stays what it is.
    average : float, default 0
        The weights to use are the mean of those after each epoch of this last share of the epochs,
        in [0, 1).
    loss_goal : float or None
        Stop after the epoch whose mean loss is at or below this.
    patience : int or None
        Stop when for this many epochs in a row the loss (on the validation data where given) has not
        been lower than the lowest before by `min_improvement` or more.
    min_improvement : float, default 1e-4

    Raises
    ------
    SettingError
        A setting outside what is allowed.
    """

    rule: Rule | WholeStep = field(default_factory=Momentum)
    epochs: int = 100
    batch_size: int | None = 32
    seed: int = 0
    order: Order = "philox"
    reduction: str = "mean"
    l2: float = 0.0
    l1: float = 0.0
    weight_decay: float = 0.0
    clip: float | None = None
    dropout: float | tuple[float, ...] = 0.0
    as_scikit_learn: bool = False
    average: float = 0.0
    loss_goal: float | None = None
    patience: int | None = None
    min_improvement: float = 1e-4

    def __post_init__(self) -> None:
        check_rule(self.rule)
        self._set("epochs", check_integer("epochs", self.epochs, low=1))
        if self.batch_size is not None:
            self._set("batch_size", check_integer("batch_size", self.batch_size, low=1))
        self._set("seed", check_integer("seed", self.seed, low=0, high=2**64 - 1))
        check_order(self.order)
        if isinstance(self.rule, WholeStep):
            self._check_whole(self.rule)
        check_choice("reduction", self.reduction, REDUCTIONS)
        for name in ("l2", "l1", "weight_decay", "min_improvement"):
            self._set(name, check_number(name, getattr(self, name), low=0.0))
        rate = highest(self.rule.learning_rate)
        if self.weight_decay * rate > 1.0:
            raise SettingError(
                f"weight_decay={self.weight_decay:g} at a learning rate of {rate:g} "
                "would turn the weights round in each step; their product must be at most 1."
            )
        if self.clip is not None:
            self._set("clip", check_number("clip", self.clip, low=0.0, open_low=True))
        self._set("dropout", _dropout(self.dropout))
        self._set("average", check_number("average", self.average, low=0.0, high=1.0, open_high=True))
        if not isinstance(self.as_scikit_learn, bool):
            raise SettingError(f"as_scikit_learn must be True or False; got {self.as_scikit_learn!r}.")
        if self.loss_goal is not None:
            self._set("loss_goal", check_number("loss_goal", self.loss_goal))
        if self.patience is not None:
            self._set("patience", check_integer("patience", self.patience, low=1))

    def _check_whole(self, rule: WholeStep) -> None:
        """Refuse what a rule cannot do that looks at more than one gradient of each weight."""
        if rule.full_batch and self.batch_size is not None:
            raise SettingError(
                f"rule {rule.name!r} compares one step with the next, so each must see all samples; got "
                f"batch_size={self.batch_size!r}. Give batch_size=None (an estimator: batch_size='auto')."
            )
        for name in ("weight_decay", "clip"):
            if getattr(self, name):
                raise SettingError(
                    f"{name} changes the one gradient or weight that a step starts from, and rule "
                    f"{rule.name!r} looks at more; leave {name} out. l2 is a penalty that it sees everywhere."
                )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def objective(self) -> Objective:
        """Reduction, penalties and clipping."""
        return Objective(self.reduction, self.l2, self.l1, self.clip, self.as_scikit_learn)

    def dropout_at(self, step: int, hidden_layers: int) -> Dropout | None:
        """Return which units are silent in `step`, or None where none ever are."""
        rates = self.dropout_rates(hidden_layers)
        return Dropout(rates, self.seed, step) if any(rates) else None

    def dropout_rates(self, hidden_layers: int) -> tuple[float, ...]:
        """Return the dropout of each hidden layer; SettingError if their number does not fit."""
        if isinstance(self.dropout, float):
            return (self.dropout,) * hidden_layers
        if len(self.dropout) != hidden_layers:
            raise SettingError(
                f"dropout must be one number, or one for each of {hidden_layers} hidden layers; "
                f"got {self.dropout!r}."
            )
        return self.dropout

    @property
    def averages_from(self) -> int:
        """The first epoch, counted from 1, whose weights count into the average; beyond the last for none."""
        return int((1.0 - self.average) * self.epochs) + 1

    def batch_of(self, n: int) -> int:
        """Return the batch size on `n` samples."""
        return n if self.batch_size is None else min(self.batch_size, n)

    def steps_per_epoch(self, n: int) -> int:
        """Return the number of steps in one pass over `n` samples."""
        return -(-n // self.batch_of(n))

    def steps(self, n: int) -> int:
        """Return the number of steps of the whole plan on `n` samples."""
        return self.epochs * self.steps_per_epoch(n)

    def order_of(self, epoch: int, n: int) -> NDArray[np.int32]:
        """Return the order in which `epoch` visits the samples, shape (n,)."""
        if self.order == "sequential":
            return np.arange(n, dtype=np.int32)
        if self.order == "philox":
            return philox_order(self.seed, epoch, n)
        if isinstance(self.order, Blocks):
            return philox_order(self.seed, epoch, n, self.order.size)
        return self.order.orders(n, epoch, epoch + 1)[0]  # type: ignore[union-attr]  # no other name

    def batch(self, step: int, n: int) -> NDArray[np.int32]:
        """Return the samples of `step`, in the order in which their terms are added up."""
        epoch, place = divmod(step, self.steps_per_epoch(n))
        size = self.batch_of(n)
        return self.order_of(epoch, n)[place * size : (place + 1) * size]

    def rates(self, start: int, stop: int, n: int) -> NDArray[np.float64]:
        """Return the rule's rates at steps [start, stop), shape (stop−start, number of rates)."""
        return self.rule.at(np.arange(start, stop, dtype=np.int64), self.span(n))

    def keeps(self, start: int, stop: int, n: int) -> NDArray[np.float64]:
        """Return 1−α·λ, what decay leaves of the weights, at steps [start, stop), shape (stop−start,)."""
        if self.weight_decay == 0.0:
            return np.ones(stop - start)
        steps = np.arange(start, stop, dtype=np.int64)
        return 1.0 - self.weight_decay * at_steps(self.rule.learning_rate, steps, self.span(n))

    def start(self, theta: Array) -> State:
        """Return the state before the first step: a copy of `theta`, and the rule's first memory."""
        theta = np.array(theta)
        return State(theta, first_memory(self.rule, theta))

    def span(self, n: int) -> Span:
        """Return how long the training is on `n` samples."""
        per_epoch = self.steps_per_epoch(n)
        return Span(self.epochs * per_epoch, per_epoch, n)

    def result(self, state: State | States) -> Array:
        """Return the weights to use of a state, shape (n_parameters,), or of many."""
        return result_of(self.rule, state.theta, state.memory)

    def replace(self, **changes: Any) -> Plan:
        """Return the plan with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        dropout = self.dropout if isinstance(self.dropout, float) else list(self.dropout)
        return {
            **values,
            "rule": rule_to_dict(self.rule),
            "order": order_to_json(self.order),
            "dropout": dropout,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Plan:
        """Return the plan that `to_dict` described."""
        rule, order = rule_from_dict(value["rule"]), order_from_json(value["order"])
        return cls(**{**value, "rule": rule, "order": order})


def _dropout(given: Any) -> float | tuple[float, ...]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return tuple(_dropout_rate(rate) for rate in given)
    return _dropout_rate(given)


def _dropout_rate(given: Any) -> float:
    return check_number("dropout", given, low=0.0, high=1.0, open_high=True)

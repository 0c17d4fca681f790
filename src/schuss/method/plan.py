"""How to train: rule, epochs, batches, order, penalties, when to stop. A value; it does nothing itself.

A run is a function of (data, network, plan, dtype). The order of an epoch is a pure function of
(seed, epoch), so the samples of any step are known without running the steps before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.backprop import Objective
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.initial import philox
from schuss.method.rules import RULES, Momentum, Rule, rule_from_dict, rule_to_dict
from schuss.method.schedules import at_steps

__all__ = ["ORDERS", "Plan", "philox_order"]

ORDERS = ("philox", "sequential")
REDUCTIONS = ("mean", "sum")


def philox_order(seed: int, epoch: int, n: int) -> NDArray[np.int32]:
    """Return the samples 0 … n−1 in the order of `epoch`, shape (n,).

    Fisher–Yates from the last place down; place i swaps with place ⌊r·(i+1)/2⁶⁴⌋, where r are the
    raw 64-bit numbers of Philox 4x64-10 with key (seed, epoch) and counter 0. The bias of that
    division is below n/2⁶⁴.
    """
    order = list(range(n))
    raw = philox(seed, epoch).random_raw(max(n - 1, 0))
    for i, r in zip(range(n - 1, 0, -1), raw.tolist(), strict=True):
        j = r * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int32)


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
        In [0, 2⁶⁴). Keys the first weights and the order of every epoch.
    order : {"philox", "sequential"}, default "philox"
        How each epoch orders the samples.
    reduction : {"mean", "sum"}, default "mean"
        Over the samples of a batch; ``"sum"`` is the derivation's.
    l2, l1 : float, default 0
        Penalties ½·l2·Σw² and l1·Σ|w| on the weights, inside the reduction, as scikit-learn has it.
    loss_goal : float or None
        Stop after the epoch whose mean loss is at or below this.
    patience : int or None
        Stop when the loss (on the validation data where given) has not improved by
        `min_improvement` for this many epochs in a row.
    min_improvement : float, default 1e-4

    Raises
    ------
    SettingError
        A setting outside what is allowed.
    """

    rule: Rule = field(default_factory=Momentum)
    epochs: int = 100
    batch_size: int | None = 32
    seed: int = 0
    order: str = "philox"
    reduction: str = "mean"
    l2: float = 0.0
    l1: float = 0.0
    loss_goal: float | None = None
    patience: int | None = None
    min_improvement: float = 1e-4

    def __post_init__(self) -> None:
        if type(self.rule) not in RULES.values():
            raise SettingError(f"rule must be one of {', '.join(RULES)}; got {self.rule!r}.")
        self._set("epochs", check_integer("epochs", self.epochs, low=1))
        if self.batch_size is not None:
            self._set("batch_size", check_integer("batch_size", self.batch_size, low=1))
        self._set("seed", check_integer("seed", self.seed, low=0, high=2**64 - 1))
        check_choice("order", self.order, ORDERS)
        check_choice("reduction", self.reduction, REDUCTIONS)
        for name in ("l2", "l1", "min_improvement"):
            self._set(name, check_number(name, getattr(self, name), low=0.0))
        if self.loss_goal is not None:
            self._set("loss_goal", check_number("loss_goal", self.loss_goal))
        if self.patience is not None:
            self._set("patience", check_integer("patience", self.patience, low=1))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def objective(self) -> Objective:
        """Reduction and penalties."""
        return Objective(self.reduction, self.l2, self.l1)

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
        return philox_order(self.seed, epoch, n)

    def batch(self, step: int, n: int) -> NDArray[np.int32]:
        """Return the samples of `step`, in the order in which their terms are added up."""
        epoch, place = divmod(step, self.steps_per_epoch(n))
        size = self.batch_of(n)
        return self.order_of(epoch, n)[place * size : (place + 1) * size]

    def rates(self, start: int, stop: int, n: int) -> NDArray[np.float64]:
        """Return the rule's rates at steps [start, stop), shape (stop−start, number of rates)."""
        steps = np.arange(start, stop, dtype=np.int64)
        values = [at_steps(getattr(self.rule, name), steps, self.steps(n)) for name in self.rule.rates]
        return np.column_stack(values)

    def replace(self, **changes: Any) -> Plan:
        """Return the plan with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "rule": rule_to_dict(self.rule)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Plan:
        """Return the plan that `to_dict` described."""
        return cls(**{**value, "rule": rule_from_dict(value["rule"])})

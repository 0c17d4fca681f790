"""Momentum with the learning rate outside the velocity, exactly as PyTorch's SGD has it.

    v ← η·v + (1−τ)·g        the very first step: v = g
    θ ← θ − α·v              with `nesterov`: θ ← θ − α·(g + η·v)

For a constant rate it is `Momentum` with α·(1−τ). When the rate changes, all that is remembered changes with
it, where `Momentum` keeps each push at the rate it was given. As the first gradient is not dampened, it
weighs 1/(1−τ) times too much for as long as it is remembered.
Source: torch.optim.SGD, and TensorFlow's MomentumOptimizer before; Sutskever et al. (2013), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["OuterMomentum"]


@dataclass(frozen=True)
class OuterMomentum:
    """v ← η·v + (1−τ)·g;  theta ← theta − α·v.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        α > 0.
    momentum : float or schedule, default 0.9
        η in [0, 1].
    dampening : float or schedule, default 0
        τ in [0, 1). The first gradient is not dampened.
    nesterov : bool, default False
        Step along g + η·v; PyTorch allows it without dampening alone.
    age : int, default 0
        Updates that the memory has seen before this training.

    Raises
    ------
    SettingError
        A value out of its range, or `nesterov` with dampening.
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9
    dampening: Rate = 0.0
    nesterov: bool = False
    age: int = 0

    name: ClassVar[str] = "outer_momentum"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum", "dampening")
    numbers: ClassVar[tuple[str, ...]] = ("α", "η", "κ(n)", "ρ(n)", "φ(n)")
    memory: ClassVar[tuple[str, ...]] = ("velocity",)
    as_given: ClassVar[bool] = False
    formula: ClassVar[str] = "v ← η·v + (1−τ)·g;  θ ← θ − α·v"
    reads_memory: ClassVar[bool] = False
    keeps_by: ClassVar[str | None] = "momentum"
    in_steps: ClassVar[str] = "v(n) = κ(n)·g(n) + η·v(n−1);  Δw(n) = −α·(ρ(n)·v(n) + φ(n)·g(n))"

    def __post_init__(self) -> None:
        check_rates(self)
        object.__setattr__(self, "age", check_integer("age", self.age, low=0))
        if not isinstance(self.nesterov, bool):
            raise SettingError(f"nesterov must be True or False; got {self.nesterov!r}.")
        if self.nesterov and self.dampening != 0.0:
            raise SettingError(f"nesterov goes without dampening alone; got dampening={self.dampening!r}.")

    def at(self, steps: Steps, span: Span) -> Values:
        """Return α, η, what v takes of g, and the shares of v and of g in the step, shape (steps, 5)."""
        learning_rate, momentum, dampening = rates_at(self, steps, span).T
        take = np.where(steps + self.age == 0, 1.0, 1.0 - dampening)
        share = momentum if self.nesterov else np.ones(len(steps))
        fresh = np.full(len(steps), float(self.nesterov))
        return np.stack([learning_rate, momentum, take, share, fresh], axis=1)

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and the memory (1, n) that holds the new velocity."""
        learning_rate, momentum, take, share, fresh = rates
        velocity = momentum * memory + take * gradient
        return theta - learning_rate * (share * velocity[0] + fresh * gradient), velocity

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = η, take = 1−τ, and −α of the new v, or −α·η and −α of g; see `Rule.expansion`."""
        learning_rate, momentum, take, share, fresh = rounded(rates.T, dtype)
        return one_row(momentum, take, -learning_rate * share, -learning_rate * fresh)

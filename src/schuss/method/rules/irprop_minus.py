"""iRPROP−: step sizes follow the signs of slopes; after a change of sign a weight waits for one step.

    s(n−1)·g > 0:   Δ ← min(Δ⁺·Δ, largest),    Δw = −Δ·sign(g),    s ← g
    s(n−1)·g < 0:   Δ ← max(Δ⁻·Δ, smallest),   Δw = 0,             s ← 0
    else:                                      Δw = −Δ·sign(g),    s ← g

FANN's RPROP is this with a floor of 1e-4 in place of `smallest`, and Δ⁺ also where the product is 0.

Source: Igel & Hüsken, Neurocomputing 50 (2003), 105–123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.resilient import check_resilient, moved_by_sign, resized, start_of
from schuss.method.rules.rule import Expansion, Seen, rates_at
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["IRpropMinus"]


@dataclass(frozen=True)
class IRpropMinus:
    """Δw = −Δ·sign(g); after a change of sign Δw = 0.

    Parameters
    ----------
    increase, decrease : float or schedule, default 1.2 and 0.5
        Δ⁺ > 1 and Δ⁻ in (0, 1).
    first_step : float, default 0.1
        Every weight's step size at first.
    smallest, largest : float, default 1e-6 and 50
        Step sizes stay within these.
    """

    increase: Rate = 1.2
    decrease: Rate = 0.5
    first_step: float = 0.1
    smallest: float = 1e-6
    largest: float = 50.0

    name: ClassVar[str] = "irprop_minus"
    rates: ClassVar[tuple[str, ...]] = ("increase", "decrease")
    memory: ClassVar[tuple[str, ...]] = ("change", "step_size", "slope")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "Δ ← Δ⁺·Δ or Δ⁻·Δ by the sign of g(n)·g(n−1);  θ ← θ − Δ·sign(g), or stay"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    elsewhere: ClassVar[str] = ""
    learning_rate: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_resilient(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 2)."""
        return rates_at(self, steps, span)

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (3, n)."""
        return start_of(self, theta)

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by its step sizes, where no slope has changed its sign."""
        loss, gradient = land.gradient(theta)
        sizes, turned = resized(self, memory, gradient, rates)
        slope = np.where(turned, 0, gradient).astype(theta.dtype, copy=False)
        change = -sizes * np.sign(slope)
        return Stepped(theta + change, np.stack([change, sizes, slope]), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return now = −Δ/|s| of each step, and what it took back; see `Rule.expansion`."""
        return moved_by_sign(rates, seen)

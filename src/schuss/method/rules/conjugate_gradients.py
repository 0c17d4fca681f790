"""Conjugate gradients: each direction leaves alone what the line searches before it have reached.

    β = max(0, g·(g − s))/(s·s)     s the gradient of the step before; 0 in every n-th step
    d ← β·d − g                     −g where that would climb
    θ ← θ + α·d                     α where E(θ + α·d) is lowest

On a quadratic of n weights, with exact searches, n steps reach the lowest point.
Source: Polak & Ribière, Rev. Française Informat. Recherche Opérationnelle 3 (1969), 35–43; the maximum is
Powell's, Lecture Notes in Mathematics 1066 (1984), 122–141.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.line_search import check_search, length_along
from schuss.method.rules.rule import Expansion, Seen, one_row, rates_at
from schuss.method.schedules import Span, Steps, Values

__all__ = ["ConjugateGradients"]


@dataclass(frozen=True)
class ConjugateGradients:
    """d ← β·d − g;  θ ← θ + α·d, with the β of Polak and Ribière and the α where the loss is lowest.

    Parameters
    ----------
    tolerance : float, default 1e-4
        Of α, relative, in (0, 1).
    first_step : float, default 1
        The length that is tried first.
    """

    tolerance: float = 1e-4
    first_step: float = 1.0

    name: ClassVar[str] = "conjugate_gradients"
    rates: ClassVar[tuple[str, ...]] = ()
    memory: ClassVar[tuple[str, ...]] = ("direction", "length", "kept", "since", "slope")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "β = max(0, g·(g − s))/(s·s);  d ← β·d − g;  θ ← θ + α·d α of the lowest loss"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    elsewhere: ClassVar[str] = ""
    learning_rate: ClassVar[float] = 1.0  # the search finds the lengths

    def __post_init__(self) -> None:
        check_search(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 0)."""
        return rates_at(self, steps, span)

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (5, n): no direction yet, and the length that is tried first."""
        none = np.zeros_like(theta)
        return np.stack([none, np.full_like(theta, self.first_step), none, none, none])

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:  # noqa: ARG002  # as all rules
        """Return the lowest point along the next conjugate direction."""
        before, last, _, since, slope = memory
        loss, gradient = land.gradient(theta)
        kept = 0.0 if since[0] % theta.size == 0 else polak_ribiere(gradient, slope)
        direction = kept * before - gradient
        if float(direction.astype(np.float64) @ gradient) >= 0:
            kept, direction = 0.0, -gradient
        number = theta.dtype.type
        tried = float(last[0]) or self.first_step
        length = length_along(land, theta, direction, loss, tried, "brent", self.tolerance)
        count = since[0] + 1 if kept else 1
        numbers = (np.full_like(theta, value) for value in (length, kept, count))
        return Stepped(theta + number(length) * direction, np.stack([direction, *numbers, gradient]), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = β, take = −1, use = α as found, now = 0; see `Rule.expansion`."""
        none, ones = np.zeros(len(rates)), np.ones(len(rates))
        if seen is None:
            return one_row(none, none, none, none)
        _, length, kept, _, _ = seen.after.astype(np.float64).T
        return one_row(kept, -ones, length, none)


def polak_ribiere(gradient: Array, before: Array) -> float:
    """Return max(0, g·(g − s))/(s·s), a number of the gradient's dtype; 0 where s is."""
    g, s = gradient.astype(np.float64), before.astype(np.float64)
    squared = float(s @ s)
    return float(gradient.dtype.type(max(0.0, float(g @ (g - s))) / squared)) if squared else 0.0

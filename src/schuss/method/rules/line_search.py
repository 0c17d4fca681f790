"""A line search: as far along the gradient, or along the momentum, as the loss falls.

    d ← −g                    along the gradient
    d ← η·d − g               along the momentum; −g where that would climb
    θ ← θ + α·d               α where E(θ + α·d) is lowest

The first length that is tried is the one found last, at first `first_step`. Where the loss falls nowhere
along d, the weights stay.
Source: Cauchy, C. R. Acad. Sci. Paris 25 (1847), 536–538; `schuss.method.line_search` finds α.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.checks import check_choice
from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.line_search import METHODS, check_search, length_along
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["LineSearch"]

DIRECTIONS = ("gradient", "momentum")


@dataclass(frozen=True)
class LineSearch:
    """θ ← θ + α·d with the α where the loss is lowest along d.

    Parameters
    ----------
    momentum : float or schedule, default 0.9
        η in [0, 1]; plays no part along the gradient.
    along : {"gradient", "momentum"}, default "gradient"
    method : {"golden", "brent"}, default "golden"
        Golden section, or Brent's parabolas.
    tolerance : float, default 0.1
        Of α, relative, in (0, 1).
    first_step : float, default 1
        The length that is tried first.
    """

    momentum: Rate = 0.9
    along: str = "gradient"
    method: str = "golden"
    tolerance: float = 0.1
    first_step: float = 1.0

    name: ClassVar[str] = "line_search"
    rates: ClassVar[tuple[str, ...]] = ("momentum",)
    memory: ClassVar[tuple[str, ...]] = ("direction", "length", "kept")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "d ← −g, or η·d − g;  θ ← θ + α·d with the α of the lowest loss"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    elsewhere: ClassVar[str] = ""
    learning_rate: ClassVar[float] = 1.0  # the search finds the lengths

    def __post_init__(self) -> None:
        check_rates(self)
        check_choice("along", self.along, DIRECTIONS)
        check_choice("method", self.method, METHODS)
        check_search(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 1)."""
        return rates_at(self, steps, span)

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (3, n): no direction yet, and the length that is tried first."""
        none = np.zeros_like(theta)
        return np.stack([none, np.full_like(theta, self.first_step), none])

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return the lowest point along the direction."""
        loss, gradient = land.gradient(theta)
        kept = rates[0] if self.along == "momentum" else 0.0
        direction = kept * memory[0] - gradient
        if float(direction.astype(np.float64) @ gradient) >= 0:
            kept, direction = 0.0, -gradient
        tried = float(memory[1, 0]) or self.first_step
        length = length_along(land, theta, direction, loss, tried, self.method, self.tolerance)
        rows = direction, np.full_like(theta, length), np.full_like(theta, kept)
        return Stepped(theta + theta.dtype.type(length) * direction, np.stack(rows), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:  # noqa: ARG002  # as all rules
        """Return keep = η, take = −1, use = α as found, now = 0; see `Rule.expansion`."""
        none, ones = np.zeros(len(rates)), np.ones(len(rates))
        if seen is None:
            return one_row(none, none, none, none)
        _, length, kept = seen.after.astype(np.float64).T
        return one_row(kept, -ones, length, none)

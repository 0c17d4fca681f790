"""Newton's method with a ridge: to where the slope, followed along the curvature, is 0.

    Δw = −α·(H + r·1)⁻¹·g

H is the Hessian, from n curvature products; so this is for small networks. The ridge r keeps the step short
where H hardly bends. Where H + r·1 would lead uphill in some direction, it is raised by the most negative
eigenvalue, so that all of its own are at least r, and a step leads downhill.
A step after which the loss would be higher is not made: r is ten times larger instead, until it is not. The
next step begins with a tenth of that r, but with no less than was given. On a quadratic no full step raises
the loss, and r stays as it was given.
(H + r·1)⁻¹ is symmetric: its diagonal is what a weight's own gradient gives, all else comes from the other
weights.
Sources: Levenberg, Quart. Appl. Math. 2 (1944), 164–168, for the ridge; Marquardt, J. Soc. Indust. Appl.
Math. 11 (1963), 431–441, for how it goes up and down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.rule import (
    Expansion,
    Seen,
    WholeStep,
    check_rates,
    rates_at,
    rounded,
    without_memory,
)
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Newton"]

LARGEST = 1000  # weights, whose Hessian takes 2000 gradients and a second
TENFOLD = 10.0
FIRST_RIDGE = 1e-3  # where one is needed and none was given
MOST_RAISES = 60  # far more than it takes until a step is lost in rounding
ROUNDING = 8  # units in the last place of a loss, by which it rises where nothing does


@dataclass(frozen=True)
class Newton(WholeStep):
    """θ ← θ − α·(H + r·1)⁻¹·g, with an r at which the loss does not rise.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        α > 0; 1 is the full step.
    ridge : float or schedule, default 0.01
        The least r ≥ 0; raised where it must be. 0 is for quadratics.
    """

    learning_rate: Rate = 1.0
    ridge: Rate = 0.01

    name: ClassVar[str] = "newton"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "ridge")
    memory: ClassVar[tuple[str, ...]] = ("change", "slope", "own", "ridge")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "θ ← θ − α·(H + r·1)⁻¹·g"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = None
    full_batch: ClassVar[bool] = True
    elsewhere: ClassVar[str] = "the other weights"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 2)."""
        return rates_at(self, steps, span)

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (4, n), zeros; SettingError where there are too many weights."""
        if theta.size > LARGEST:
            raise SettingError(
                f"rule 'newton' makes a matrix of all pairs of weights, for at most {LARGEST:,} weights; "
                f"this network has {theta.size:,}. Take a smaller network, or conjugate_gradients."
            )
        return np.zeros((len(self.memory), theta.size), theta.dtype)

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta after a step to where the slope would be 0, or as far as the loss does not rise."""
        learning_rate, least = rates
        loss, gradient = land.gradient(theta)
        values, vectors = curvatures(hessian(land, theta), least)
        slopes = gradient @ vectors
        allowed = loss + ROUNDING * float(np.finfo(theta.dtype).eps) * abs(loss)
        for ridge in ridges(least, float(memory[3, 0])):
            inverse = 1.0 / positive(values, ridge)
            change = (-learning_rate * (vectors @ (inverse * slopes))).astype(theta.dtype)
            if land.loss(theta + change) <= allowed:
                break
        own = vectors**2 @ inverse
        rows = change, gradient, own, np.full_like(theta, ridge)
        return Stepped(theta + change, np.stack(rows).astype(theta.dtype), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return now = −α·(H + r·1)⁻¹ᵢᵢ, and what came from the other weights; see `Rule.expansion`."""
        if seen is None:
            return without_memory(np.zeros(len(rates)))
        change, slope, own, _ = seen.after.astype(np.float64).T
        now = -rounded(rates[:, 0], dtype) * own
        return without_memory(now)._replace(other=change - now * slope)


def hessian(land: Landscape, theta: Array) -> Array:
    """Return the Hessian at θ, shape (n, n), in float64, a curvature product for each weight."""
    units = np.eye(theta.size, dtype=theta.dtype)
    columns = np.stack([land.curvature_product(theta, unit) for unit in units]).astype(np.float64)
    both: Array = 0.5 * (columns + columns.T)
    return both


def curvatures(matrix: Array, ridge: float) -> tuple[Array, Array]:
    """Return the eigenvalues of H, shape (n,), in rising order, and its eigenvectors as columns.

    All are NaN where H is not finite; SettingError where H is not positive and there is no ridge.
    """
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.nan), np.full_like(matrix, np.nan)
    values, vectors = np.linalg.eigh(matrix)
    lowest = float(values[0])
    if lowest <= 0 and ridge == 0:
        raise SettingError(
            "rule 'newton' goes where the slope is 0, which is downhill only where the loss bends upwards; "
            f"here the lowest curvature is {lowest:.3g}. Give a ridge above 0."
        )
    return values, vectors


def positive(values: Array, ridge: float) -> Array:
    """Return the eigenvalues of H + r·1, raised by the lowest of H where they would not be positive."""
    raised = values + ridge
    return raised if raised[0] > 0 else raised - values[0]


def ridges(least: float, before: float) -> Iterator[float]:
    """Yield the ridges to try in turn: a tenth of the one before, at least `least`, then tenfold ones."""
    ridge = max(least, before / TENFOLD)
    for _ in range(MOST_RAISES):
        yield ridge
        ridge = max(TENFOLD * ridge, FIRST_RIDGE)

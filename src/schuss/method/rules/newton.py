"""Newton's method with a ridge: to where the slope, followed along the curvature, is 0.

    Δw = −α·(H + r·1)⁻¹·g

H is the Hessian, from n curvature products; so this is for small networks. The ridge r keeps the step short
where H hardly bends, and from a saddle where it is larger than the most negative eigenvalue; without it, a
step goes to the nearest point without slope, whatever that is. (H + r·1)⁻¹ is symmetric: its diagonal is
what a weight's own gradient gives, all else comes from the other weights.
Source: Levenberg, Quart. Appl. Math. 2 (1944), 164–168, for the ridge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.rule import Expansion, Seen, check_rates, rates_at, rounded, without_memory
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Newton"]

LARGEST = 1000  # weights, whose Hessian takes 2000 gradients and a second


@dataclass(frozen=True)
class Newton:
    """θ ← θ − α·(H + r·1)⁻¹·g.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        α > 0; 1 is the full step.
    ridge : float or schedule, default 0.01
        r ≥ 0.
    """

    learning_rate: Rate = 1.0
    ridge: Rate = 0.01

    name: ClassVar[str] = "newton"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "ridge")
    memory: ClassVar[tuple[str, ...]] = ("change", "slope", "own")
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
        """Return the first memory, shape (3, n), zeros; SettingError where there are too many weights."""
        if theta.size > LARGEST:
            raise SettingError(
                f"rule 'newton' makes a matrix of all pairs of weights, for at most {LARGEST:,} weights; "
                f"this network has {theta.size:,}. Take a smaller network, or conjugate_gradients."
            )
        return np.zeros((3, theta.size), theta.dtype)

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:  # noqa: ARG002  # as all rules
        """Return theta after a step to where the slope would be 0."""
        learning_rate, ridge = rates
        loss, gradient = land.gradient(theta)
        inverse = inverse_of(hessian(land, theta) + ridge * np.eye(theta.size))
        change = (-learning_rate * (inverse @ gradient)).astype(theta.dtype)
        own = np.diagonal(inverse).astype(theta.dtype)
        return Stepped(theta + change, np.stack([change, gradient, own]), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return now = −α·(H + r·1)⁻¹ᵢᵢ, and what came from the other weights; see `Rule.expansion`."""
        if seen is None:
            return without_memory(np.zeros(len(rates)))
        change, slope, own = seen.after.astype(np.float64).T
        now = -rounded(rates[:, 0], dtype) * own
        return without_memory(now)._replace(other=change - now * slope)


def hessian(land: Landscape, theta: Array) -> Array:
    """Return the Hessian at θ, shape (n, n), in float64, a curvature product for each weight."""
    units = np.eye(theta.size, dtype=theta.dtype)
    columns = np.stack([land.curvature_product(theta, unit) for unit in units]).astype(np.float64)
    both: Array = 0.5 * (columns + columns.T)
    return both


def inverse_of(matrix: Array) -> Array:
    """Return the inverse, or raise SettingError."""
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError as error:
        raise SettingError(
            "rule 'newton' cannot divide by a curvature of 0, as there is here in some direction. Give a "
            "ridge above 0."
        ) from error

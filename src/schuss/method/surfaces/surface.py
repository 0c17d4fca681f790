"""What a surface is: a loss of two weights with its slope and bend, and where a race down it begins and ends.

The table of them is `SURFACES` in `schuss.method.surfaces`; a surface cut out of a network's own loss is a
`schuss.method.surfaces.plane.Plane`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schuss.method.backprop import Gradient
from schuss.method.functions import Array
from schuss.method.racers import OnCourse

__all__ = ["Surface", "Window"]

Window = tuple[tuple[float, float], tuple[float, float]]  # what a picture shows of both weights


@dataclass(frozen=True)
class Surface:
    """A function E(θ) of two weights: one row of the table `SURFACES`. A `Landscape`.

    Attributes
    ----------
    name, words : str
        As in ``schuss race NAME``, and what it is in a line.
    formula : str
    value : callable ``theta -> E``
        theta has shape (2,); all three keep its dtype.
    slope : callable ``theta -> ∂E/∂θ``, shape (2,)
    bend : callable ``theta -> ∂²E/∂θ²``, shape (2, 2)
    start : (float, float)
        Where a race begins if nothing else is said.
    goal : float
        The loss at which it ends.
    window : ((float, float), (float, float))
        What a picture shows of both weights, whatever the trails need beyond.
    racers : tuple of Rule or Lbfgs
        The rules that race if nothing else is said, with rates at which none of them diverges.
    minima : tuple of (float, float)
        Where E is lowest.
    notes : tuple of str
        What must be known of published numbers, a line each.
    """

    name: str
    words: str
    formula: str
    value: Callable[[Array], Any] = field(repr=False, compare=False)
    slope: Callable[[Array], Array] = field(repr=False, compare=False)
    bend: Callable[[Array], Array] = field(repr=False, compare=False)
    start: tuple[float, float]
    goal: float
    window: Window
    racers: tuple[OnCourse, ...]
    minima: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()

    def loss(self, theta: Array) -> float:
        """Return E(θ)."""
        return float(self.value(theta))

    def gradient(self, theta: Array) -> Gradient:
        """Return E(θ) and its gradient, shape (2,)."""
        return Gradient(self.loss(theta), np.asarray(self.slope(theta), theta.dtype))

    def curvature_product(self, theta: Array, vector: Array) -> Array:
        """Return the Hessian at θ times a vector, shape (2,)."""
        return np.asarray(self.bend(theta), theta.dtype) @ vector

    def matrices(self, theta: Array) -> Sequence[Array]:  # noqa: ARG002  # as every landscape
        """Return nothing: two weights alone have no layers."""
        return ()

"""Surfaces that are sums of squares of two or three simple terms, E = Σ r_i², so that 0 is the least.

    slope = 2·Σ r_i·∇r_i,        bend = 2·Σ (∇r_i·∇r_iᵀ + r_i·∇²r_i)

Sources: Rosenbrock, The Computer Journal 3 (1960); Beale, On an iterative method, Princeton (1958);
Himmelblau, Applied Nonlinear Programming (1972). Saddle and ravine are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from schuss.method.functions import Array
from schuss.method.racers import Lbfgs
from schuss.method.rules import (
    Adam,
    ConjugateGradients,
    GradientDescent,
    IRpropPlus,
    LineSearch,
    Momentum,
    Nesterov,
    Newton,
    Rprop,
)
from schuss.method.surfaces.surface import Surface

__all__ = ["beale", "himmelblau", "ravine", "rosenbrock", "saddle"]

# A term r with its gradient and the three distinct second derivatives ∂xx, ∂xy, ∂yy.
Term = tuple[Any, tuple[Any, Any], tuple[Any, Any, Any]]
Terms = Callable[[Any, Any], tuple[Term, ...]]


def _derived(
    terms: Terms,
) -> tuple[Callable[[Array], Any], Callable[[Array], Array], Callable[[Array], Array]]:
    """Return value, slope and bend of a sum of squares."""

    def value(theta: Array) -> Any:
        return sum(r * r for r, _, _ in terms(*theta))

    def slope(theta: Array) -> Array:
        return np.array([sum(2 * r * d[i] for r, d, _ in terms(*theta)) for i in (0, 1)], theta.dtype)

    def bend(theta: Array) -> Array:
        found = terms(*theta)
        xx = sum(2 * (d[0] * d[0] + r * dd[0]) for r, d, dd in found)
        xy = sum(2 * (d[0] * d[1] + r * dd[1]) for r, d, dd in found)
        yy = sum(2 * (d[1] * d[1] + r * dd[2]) for r, d, dd in found)
        return np.array([[xx, xy], [xy, yy]], theta.dtype)

    return value, slope, bend


def _rosenbrock(x: Any, y: Any) -> tuple[Term, ...]:
    return (1 - x, (-1, 0), (0, 0, 0)), (10 * (y - x * x), (-20 * x, 10), (-20, 0, 0))


def _beale(x: Any, y: Any) -> tuple[Term, ...]:
    yy, yyy = y * y, y * y * y
    return (
        (1.5 - x + x * y, (y - 1, x), (0, 1, 0)),
        (2.25 - x + x * yy, (yy - 1, 2 * x * y), (0, 2 * y, 2 * x)),
        (2.625 - x + x * yyy, (yyy - 1, 3 * x * yy), (0, 3 * yy, 6 * x * y)),
    )


def _himmelblau(x: Any, y: Any) -> tuple[Term, ...]:
    return (x * x + y - 11, (2 * x, 1), (2, 0, 0)), (x + y * y - 7, (1, 2 * y), (0, 0, 2))


def _saddle(x: Any, y: Any) -> tuple[Term, ...]:
    half = math.sqrt(0.5)
    return (half * x, (half, 0), (0, 0, 0)), ((y * y - 1) / 2, (0, y), (0, 0, 1))


def _ravine(x: Any, y: Any) -> tuple[Term, ...]:
    wall, floor = math.sqrt(10), math.sqrt(0.05)
    return (
        (wall * (y - np.sin(x)), (-wall * np.cos(x), wall), (wall * np.sin(x), 0, 0)),
        (floor * x, (floor, 0), (0, 0, 0)),
    )


def rosenbrock() -> Surface:
    """Return Rosenbrock's valley."""
    return Surface(
        "rosenbrock",
        "a curved valley whose floor hardly falls",
        "(1−x)² + 100·(y−x²)²",
        *_derived(_rosenbrock),
        start=(-1.2, 1.0),
        goal=0.01,
        window=((-1.8, 1.8), (-0.8, 2.2)),
        racers=(
            GradientDescent(0.001),
            Momentum(0.001, 0.9),
            Adam(0.05),
            IRpropPlus(),
            LineSearch(),
            Newton(),
            Lbfgs(),
        ),
        minima=((1.0, 1.0),),
    )


def beale() -> Surface:
    """Return Beale's plain with steep corners."""
    return Surface(
        "beale",
        "a flat plain between steep corners",
        "(1.5−x+x·y)² + (2.25−x+x·y²)² + (2.625−x+x·y³)²",
        *_derived(_beale),
        start=(1.0, 1.5),
        goal=0.001,
        window=((-0.5, 4.0), (-1.0, 1.8)),
        racers=(
            *(GradientDescent(0.005), Momentum(0.005, 0.9), Nesterov(0.005, 0.9), Adam(0.05)),
            *(IRpropPlus(), ConjugateGradients(), Lbfgs()),
        ),
        minima=((3.0, 0.5),),
    )


def himmelblau() -> Surface:
    """Return Himmelblau's four hollows."""
    return Surface(
        "himmelblau",
        "four hollows of one depth",
        "(x²+y−11)² + (x+y²−7)²",
        *_derived(_himmelblau),
        start=(-0.5, -1.0),
        goal=0.001,
        window=((-5.0, 5.0), (-5.0, 5.0)),
        racers=(
            *(GradientDescent(0.005), Momentum(0.005, 0.9), Nesterov(0.005, 0.9), Adam(0.2)),
            *(Rprop(), ConjugateGradients(), Lbfgs()),
        ),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
    )


def saddle() -> Surface:
    """Return a saddle with a hollow on either side."""
    return Surface(
        "saddle",
        "a saddle between two hollows, and a start beside its ridge",
        "½·x² + ¼·(y²−1)²",
        *_derived(_saddle),
        start=(1.5, 0.001),
        goal=0.001,
        window=((-1.0, 2.0), (-1.5, 1.5)),
        racers=(
            *(GradientDescent(0.1), Momentum(0.1, 0.9), Nesterov(0.1, 0.9), Adam(0.1)),
            *(Rprop(), Newton(), Lbfgs()),
        ),
        minima=((0.0, -1.0), (0.0, 1.0)),
    )


def ravine() -> Surface:
    """Return a winding ravine."""
    return Surface(
        "ravine",
        "a winding ravine, its walls 200 times as steep as its floor",
        "10·(y−sin x)² + 0.05·x²",
        *_derived(_ravine),
        start=(-5.0, 0.2),
        goal=0.001,
        window=((-6.0, 2.0), (-2.0, 2.0)),
        racers=(
            GradientDescent(0.02),
            Momentum(0.02, 0.9),
            Adam(0.1),
            IRpropPlus(),
            LineSearch(),
            Newton(ridge=1.0),
            Lbfgs(),
        ),
        minima=((0.0, 0.0),),
    )

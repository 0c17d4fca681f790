"""Quadratics of any condition number and rotation: what every surface is near its lowest point."""

from __future__ import annotations

import math

import numpy as np

from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.racers import Lbfgs, OnCourse
from schuss.method.rules import (
    Adam,
    ConjugateGradients,
    GradientDescent,
    LineSearch,
    Momentum,
    Nesterov,
)
from schuss.method.surfaces.surface import Surface

__all__ = ["quadratic"]


def quadratic(condition: float = 50.0, rotation: float = 30.0) -> Surface:
    """Return ½·(u² + κ·v²), u and v the weights turned by `rotation` degrees.

    Parameters
    ----------
    condition : float, default 50
        κ ≥ 1: how many times steeper it bends across the valley than along it.
    rotation : float, default 30
        Degrees from the first weight's axis to the valley's.

    Raises
    ------
    SettingError
        A condition below 1, or numbers that are not finite.
    """
    condition = check_number("condition", condition, low=1.0)
    rotation = check_number("rotation", rotation)
    matrix = _matrix(condition, math.radians(rotation))
    return Surface(
        "quadratic",
        f"an elliptic bowl, condition number {condition:g}, turned by {rotation:g}°",
        "½·(u² + κ·v²)",
        value=lambda theta: 0.5 * (theta @ (matrix.astype(theta.dtype) @ theta)),
        slope=lambda theta: matrix.astype(theta.dtype) @ theta,
        bend=lambda theta: matrix.astype(theta.dtype),
        start=(-3.0, -1.0),
        goal=1e-4,
        window=((-4.0, 4.0), (-3.0, 3.0)),
        racers=_racers(condition),
        minima=((0.0, 0.0),),
    )


def _matrix(condition: float, angle: float) -> Array:
    """Return the Hessian: eigenvalue 1 along the valley, κ across it."""
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-math.sin(angle), math.cos(angle)])
    return np.outer(along, along) + condition * np.outer(across, across)


def _racers(condition: float) -> tuple[OnCourse, ...]:
    """Return rules at the rates that theory calls best for these curvatures, 1 and κ.

    Gradient descent at 2/(κ+1); Polyak's momentum at α = (2/(√κ+1))², η = ((√κ−1)/(√κ+1))²; Nesterov's at
    α = 1/κ, η = (√κ−1)/(√κ+1).
    """
    root = math.sqrt(condition)
    ratio = (root - 1) / (root + 1)
    return (
        GradientDescent(2 / (condition + 1)),
        Momentum((2 / (root + 1)) ** 2, ratio**2),
        Nesterov(1 / condition, ratio),
        Adam(0.1),
        LineSearch(),
        ConjugateGradients(),
        Lbfgs(),
    )

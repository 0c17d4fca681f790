"""The momentum that is best for a quadratic, going round for ever elsewhere: Lessard's counter-example."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Momentum, race
from schuss.method.functions import Array
from schuss.method.surfaces import Surface

__all__ = ["THREE_CYCLE"]

START, STEPS = 3.3, 600
CYCLE = (-2208 / 1225, 792 / 1225, 2592 / 1225)
BEST_FOR_QUADRATICS, PLAIN = Momentum(1 / 9, 4 / 9), GradientDescent(2 / 26)


def value(theta: Array) -> Any:
    """Return f(x) + ½·y², f convex with curvatures from 1 to 25; the second weight makes it a surface."""
    x, y = theta
    parts = [12.5 * x * x, 0.5 * x * x + 24.0 * x - 12.0, 12.5 * x * x - 24.0 * x + 36.0]
    return parts[_part(x)] + 0.5 * y * y


def slope(theta: Array) -> Array:
    """Return f′(x) and y, shape (2,)."""
    x, y = theta
    return np.array([[25.0 * x, x + 24.0, 25.0 * x - 24.0][_part(x)], y])


def bend(theta: Array) -> Array:
    """Return the Hessian, shape (2, 2)."""
    return np.diag([[25.0, 1.0, 25.0][_part(theta[0])], 1.0])


def _part(x: float) -> int:
    """Return 0 below 1, 1 below 2, 2 above."""
    return int(x >= 1.0) + int(x >= 2.0)


SURFACE = Surface(
    "three-cycle",
    "a convex function that is no quadratic",
    "f′(x) = 25x, x + 24, 25x − 24 below 1, below 2, above",
    value,
    slope,
    bend,
    start=(START, 0.0),
    goal=-1.0,  # below the minimum: all steps are made
    window=((-3.0, 4.0), (-1.0, 1.0)),
    racers=(BEST_FOR_QUADRATICS, PLAIN),
)


def compare(_trials: int) -> list[Claim]:
    """Compare the last three places with the cycle, and see where gradient descent ends."""
    ball, plain = race(SURFACE, steps=STEPS).racers
    cycle = sorted(ball.trail[-3:, 0].tolist())
    lines = [
        Claim(f"heavy ball, place {k} of the cycle", p, x, Range.around(p, 1e-12), digits=10)
        for k, (p, x) in enumerate(zip(CYCLE, cycle, strict=True), 1)
    ]
    end = abs(float(plain.trail[-1, 0]))
    return [*lines, Claim("gradient descent, α = 2/26: |x| at the end", 0, end, Range(high=1e-9), digits=2)]


THREE_CYCLE = Paper(
    "three-cycle",
    "Heavy ball tuned for a quadratic, on a function that is none",
    "Lessard, Recht and Packard, Analysis and design of optimization algorithms via integral quadratic "
    "constraints, SIAM J. Optim. 26 (2016).",
    f"{SURFACE.formula}; α = 1/9, η = 4/9, best for curvatures from 1 to 25; from {START} at rest, a race of "
    f"{STEPS} steps.",
    0,
    compare,
)

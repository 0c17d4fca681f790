"""Whole-step rules once more, in plain Python: one weight after the other, as their sources write them.

Each is a function from (θ, rates, what it remembers) to (the change of θ, what it remembers), all lists and
dictionaries; ``ask`` returns loss and gradient at any place. Holds no test.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from scipy.optimize import minimize_scalar

__all__ = [
    "conjugate_gradients",
    "line_search",
    "look_ahead",
    "muon",
    "newton",
    "quickprop",
    "resilient",
]

Ask = Callable[[list[float]], tuple[float, list[float]]]


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def resilient(kind: str, up: float, down: float, first: float, smallest: float, largest: float) -> Any:
    """Riedmiller and Braun's RPROP+, or Igel and Hüsken's iRPROP+ and iRPROP−."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        error, gradient = ask(theta)
        sizes = known.setdefault("sizes", [first] * len(theta))
        before = known.setdefault("gradient", [0.0] * len(theta))
        changes = known.setdefault("changes", [0.0] * len(theta))
        rose = error > known.get("error", math.inf)
        for i, g in enumerate(gradient):
            if g * before[i] > 0:
                sizes[i] = min(sizes[i] * up, largest)
                changes[i], before[i] = -sign(g) * sizes[i], g
            elif g * before[i] < 0:
                sizes[i] = max(sizes[i] * down, smallest)
                goes_back = kind == "rprop" or (kind == "irprop_plus" and rose)
                changes[i], before[i] = -changes[i] if goes_back else 0.0, 0.0
            else:
                changes[i], before[i] = -sign(g) * sizes[i], g
        known["error"] = error
        return list(changes)

    return step


def quickprop(epsilon: float, mu: float) -> Any:
    """Fahlman's: slopes are −∂E/∂w, as in his program."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        slopes = [-g for g in ask(theta)[1]]
        before = known.get("slopes", [0.0] * len(theta))
        changes = known.get("changes", [0.0] * len(theta))
        shrink, new = mu / (1 + mu), []
        for s, p, d in zip(slopes, before, changes, strict=True):
            move = 0.0
            if d > 0:
                move += epsilon * s if s > 0 else 0.0
                move += mu * d if s > shrink * p else d * max(-mu, min(mu, s / (p - s)))
            elif d < 0:
                move += epsilon * s if s < 0 else 0.0
                move += mu * d if s < shrink * p else d * max(-mu, min(mu, s / (p - s)))
            else:
                move += epsilon * s
            new.append(move)
        known["slopes"], known["changes"] = slopes, new
        return new

    return step


def lowest_along(ask: Ask, theta: list[float], direction: list[float]) -> float:
    """Return SciPy's length to the lowest point along a direction."""

    def loss(a: float) -> float:
        return ask([t + a * d for t, d in zip(theta, direction, strict=True)])[0]

    return float(minimize_scalar(loss, bracket=(0.0, 1e-3), tol=1e-10).x)


def line_search(eta: float) -> Any:
    """Cauchy's steepest descent, or the same along a momentum that is not scaled."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        gradient = ask(theta)[1]
        old = known.get("direction", [0.0] * len(theta))
        direction = [eta * d - g for d, g in zip(old, gradient, strict=True)]
        if sum(d * g for d, g in zip(direction, gradient, strict=True)) >= 0:
            direction = [-g for g in gradient]
        known["direction"] = direction
        length = lowest_along(ask, theta, direction)
        return [length * d for d in direction]

    return step


def conjugate_gradients() -> Any:
    """Polak and Ribière's with Powell's maximum, begun again after every n steps."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        g, count = np.array(ask(theta)[1]), known.get("count", 0)
        beta = 0.0
        if count % len(theta):
            s = known["gradient"]
            beta = max(0.0, g @ (g - s) / (s @ s))
        direction = -g + (beta * known["direction"] if beta else 0.0)
        if direction @ g >= 0:
            direction, beta = -g, 0.0
        known.update(gradient=g, direction=direction, count=count + 1 if beta else 1)
        return list(lowest_along(ask, theta, direction.tolist()) * direction)

    return step


def newton(rate: float, ridge: float) -> Any:
    """Factorise the Hessian, whose columns are differences of gradients."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:  # noqa: ARG001  # as all
        n, h, columns = len(theta), 1e-4, []
        for i in range(n):
            at = [[t + s * h * (i == k) for k, t in enumerate(theta)] for s in (-2, -1, 1, 2)]
            g = [np.array(ask(place)[1]) for place in at]
            columns.append((g[0] - 8 * g[1] + 8 * g[2] - g[3]) / (12 * h))
        matrix = np.array(columns) + ridge * np.eye(n)
        return list(-rate * scipy.linalg.lu_solve(scipy.linalg.lu_factor(matrix), ask(theta)[1]))

    return step


def muon(rate: float, eta: float, bias_rate: float, shapes: list[tuple[int, int]]) -> Any:
    """Jordan's, by the singular values that five steps of the polynomial make of those of the matrix."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        g = np.array(ask(theta)[1])
        mean = known["mean"] = eta * known.get("mean", np.zeros(len(g))) + (1 - eta) * g
        ahead = eta * mean + (1 - eta) * g
        change, at = -bias_rate * ahead, 0
        for rows, columns in shapes:
            U = ahead[at : at + rows * columns].reshape(rows, columns)
            left, values, right = np.linalg.svd(U, full_matrices=False)
            x = values / (np.sqrt((values**2).sum()) + 1e-7)
            for _ in range(5):
                x = 3.4445 * x - 4.775 * x**3 + 2.0315 * x**5
            X = (left * x) @ right
            change[at : at + U.size] = (-rate * math.sqrt(max(1.0, columns / rows)) * X).ravel()
            at += U.size + columns  # the biases of the layer follow its matrix
        return list(change)

    return step


def look_ahead(rate: float, eta: float) -> Any:
    """Sutskever's form of Nesterov's momentum."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        v = known.get("velocity", [0.0] * len(theta))
        g = ask([t + eta * w for t, w in zip(theta, v, strict=True)])[1]
        known["velocity"] = [eta * w - rate * x for w, x in zip(v, g, strict=True)]
        return known["velocity"]

    return step

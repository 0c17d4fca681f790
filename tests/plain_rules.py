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
    "fletcher_reeves",
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


def lowest(line: Callable[[float], float], loss: float, first: float) -> float:  # noqa: ARG001  # as all
    """Return SciPy's length to the lowest point of a line."""
    return float(minimize_scalar(line, bracket=(0.0, first), tol=1e-10).x)


def go_along(ask: Ask, theta: list[float], direction: list[float], known: dict[str, Any], search: Any) -> Any:
    """Return the change to where a search ends that begins with the length of the step before."""
    place, along = np.array(theta), np.array(direction)

    def line(a: float) -> float:
        return ask((place + a * along).tolist())[0]

    length = search(line, line(0.0), known.get("length") or 1.0)
    known.update(direction=direction, length=length)
    return [length * d for d in direction]


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def line_search(eta: float, search: Any = lowest) -> Any:
    """Cauchy's steepest descent, or the same along a momentum that is not scaled."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        gradient = ask(theta)[1]
        old = known.get("direction", [0.0] * len(theta))
        direction = [eta * d - g for d, g in zip(old, gradient, strict=True)]
        if dot(direction, gradient) >= 0:
            direction = [-g for g in gradient]
        change: list[float] = go_along(ask, theta, direction, known, search)
        return change

    return step


def polak_ribiere(g: list[float], s: list[float]) -> float:
    return max(0.0, (dot(g, g) - dot(g, s)) / dot(s, s))


def fletcher_reeves(g: list[float], s: list[float]) -> float:
    return dot(g, g) / dot(s, s)


def conjugate_gradients(search: Any = lowest, kept: Any = polak_ribiere) -> Any:
    """Polak and Ribière's with Powell's maximum, begun again after every n steps."""

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        g, count, beta = ask(theta)[1], known.get("count", 0), 0.0
        if count % len(theta):
            beta = kept(g, known["gradient"])
        old = known.get("direction", g)
        direction = [beta * d - x for d, x in zip(old, g, strict=True)]
        if dot(direction, g) >= 0:
            direction, beta = [-x for x in g], 0.0
        known.update(gradient=g, count=count + 1 if beta else 1)
        change: list[float] = go_along(ask, theta, direction, known, search)
        return change

    return step


def by_differences(ask: Ask, theta: list[float]) -> Any:
    """Return the Hessian, whose columns are differences of gradients."""
    n, h, columns = len(theta), 1e-4, []
    for i in range(n):
        at = [[t + s * h * (i == k) for k, t in enumerate(theta)] for s in (-2, -1, 1, 2)]
        g = [np.array(ask(place)[1]) for place in at]
        columns.append((g[0] - 8 * g[1] + 8 * g[2] - g[3]) / (12 * h))
    return np.array(columns)


def newton(rate: float, least: float, hessian: Any = by_differences, most: float = math.inf) -> Any:
    """Solve with the ridge, raised until the matrix is positive and, as Marquardt does, the loss no higher.

    A ridge of `most` or more is taken whatever the loss.
    """

    def step(ask: Ask, theta: list[float], known: dict[str, Any]) -> list[float]:
        loss, gradient = ask(theta)
        matrix = hessian(ask, theta)
        lowest = scipy.linalg.eigvalsh(matrix)[0]
        ridge = max(least, known.get("ridge", 0.0) / 10)
        while True:
            up = ridge if lowest + ridge > 0 else ridge - lowest
            change = -rate * scipy.linalg.solve(matrix + up * np.eye(len(theta)), gradient, assume_a="sym")
            after = ask((np.array(theta) + change).tolist())[0]
            if after <= loss + 8 * 2**-52 * abs(loss) or ridge >= most:
                known["ridge"] = ridge
                return list(change)
            ridge = max(10 * ridge, 1e-3)

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

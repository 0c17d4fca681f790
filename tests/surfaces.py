"""Landscapes with known answers: six points under one logistic unit, and quadratics. Holds no test."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from schuss.method.backprop import Gradient
from schuss.method.rules.rule import first_memory, make_step
from schuss.method.schedules import Span

__all__ = ["Quadratic", "SixPoints", "descend", "steps_to"]


class SixPoints:
    """Mean squared error, without the ½, of one logistic unit without bias on six points."""

    X = ((0.9, 0.3), (0.5, 0.3), (0.2, 0.1), (0.7, 0.5), (0.1, 0.8), (0.1, 0.9))
    t = (1, 1, 1, 0, 0, 0)
    start, goal = (-4.0, -4.0), 0.125

    def __init__(self, dtype: str = "float64") -> None:
        self.inputs, self.targets = np.array(self.X, dtype), np.array(self.t, dtype)
        self.asked = 0

    def loss(self, theta: Any) -> float:
        return self.gradient(theta).loss

    def gradient(self, theta: Any) -> Gradient:
        self.asked += 1
        with np.errstate(over="ignore"):
            y = 1 / (1 + np.exp(-(self.inputs @ theta)))
        e = y - self.targets
        return Gradient(float(np.mean(e * e)), 2 / len(e) * (e * y * (1 - y)) @ self.inputs)

    def curvature_product(self, theta: Any, vector: Any) -> Any:
        y = 1 / (1 + np.exp(-(self.inputs @ theta)))
        slope = y * (1 - y)
        bend = slope**2 + (y - self.targets) * slope * (1 - 2 * y)
        return 2 / len(y) * (bend * (self.inputs @ vector)) @ self.inputs

    def matrices(self, theta: Any) -> Sequence[Any]:  # noqa: ARG002  # as Landscape has it
        return []


class Quadratic:
    """E = ½·θᵀHθ with H of the given eigenvalues, turned; as a matrix of ``shape``, if one is given."""

    def __init__(self, eigenvalues: Sequence[float], seed: int = 0, shape: Any = None) -> None:
        rng = np.random.default_rng(seed)
        Q = np.linalg.qr(rng.standard_normal((len(eigenvalues),) * 2))[0]
        self.H, self.shape = (Q * eigenvalues) @ Q.T, shape
        self.start = rng.standard_normal(len(eigenvalues))

    def loss(self, theta: Any) -> float:
        return self.gradient(theta).loss

    def gradient(self, theta: Any) -> Gradient:
        g = self.H @ theta
        return Gradient(0.5 * float(theta @ g), g)

    def curvature_product(self, theta: Any, vector: Any) -> Any:  # noqa: ARG002  # as Landscape has it
        return self.H @ vector

    def matrices(self, theta: Any) -> Sequence[Any]:
        size = 0 if self.shape is None else self.shape[0] * self.shape[1]
        return [theta[:size].reshape(self.shape)] if size else []


def descend(rule: Any, land: Any, start: Any, steps: int) -> tuple[Any, Any]:
    """Return theta before each step and after the last, (steps+1, n), and the memories with it."""
    theta, memory = np.array(start), first_memory(rule, np.array(start))
    thetas, memories = [theta], [memory]
    rates = rule.at(np.arange(steps), Span(steps))
    for n in range(steps):
        theta, memory, _ = make_step(rule, land, theta, memory, rates[n].tolist())
        thetas.append(theta)
        memories.append(memory)
    return np.array(thetas), np.array(memories)


def steps_to(rule: Any, land: Any, dtype: str = "float64", most: int = 5000) -> tuple[int, Any]:
    """Return after how many steps from its start the loss of `land` is at its goal, and where."""
    theta = np.array(land.start, dtype)
    memory = first_memory(rule, theta)
    for n in range(most):
        if land.loss(theta) <= land.goal:
            return n, theta
        (rates,) = rule.at(np.arange(n, n + 1), Span(most)).tolist()
        theta, memory, _ = make_step(rule, land, theta, memory, rates)
    raise AssertionError(f"not at the goal after {most} steps")

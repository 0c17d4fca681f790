"""The six points of the NeuPy article on learning algorithms, on which its five rules raced.

One logistic unit without bias: two weights, so the whole loss is a surface that can be drawn.
Source: neupy.com, Visualize Backpropagation Algorithms (2015).
"""

from __future__ import annotations

import numpy as np

from schuss.method import backprop
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.rules import GradientDescent, IRpropPlus, Momentum, Rprop
from schuss.method.surfaces.surface import Surface

__all__ = ["six_points"]

X = np.array([(0.9, 0.3), (0.5, 0.3), (0.2, 0.1), (0.7, 0.5), (0.1, 0.8), (0.1, 0.9)])
T = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [0.0]])
NETWORK = Network([2, 1], "logistic", "mean_squared_error", output="logistic", biases=False)


def _gradient(theta: Array) -> backprop.Gradient:
    return backprop.gradient(NETWORK, theta, X.astype(theta.dtype), T.astype(theta.dtype))


def _bend(theta: Array) -> Array:
    """Return mean_p 2·(y′² − (t−y)·y″)·x_p·x_pᵀ, shape (2, 2)."""
    inputs, targets = X.astype(theta.dtype), T.astype(theta.dtype)[:, 0]
    y = backprop.outputs(NETWORK, theta, inputs)[:, 0]
    first = y * (1 - y)
    bend = 2 * (first * first - (targets - y) * first * (1 - 2 * y))
    return inputs.T @ (bend[:, None] * inputs) / len(inputs)


def six_points() -> Surface:
    """Return the article's loss, the mean of (t−y)² without ½, with its start and goal."""
    return Surface(
        "six-points",
        "one logistic unit on the six points of the NeuPy article",
        "mean (t−y)², y = 1/(1+exp(−x·w))",
        value=lambda theta: _gradient(theta).loss,
        slope=lambda theta: _gradient(theta).gradient,
        bend=_bend,
        start=(-4.0, -4.0),
        goal=0.125,
        window=((-5.0, 6.0), (-8.0, 2.0)),
        racers=(GradientDescent(0.3), Momentum(0.3, 0.9), Rprop(smallest=0.1), IRpropPlus(smallest=0.1)),
    )

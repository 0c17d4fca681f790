"""The six points of the NeuPy article on learning algorithms, on which its five rules raced.

One logistic unit without bias: two weights, so the whole loss is a surface that can be drawn.
Source: neupy.com, Visualize Backpropagation Algorithms (2015).
"""

from __future__ import annotations

import numpy as np

from schuss.method import backprop
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.rules import GradientDescent, IRpropPlus, LineSearch, Momentum, Rprop
from schuss.method.surfaces.surface import Surface

__all__ = ["six_points"]

X = np.array([(0.9, 0.3), (0.5, 0.3), (0.2, 0.1), (0.7, 0.5), (0.1, 0.8), (0.1, 0.9)])
T = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [0.0]])
NETWORK = Network([2, 1], "logistic", "mean_squared_error", output="logistic", biases=False)

NOTES = (
    "The article has 797 steps for gradient descent, 92 for momentum, 20 for RPROP, 17 for iRPROP+, 2 for the "
    "line search.",
    "RPROP, iRPROP+: the published script now starts with step sizes of 0.3, which give 18 and 16. The "
    "article's figure, 11 steps one way and a turn at the 12th, is that of 0.1, as here.",
    "Line search: any that may go about 350 gradients far needs 2 steps. NeuPy's present one stops at 50 and "
    "needs 6.",
    "The article's text calls the line search Newton's method. Newton's, with a ridge of 0.01, needs 3.",
    "An earlier version of the article has 798, 202 and 19.",
)


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
        racers=(GradientDescent(0.3), Momentum(0.3, 0.9), Rprop(), IRpropPlus(), LineSearch()),
        notes=NOTES,
    )

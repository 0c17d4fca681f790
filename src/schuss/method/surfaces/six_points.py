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
OBJECTIVE = backprop.Objective("mean")

NOTES = (
    "The article's steps: gradient descent 797, momentum 92, RPROP 20, iRPROP+ 17, line search 2.",
    "RPROP and iRPROP+: the published script's step sizes now begin at 0.3, which gives 18 and 16.",
    "The article's figure, with 11 steps one way and a turn at the 12th, is that of 0.1, as here.",
    "Line search: NeuPy's present one goes no farther than 50 gradients and needs 6; what may go 350 far, 2.",
    "The article's text calls the line search Newton's method. Newton's, with a ridge of 0.01, needs 3.",
    "An earlier version of the article has 798, 202 and 19.",
)


def _value(theta: Array) -> float:
    """Return the mean of (t−y)², with the bits that `backprop.gradient` has for it."""
    inputs, targets = X.astype(theta.dtype), T.astype(theta.dtype)
    each = backprop.errors(NETWORK, backprop.forward(NETWORK, theta, inputs), targets)
    return backprop.batch_loss(NETWORK, theta, each, OBJECTIVE, None) * OBJECTIVE.scale(len(inputs))


def _slope(theta: Array) -> Array:
    return backprop.gradient(NETWORK, theta, X.astype(theta.dtype), T.astype(theta.dtype)).gradient


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
        value=_value,
        slope=_slope,
        bend=_bend,
        start=(-4.0, -4.0),
        goal=0.125,
        window=((-5.0, 6.0), (-8.0, 2.0)),
        racers=(GradientDescent(0.3), Momentum(0.3, 0.9), Rprop(), IRpropPlus(), LineSearch()),
        notes=NOTES,
    )

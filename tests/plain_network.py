"""A network of one hidden layer once more, written by hand: its loss, slope and curvature. Holds no test.

Nothing here calls schuss. With complex weights the same lines give second derivatives: a gradient that is
analytic has Im g(θ + i·h·e)/h as its derivative along e, with an error of h² and nothing that cancels.
"""

from typing import Any

import numpy as np

__all__ = ["PlainNetwork"]

TINY = 1e-30


class PlainNetwork:
    """E(θ) = Σ_p ½·|t_p − y_p|²/P of k inputs, h tanh units and j linear ones, θ = (w₁, b₁, w₂, b₂)."""

    def __init__(self, X: Any, T: Any, hidden: int) -> None:
        self.X, self.T = X, T
        self.shape = X.shape[1], hidden, T.shape[1]

    def parts(self, theta: Any) -> tuple[Any, Any, Any, Any]:
        """Cut weights (…, n) into matrices and biases, these as rows."""
        k, h, j = self.shape
        w1, b1, w2, b2 = np.split(theta, np.cumsum([k * h, h, h * j]), axis=-1)
        stack = theta.shape[:-1]
        return w1.reshape(*stack, k, h), b1[..., None, :], w2.reshape(*stack, h, j), b2[..., None, :]

    def outputs(self, theta: Any) -> Any:
        """Return y of all samples, shape (…, P, j)."""
        w1, b1, w2, b2 = self.parts(theta)
        return np.tanh(self.X @ w1 + b1) @ w2 + b2

    def loss(self, theta: Any) -> Any:
        """Return E."""
        e = self.outputs(theta) - self.T
        return 0.5 * (e * e).sum(axis=(-2, -1)) / len(self.X)

    def gradient(self, theta: Any) -> Any:
        """Return ∂E/∂θ, shape (…, n)."""
        w1, b1, w2, b2 = self.parts(theta)
        y = np.tanh(self.X @ w1 + b1)
        after = (y @ w2 + b2 - self.T) / len(self.X)
        before = (1 - y * y) * (after @ np.swapaxes(w2, -1, -2))
        grown = (self.X.T @ before, before.sum(-2), np.swapaxes(y, -1, -2) @ after, after.sum(-2))
        return np.concatenate([part.reshape(*theta.shape[:-1], -1) for part in grown], axis=-1)

    def hessian(self, theta: Any) -> Any:
        """Return ∂²E/∂θ², shape (n, n), by one complex step a row."""
        return self.gradient(theta + 1j * TINY * np.eye(theta.size)).imag / TINY

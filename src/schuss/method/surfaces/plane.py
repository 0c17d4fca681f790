"""A plane cut through a landscape of many weights: itself a landscape of two, with coordinates p.

    θ = origin + p·axes,      ∂E/∂p = axes·∂E/∂θ,      axes of length 1 at right angles

Two weights that vary while all others are held are such a plane, and so are the two directions in which
trails spread most, their first principal components.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schuss.errors import SettingError
from schuss.method.backprop import Gradient
from schuss.method.functions import Array
from schuss.method.landscape import Landscape

__all__ = ["Plane", "plane_of_weights", "principal_plane"]


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through `land`. A `Landscape`.

    Attributes
    ----------
    land : Landscape
        Of n weights.
    origin : ndarray, shape (n,)
    axes : ndarray, shape (2, n)
        Of length 1 and at right angles.
    names : (str, str)
        What the coordinates are called.
    """

    land: Landscape
    origin: Array
    axes: Array
    names: tuple[str, str]

    def lift(self, p: Array) -> Array:
        """Return the weights at coordinates `p` (2,), shape (n,)."""
        return np.asarray(self.origin + p @ self.axes, self.origin.dtype)

    def project(self, theta: Array) -> Array:
        """Return the coordinates of weights (…, n) as seen from straight above, shape (…, 2)."""
        return (theta - self.origin) @ self.axes.T

    def loss(self, theta: Array) -> float:
        """Return E at coordinates `theta`, shape (2,)."""
        return self.land.loss(self.lift(theta))

    def gradient(self, theta: Array) -> Gradient:
        """Return E at coordinates `theta` and its gradient by them, shape (2,)."""
        loss, gradient = self.land.gradient(self.lift(theta))
        return Gradient(loss, np.asarray(self.axes @ gradient, theta.dtype))

    def curvature_product(self, theta: Array, vector: Array) -> Array:
        """Return the plane's own Hessian times `vector`, both of shape (2,)."""
        product = self.land.curvature_product(self.lift(theta), vector @ self.axes)
        return np.asarray(self.axes @ product, theta.dtype)

    def matrices(self, theta: Array) -> Sequence[Array]:  # noqa: ARG002  # as every landscape
        """Return nothing: coordinates have no layers."""
        return ()


def plane_of_weights(
    land: Landscape, theta: Array, weights: tuple[int, int], names: tuple[str, str]
) -> Plane:
    """Return the plane in which two `weights` vary by their own values and all others stay as in `theta`.

    Raises
    ------
    SettingError
        The same weight twice.
    """
    if weights[0] == weights[1]:
        raise SettingError(f"a slice needs two different weights; got {names[0]!r} twice.")
    origin, axes = theta.copy(), np.zeros((2, theta.size), theta.dtype)
    origin[list(weights)] = 0
    axes[[0, 1], list(weights)] = 1
    return Plane(land, origin, axes, names)


def principal_plane(land: Landscape, points: Array) -> Plane:
    """Return the plane through the mean of `points` (m, n) in which they spread most, for pictures.

    The signs of the axes are fixed by their largest entries, so that a picture is the same everywhere.
    There are at least two points.
    """
    numbers = points.astype(np.float64)
    mean = numbers.mean(axis=0)
    numbers -= mean
    # m is small beside n: the directions come from the (m, m) products rather than from n columns
    values, vectors = np.linalg.eigh(numbers @ numbers.T)
    directions = numbers.T @ vectors[:, [-1, -2]]
    axes = np.linalg.qr(directions)[0].T  # at right angles even where the points stand in a line
    axes *= np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1))
    shares = values[[-1, -2]] / max(values.sum(), np.finfo(np.float64).tiny)
    first, second = (f"principal component {i} ({s:.0%})" for i, s in enumerate(shares, start=1))
    return Plane(land, mean.astype(points.dtype), axes.astype(points.dtype), (first, second))

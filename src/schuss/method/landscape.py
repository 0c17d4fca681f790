"""What a rule goes down: a function of theta that it may ask for values, slopes and curvature, at any place.

A network on its data is one, a surface of two weights another. So a rule that looks at more than one
gradient in a step, as line searches do, is written once for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schuss.method.backprop import Gradient
from schuss.method.functions import Array

__all__ = ["Landscape", "Stepped"]


class Landscape(Protocol):
    """A function E(θ) with θ of shape (n,); whoever implements it may count how often it is asked."""

    def loss(self, theta: Array) -> float:
        """Return E(θ)."""
        ...

    def gradient(self, theta: Array) -> Gradient:
        """Return E(θ) and its gradient, shape (n,)."""
        ...

    def curvature_product(self, theta: Array, vector: Array) -> Array:
        """Return the Hessian at θ times a vector, shape (n,)."""
        ...

    def matrices(self, theta: Array) -> Sequence[Array]:
        """Return the layers' weight matrices as views of θ, in order; none where θ has no such parts."""
        ...


class Stepped(NamedTuple):
    """What one step of a rule leaves: theta (n,), memory (slots, n), and the loss before the step."""

    theta: Array
    memory: Array
    loss: float

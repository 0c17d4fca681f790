"""Second derivatives of activations and losses: a row for every row of the tables in `functions`.

Letters as there, and R{·} for the derivative along a direction in which the weights move. An activation has
its bend d²y/dx². A loss that is free in its activation has the slope of its error, −∂²E/∂y². One that has a
partner says R{δ} of the two together. At a corner (relu, absolute error …) the bend is that of the side on
which the value lies: 0, as if there were no corner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from schuss.method.functions import (
    GELU_CUBIC,
    GELU_SCALE,
    Array,
    gelu_gate,
    log_softmax,
    logistic,
)

__all__ = ["BENDS", "ERROR_SLOPES", "MOVED_DELTAS", "moved_softmax"]


def _softplus_bend(x: Array, y: Array) -> Array:
    gate = logistic(x)
    return gate * (1 - gate)


def _silu_bend(x: Array, y: Array) -> Array:
    gate = logistic(x)
    return gate * (1 - gate) * (2 + x * (1 - 2 * gate))


def _gelu_bend(x: Array, y: Array) -> Array:
    """Of x·s(u) with the gate s = σ(u): s·(1−s)·(2·u′ + x·(u″ + u′²·(1−2·s)))."""
    gate = gelu_gate(x)
    x = np.clip(x, -20, 20)
    first = 2 * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x)
    second = 12 * GELU_SCALE * GELU_CUBIC * x
    return gate * (1 - gate) * (2 * first + x * (second + first * first * (1 - 2 * gate)))


def _none(x: Array, y: Array) -> Array:
    return np.zeros_like(x)


# d²y/dx² by the activation's name: ``(x, y) -> bend``. Softmax is not among them: see `moved_softmax`.
BENDS: dict[str, Callable[[Array, Array], Array]] = {
    "identity": _none,
    "logistic": lambda x, y: y * (1 - y) * (1 - 2 * y),
    "tanh": lambda x, y: -2 * y * (1 - y * y),
    "relu": _none,
    "leaky_relu": _none,
    "elu": lambda x, y: np.where(x > 0, x.dtype.type(0), np.exp(np.minimum(x, 0))),
    "softplus": _softplus_bend,
    "silu": _silu_bend,
    "gelu": _gelu_bend,
    "exp": lambda x, y: y,
}


def moved_softmax(y: Array, rx: Array) -> Array:
    """Return R{y_j} = y_j·(R{x_j} − Σ_k y_k·R{x_k}) of softmax, shape (n, n_out)."""
    return y * (rx - (y * rx).sum(axis=-1, keepdims=True))


# −∂²E/∂y² by the loss's name, for those without a partner: ``(y, t, parameter) -> slope``.
ERROR_SLOPES: dict[str, Callable[[Array, Array, Any], Array]] = {
    "squared_error": lambda y, t, _: np.full_like(y, -1),
    "mean_squared_error": lambda y, t, _: np.full_like(y, -2 / y.shape[-1]),
    "absolute": lambda y, t, _: np.zeros_like(y),
    "huber": lambda y, t, d: -(np.abs(t - y) <= d).astype(y.dtype),
    "quantile": lambda y, t, _: np.zeros_like(y),
}


def _with_softmax(x: Array, y: Array, t: Array, rx: Array, _: Any) -> Array:
    return -moved_softmax(y, rx)


def _focal(x: Array, y: Array, t: Array, rx: Array, gamma: float) -> Array:
    """Of δ_j = p_j − y_j·Σ_k p_k, with R{p_j} = −t·γ·y·r^(γ−1)·(2 + L + (γ−1)·y·q)·R{L_j}.

    L = log y, r = 1 − y, and q = −L/r, which is 1 at y = 1. There R{L} falls like r, so the product is 0.
    """
    log_y = log_softmax(x)
    rest = -np.expm1(log_y)
    inside = rest > 0
    r = np.where(inside, rest, 1)
    ratio = np.where(inside, -log_y / r, 1)
    push = t * rest**gamma * (1 + gamma * y * ratio)
    moved_log = rx - (y * rx).sum(axis=-1, keepdims=True)
    fade = np.where(inside, r ** (gamma - 1), 0)
    moved_push = -t * gamma * y * fade * (2 + log_y + (gamma - 1) * y * ratio) * moved_log
    total, moved_total = (a.sum(axis=-1, keepdims=True) for a in (push, moved_push))
    return moved_push - y * moved_log * total - y * moved_total


# R{δ} of the output layer by the loss's name, for those with a partner, from ``(x, y, t, R{x}, parameter)``.
MOVED_DELTAS: dict[str, Callable[[Array, Array, Array, Array, Any], Array]] = {
    "cross_entropy": _with_softmax,
    "binary_cross_entropy": lambda x, y, t, rx, _: -(y * (1 - y) * rx),
    "poisson": lambda x, y, t, rx, _: -(y * rx),
    "focal": _focal,
}

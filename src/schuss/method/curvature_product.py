"""The product of the Hessian with a vector, in about the time of two gradients. Never forms the Hessian.

R{·} is the derivative along the direction v in which the weights move: R{w} = v, R{input} = 0. Through the
formulas of `backprop`, one after the other:

    net input      R{x_j} = Σ_k (R{y_k}·w_kj + y_k·v_kj) + v_j
    output         R{y_j} = f′(x_j)·R{x_j}
    error signal   R{δ_j} by activation and loss, for the output layer
        hidden     R{δ_k} = f″(x_k)·R{x_k}·s_k + f′(x_k)·R{s_k}
                   s_k    = Σ_j w_kj·δ_j,    R{s_k} = Σ_j (w_kj·R{δ_j} + v_kj·δ_j)
    gradient       R{∂E/∂w_kj} = −(R{y_k}·δ_j + y_k·R{δ_j}),    R{∂E/∂b_j} = −R{δ_j}

R{gradient} is H·v. The l2 penalty adds l2·v to the sum over the batch, before its reduction; l1 adds nothing.
The loss is the one without clipping and dropout, which are no part of its surface.
Source: Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from schuss.errors import DataError
from schuss.method.backprop import Objective, Trace, error_signals, forward
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.second_derivatives import BENDS, ERROR_SLOPES, MOVED_DELTAS, moved_softmax

__all__ = ["check_vector", "curvature_product"]


class Moved(NamedTuple):
    """R{x} of every layer after the input, and R{y} of every hidden one, shapes (n, units)."""

    x: list[Array]
    y: list[Array]


def curvature_product(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    objective: Objective,
    vector: Array,
    *,
    weights: Array | None = None,
) -> Array:
    """Return H·v, shape (n_parameters,), for `vector` v of that shape, over the batch `X` (n, n_in), `T`.

    H is the Hessian of the loss that `backprop.gradient` is the gradient of, clipping left out.
    """
    trace = forward(network, theta, X)
    deltas = error_signals(network, theta, trace, T, weights)
    moved = moved_forward(network, theta, trace, vector)
    moved_deltas = moved_error_signals(network, theta, vector, trace, deltas, moved, T, weights)
    product = np.empty_like(theta)
    parts = zip(network.views(product), network.views(vector), trace.y, deltas, moved_deltas, strict=False)
    for i, (into, v, y, delta, rdelta) in enumerate(parts):
        into.w[...] = theta.dtype.type(objective.l2) * v.w - y.T @ rdelta
        if i > 0:  # the input does not move
            into.w[...] -= moved.y[i - 1].T @ delta
        if into.b is not None:
            into.b[...] = -rdelta.sum(axis=0)
    total = float(X.shape[0] if weights is None else weights.sum(dtype=np.float64))
    return theta.dtype.type(objective.scale(total)) * product


def check_vector(theta: Array, vector: Array) -> None:
    """Raise DataError unless `vector` has the shape and dtype of `theta`."""
    if not isinstance(vector, np.ndarray) or (vector.shape, vector.dtype) != (theta.shape, theta.dtype):
        given = f"{vector.dtype}, shape {vector.shape}" if isinstance(vector, np.ndarray) else repr(vector)
        raise DataError(f"the vector must be an array of {theta.dtype}, shape {theta.shape}; got {given}.")


def moved_forward(network: Network, theta: Array, trace: Trace, vector: Array) -> Moved:
    """Return R{x} and R{y} of every layer that has them; R{y} of the output belongs to the loss."""
    moved, functions = Moved([], []), network.activations()
    for i, (layer, v) in enumerate(zip(network.views(theta), network.views(vector), strict=True)):
        rx = trace.y[i] @ v.w if v.b is None else trace.y[i] @ v.w + v.b
        if i > 0:
            rx = rx + moved.y[i - 1] @ layer.w
        moved.x.append(rx)
        if i < network.depth - 1:
            moved.y.append(functions[i].slope(trace.x[i + 1], trace.y[i + 1]) * rx)
    return moved


def moved_error_signals(
    network: Network,
    theta: Array,
    vector: Array,
    trace: Trace,
    deltas: list[Array],
    moved: Moved,
    T: Array,
    weights: Array | None,
) -> list[Array]:
    """Return R{δ} of every layer after the input, first hidden layer first, shapes (n, units)."""
    found = [moved_output_delta(network, trace, T, moved.x[-1])]
    if weights is not None:
        found[0] = found[0] * weights[:, None]
    layers, directions, functions = network.views(theta), network.views(vector), network.activations()
    for i in range(network.depth - 1, 0, -1):
        f, x, y, rx = functions[i - 1], trace.x[i], trace.y[i], moved.x[i - 1]
        arriving = deltas[i] @ layers[i].w.T
        moved_arriving = found[0] @ layers[i].w.T + deltas[i] @ directions[i].w.T
        found.insert(0, BENDS[f.name](x, y) * rx * arriving + f.slope(x, y) * moved_arriving)
    return found


def moved_output_delta(network: Network, trace: Trace, T: Array, rx: Array) -> Array:
    """Return R{δ} of the output layer, shape (n, n_out), from its R{x}."""
    x, y, f, loss = trace.x[-1], trace.y[-1], network.activations()[-1], network.loss
    if loss.kind.partner is not None:
        groups = network.group_slices
        moved = MOVED_DELTAS[loss.name]
        return np.hstack([moved(x[:, g], y[:, g], T[:, g], rx[:, g], loss.parameter) for g in groups])
    error, error_slope = loss.error(y, T), ERROR_SLOPES[loss.name](y, T, loss.parameter)
    if f.name == "softmax":  # every output depends on every net input
        ry = moved_softmax(y, rx)
        moved_error = error_slope * ry
        shared = (error * y).sum(axis=-1, keepdims=True)
        moved_shared = (moved_error * y + error * ry).sum(axis=-1, keepdims=True)
        return ry * (error - shared) + y * (moved_error - moved_shared)
    slope = f.slope(x, y)
    return (error_slope * slope * slope + error * BENDS[f.name](x, y)) * rx

"""Back-propagation: net inputs, outputs, error signals, weight changes. The page that the rest is judged by.

Letters: unit k feeds unit j through the weight w_kj; p runs over the samples of a batch of n.

    net input      x_j = Σ_k y_k·w_kj + b_j
    output         y_j = f(x_j)
    error          E   = Σ_j ½·(t_j − y_j)²                      (or another loss)
    error signal   δ_j = −∂E/∂x_j
        output     δ_j = (t_j − y_j)·f′(x_j)
        hidden     δ_k = f′(x_k)·Σ_j w_kj·δ_j
    gradient       ∂E/∂w_kj = −δ_j·y_k,     ∂E/∂b_j = −δ_j

A batch adds the samples up; the reduction ``mean`` then divides by n. The penalties are added to the
sum before that division, and biases are not penalised:

    E_batch = scale·(Σ_p E_p + ½·l2·Σ w² + l1·Σ |w|),     scale = 1/n (mean) or 1 (sum)

The update rules stand in `schuss.method.rules`; this file changes no weight.
Source: Rumelhart, Hinton & Williams, Parallel Distributed Processing, vol. 1, ch. 8 (1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schuss.method.functions import Array
from schuss.method.network import LayerWeights, Network

__all__ = [
    "Gradient",
    "Objective",
    "Trace",
    "error_signals",
    "forward",
    "gradient",
    "outputs",
]


class Trace(NamedTuple):
    """What a forward pass leaves: per layer, input included, an array of shape (n, units).

    ``y[0]`` is the batch itself; ``x[0]`` is a placeholder, since inputs have no net input.
    """

    x: list[Array]
    y: list[Array]


class Gradient(NamedTuple):
    """Loss of a batch (a number) and its gradient, shape (n_parameters,)."""

    loss: float
    gradient: Array


@dataclass(frozen=True)
class Objective:
    """How a batch's errors become one number: reduction and penalties."""

    reduction: str = "mean"
    l2: float = 0.0
    l1: float = 0.0

    def scale(self, n: int) -> float:
        """Return the factor on the sum over `n` samples."""
        return 1.0 / n if self.reduction == "mean" else 1.0


def forward(network: Network, theta: Array, X: Array) -> Trace:
    """Return net inputs and outputs of every layer for inputs `X`, shape (n, n_in)."""
    x, y = [X], [X]
    for layer, f in zip(network.views(theta), network.activations(), strict=True):
        x_j = y[-1] @ layer.w
        if layer.b is not None:
            x_j = x_j + layer.b
        x.append(x_j)
        y.append(f.value(x_j))
    return Trace(x, y)


def outputs(network: Network, theta: Array, X: Array) -> Array:
    """Return the network's outputs, shape (n, n_out)."""
    return forward(network, theta, X).y[-1]


def error_signals(network: Network, theta: Array, trace: Trace, T: Array) -> list[Array]:
    """Return δ of every layer after the input, first hidden layer first, shapes (n, units)."""
    functions = network.activations()
    deltas = [output_delta(network, trace, T)]
    layers = network.views(theta)
    for i in range(network.depth - 1, 0, -1):
        arriving = deltas[0] @ layers[i].w.T  # Σ_j w_kj·δ_j
        deltas.insert(0, functions[i - 1].slope(trace.x[i], trace.y[i]) * arriving)
    return deltas


def output_delta(network: Network, trace: Trace, T: Array) -> Array:
    """Return δ of the output layer, shape (n, n_out)."""
    x, y, f = trace.x[-1], trace.y[-1], network.activations()[-1]
    if network.loss.kind.partner is not None:
        return T - y
    error = network.loss.error(y, T)
    if f.name == "softmax":  # every output depends on every net input
        return y * (error - (error * y).sum(axis=-1, keepdims=True))
    return f.slope(x, y) * error


def gradient(
    network: Network, theta: Array, X: Array, T: Array, objective: Objective | None = None
) -> Gradient:
    """Return the loss of the batch `X` (n, n_in), `T` (n, n_out) and its gradient."""
    objective = objective or Objective()
    trace = forward(network, theta, X)
    deltas = error_signals(network, theta, trace, T)
    scale = theta.dtype.type(objective.scale(len(X)))
    result = np.empty_like(theta)
    views = zip(network.views(theta), network.views(result), trace.y, deltas, strict=False)
    for layer, into, y_k, delta_j in views:
        np.subtract(penalty_slope(layer, objective), y_k.T @ delta_j, out=into.w)
        if into.b is not None:
            np.negative(delta_j.sum(axis=0), out=into.b)
    result *= scale
    errors = network.loss.value(trace.x[-1], trace.y[-1], T)
    total = float(errors.sum(dtype=np.float64)) + penalty(network, theta, objective)
    return Gradient(total * objective.scale(len(X)), result)


def penalty(network: Network, theta: Array, objective: Objective) -> float:
    """Return ½·l2·Σ w² + l1·Σ |w| over all weights, biases left out."""
    if not (objective.l2 or objective.l1):
        return 0.0
    flat = [layer.w.astype(np.float64).ravel() for layer in network.views(theta)]
    squares = sum(float(w @ w) for w in flat)
    return 0.5 * objective.l2 * squares + objective.l1 * sum(float(np.abs(w).sum()) for w in flat)


def penalty_slope(layer: LayerWeights, objective: Objective) -> Array:
    """Return l2·w + l1·sign(w), shape (fan_in, fan_out)."""
    number = layer.w.dtype.type
    slope = number(objective.l2) * layer.w
    return slope + number(objective.l1) * np.sign(layer.w) if objective.l1 else slope

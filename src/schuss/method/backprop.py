"""Back-propagation: net inputs, outputs, error signals, weight changes. The page that the rest is judged by.

Letters: unit k feeds unit j through the weight w_kj; p runs over the samples of a batch of n.

    net input      x_j = Σ_k y_k·w_kj + b_j
    output         y_j = f(x_j)
    error          E   = Σ_j ½·(t_j − y_j)²                      (or another loss)
    error signal   δ_j = −∂E/∂x_j
        output     δ_j = (t_j − y_j)·f′(x_j)
        hidden     δ_k = f′(x_k)·Σ_j w_kj·δ_j
    gradient       ∂E/∂w_kj = −δ_j·y_k,     ∂E/∂b_j = −δ_j

A batch adds the samples up, each as often as its weight ω_p says (1 where none are given); the reduction
``mean`` then divides by the sum of the weights. The penalties are added to the sum before that division,
and biases are not penalised:

    E_batch = scale·(Σ_p ω_p·E_p + ½·l2·Σ w² + l1·Σ |w|),     scale = 1/Σ_p ω_p (mean) or 1 (sum)

The update rules stand in `schuss.method.rules`; this file changes no weight.
Source: Rumelhart, Hinton & Williams, Parallel Distributed Processing, vol. 1, ch. 8 (1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import LayerWeights, Network
from schuss.method.samples import is_sparse

__all__ = [
    "Gradient",
    "Objective",
    "Trace",
    "Working",
    "error_signals",
    "errors",
    "forward",
    "gradient",
    "length",
    "loss",
    "outputs",
    "working",
]


class Trace(NamedTuple):
    """What a forward pass leaves: per layer, input included, an array of shape (n, units).

    ``y[0]`` is the batch itself; ``x[0]`` is a placeholder, since inputs have no net input.
    ``masks`` holds what dropout multiplied each layer's outputs by, None where it did not.
    """

    x: list[Array]
    y: list[Array]
    masks: list[Array | None]

    def output(self, layer: int, k: int) -> Any:
        """Return y_k of each sample, shape (n,), below weight layer `layer`; 1 for what feeds the biases."""
        y_k: Any = self.y[layer]  # of the inputs, it may be a CSR matrix
        if k == y_k.shape[1]:
            return 1.0
        return y_k[:, [k]].toarray()[:, 0] if is_sparse(y_k) else y_k[:, k]


class Gradient(NamedTuple):
    """Loss of a batch (a number) and its gradient, shape (n_parameters,)."""

    loss: float
    gradient: Array


class Working(NamedTuple):
    """A `Gradient` with what it was made of.

    ``unclipped`` is the gradient before clipping, ``factor`` what that multiplied it by, 1 where it did not;
    ``sums`` holds Σ_p y_k·δ_j of every weight, shape (n_parameters,), ``deltas`` what `error_signals`
    returned.
    """

    loss: float
    unclipped: Array
    factor: float
    sums: Array
    trace: Trace
    deltas: list[Array]

    @property
    def gradient(self) -> Array:
        """The gradient, shape (n_parameters,)."""
        return self.unclipped if self.factor == 1 else self.factor * self.unclipped


@dataclass(frozen=True)
class Objective:
    """How a batch's errors become one number: reduction, penalties, clipping, and how it is reported."""

    reduction: str = "mean"
    l2: float = 0.0
    l1: float = 0.0
    clip: float | None = None
    as_scikit_learn: bool = False

    def scale(self, n: float) -> float:
        """Return the factor on the sum over samples of weight `n` in all; 0 where they weigh nothing."""
        if self.reduction == "sum":
            return 1.0
        return 1.0 / n if n else 0.0


def forward(network: Network, theta: Array, X: Array, dropout: Dropout | None = None) -> Trace:
    """Return net inputs and outputs of every layer for inputs `X`, shape (n, n_in)."""
    x, y, masks = [X], [X], list[Array | None]([None])
    for i, (layer, f) in enumerate(zip(network.views(theta), network.activations(), strict=True)):
        x_j = y[-1] @ layer.w
        if layer.b is not None:
            x_j = x_j + layer.b
        hidden = i < network.depth - 1
        y_j = f.value(x_j) if hidden else output_values(network, x_j)
        m_j = dropout.mask(i, len(x_j), x_j.shape[1], x_j.dtype) if dropout and hidden else None
        x.append(x_j)
        y.append(y_j if m_j is None else y_j * m_j)
        masks.append(m_j)
    return Trace(x, y, masks)


def output_values(network: Network, x: Array) -> Array:
    """Return the outputs for net inputs x of the output layer, shape (n, n_out), group by group."""
    f = network.activations()[-1]
    groups = [f.value(x[:, group]) for group in network.group_slices]
    return groups[0] if len(groups) == 1 else np.hstack(groups)


def outputs(network: Network, theta: Array, X: Array) -> Array:
    """Return the network's outputs, shape (n, n_out)."""
    return forward(network, theta, X).y[-1]


def error_signals(
    network: Network, theta: Array, trace: Trace, T: Array, weights: Array | None = None
) -> list[Array]:
    """Return δ of every layer after the input, first hidden layer first, shapes (n, units)."""
    functions = network.activations()
    deltas = [output_delta(network, trace, T)]
    if weights is not None:
        deltas[0] = deltas[0] * weights[:, None]
    layers = network.views(theta)
    for i in range(network.depth - 1, 0, -1):
        arriving = deltas[0] @ layers[i].w.T  # Σ_j w_kj·δ_j
        if (m_k := trace.masks[i]) is None:
            slope = functions[i - 1].slope(trace.x[i], trace.y[i])
        else:
            slope = functions[i - 1].slope(trace.x[i], functions[i - 1].value(trace.x[i])) * m_k
        deltas.insert(0, slope * arriving)
    return deltas


def output_delta(network: Network, trace: Trace, T: Array) -> Array:
    """Return δ of the output layer, shape (n, n_out)."""
    x, y, f, loss = trace.x[-1], trace.y[-1], network.activations()[-1], network.loss
    if loss.kind.partner is not None:
        return np.hstack([loss.delta(x[:, g], y[:, g], T[:, g]) for g in network.group_slices])
    error = loss.error(y, T)
    if f.name == "softmax":  # every output depends on every net input
        return y * (error - (error * y).sum(axis=-1, keepdims=True))
    return f.slope(x, y) * error


def errors(network: Network, trace: Trace, T: Array, *, as_scikit_learn: bool = False) -> Array:
    """Return E of each sample, shape (n,), or what scikit-learn reports of it."""
    x, y = trace.x[-1], trace.y[-1]
    value = network.loss.reported if as_scikit_learn else network.loss.value
    return np.sum([value(x[:, g], y[:, g], T[:, g]) for g in network.group_slices], axis=0, dtype=x.dtype)


def gradient(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    objective: Objective | None = None,
    *,
    weights: Array | None = None,
    dropout: Dropout | None = None,
) -> Gradient:
    """Return the loss of the batch `X` (n, n_in), `T` (n, n_out) and its gradient.

    `weights` (n,) count each sample so many times; `dropout` silences hidden units.
    """
    made = working(network, theta, X, T, objective or Objective(), weights=weights, dropout=dropout)
    return Gradient(made.loss, made.gradient)


def working(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    objective: Objective,
    *,
    weights: Array | None = None,
    dropout: Dropout | None = None,
) -> Working:
    """Return the same with all that it was made of."""
    trace = forward(network, theta, X, dropout)
    deltas = error_signals(network, theta, trace, T, weights)
    sums = term_sums(network, theta, trace, deltas)
    scale = _scale(len(T), objective, weights)
    result = theta.dtype.type(scale) * unreduced(network, theta, sums, objective)
    factor = clip_factor(result, objective.clip)
    return Working(_loss(network, theta, trace, T, objective, weights), result, factor, sums, trace, deltas)


def loss(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    objective: Objective | None = None,
    *,
    weights: Array | None = None,
    dropout: Dropout | None = None,
) -> float:
    """Return the loss of the batch alone, which needs no way back."""
    return _loss(network, theta, forward(network, theta, X, dropout), T, objective or Objective(), weights)


def _loss(
    network: Network, theta: Array, trace: Trace, T: Array, objective: Objective, weights: Array | None
) -> float:
    each = errors(network, trace, T, as_scikit_learn=objective.as_scikit_learn)
    return batch_loss(network, theta, each, objective, weights) * _scale(len(T), objective, weights)


def _scale(n: int, objective: Objective, weights: Array | None) -> float:
    return objective.scale(float(n if weights is None else weights.sum(dtype=np.float64)))


def term_sums(network: Network, theta: Array, trace: Trace, deltas: list[Array]) -> Array:
    """Return Σ_p y_k·δ_j of every weight, and Σ_p δ_j of every bias, shape (n_parameters,)."""
    sums = np.empty_like(theta)
    for into, y_k, delta_j in zip(network.views(sums), trace.y, deltas, strict=False):
        into.w[...] = y_k.T @ delta_j
        if into.b is not None:
            delta_j.sum(axis=0, out=into.b)
    return sums


def unreduced(network: Network, theta: Array, sums: Array, objective: Objective) -> Array:
    """Return the gradient before the reduction, shape (n_parameters,): the penalties' slope less `sums`."""
    result = 0 - sums
    if objective.l2 or objective.l1:
        for layer, into in zip(network.views(theta), network.views(result), strict=True):
            into.w[...] += penalty_slope(layer, objective)
    return result


def batch_loss(
    network: Network, theta: Array, errors: Array, objective: Objective, weights: Array | None
) -> float:
    """Return the errors (n,) of a batch added up, and the penalties, before the reduction."""
    total = float((errors if weights is None else errors * weights).sum(dtype=np.float64))
    return total + penalty(network, theta, objective)


def length(vector: Array) -> float:
    """Return the Euclidean length of a vector, added up in float64."""
    return float(np.linalg.norm(vector.astype(np.float64)))


def clip_factor(gradient: Array, longest: float | None) -> float:
    """Return min(1, longest/‖g‖), a number of the gradient's dtype where it is not 1."""
    if longest is None:
        return 1.0
    norm = length(gradient)
    return gradient.dtype.type(longest / norm) if norm > longest else 1.0


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

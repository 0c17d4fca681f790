"""The gradient of one batch, sample by sample, without forming any sample's gradient.

A sample's part of the gradient is an outer product in each layer, so lengths and inner products follow
from the outputs y_k and the error signals δ_j that back-propagation has at hand:

    g_p          = −s·(y_p ⊗ δ_p, δ_p)  in each layer,      s = scale of the batch, ω_p within δ_p
    ‖g_p‖²       = s²·Σ_layers (‖y_p‖² + 1)·‖δ_p‖²
    ⟨g_p, v⟩     = −s·Σ_layers (y_pᵀ·V·δ_p + b_v·δ_p)       for any vector v with matrices V, biases b_v

Penalties belong to no sample and are left out; so is clipping. Everything is in float64.
Source: Goodfellow, Efficient per-example gradient computations, arXiv:1510.01799 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.method import backprop
from schuss.method.backprop import Objective
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.samples import Samples, is_sparse

__all__ = ["BatchTerms", "batch_terms", "in_float64"]

Numbers = NDArray[np.float64]


def in_float64(samples: Samples) -> Samples:
    """Return the same samples in float64."""
    T, weights = (None if a is None else a.astype(np.float64) for a in (samples.T, samples.weights))
    return Samples(samples.X.astype(np.float64), T, samples.classes, weights)


@dataclass(frozen=True, eq=False)
class BatchTerms:
    """What back-propagation leaves of a batch of n samples.

    Attributes
    ----------
    network : Network
    y, delta : list of float64 ndarray, shapes (n, units)
        Per layer of weights: what fed it, and the error signals of the units that it leads to.
    scale : float
        On the sum over samples.
    errors : float64 ndarray, shape (n,)
        E of each sample, as often as it counts.
    loss : float
        Of the batch, penalties included.
    """

    network: Network
    y: list[Array]
    delta: list[Array]
    scale: float
    errors: Numbers
    loss: float

    def gradient(self) -> Numbers:
        """Return Σ_p g_p, shape (n_parameters,): the gradient without penalties."""
        g = np.empty(self.network.n_parameters)
        for into, y, delta in zip(self.network.views(g), self.y, self.delta, strict=True):
            into.w[...] = -self.scale * (y.T @ delta)
            if into.b is not None:
                into.b[...] = -self.scale * delta.sum(axis=0)
        return g

    def fed(self) -> list[Numbers]:
        """Return ‖y_p‖² + 1, the 1 for the bias, shape (n,), of each layer."""
        return [_squares(y) + self.network.biases for y in self.y]

    def squares(self) -> Numbers:
        """Return ‖g_p‖² of each sample, shape (n,)."""
        layers = zip(self.fed(), self.delta, strict=True)
        return self.scale**2 * np.sum([fed * _squares(delta) for fed, delta in layers], axis=0)

    def squares_on(self, layer: int, unit: int) -> Numbers:
        """Return the same of the weights into one unit, `layer` counted from 0, shape (n,)."""
        return self.scale**2 * self.fed()[layer] * self.delta[layer][:, unit] ** 2

    def inner(self, vector: Numbers) -> Numbers:
        """Return ⟨g_p, v⟩ of each sample with a vector (n_parameters,), shape (n,)."""
        total = np.zeros(len(self.errors))
        for v, y, delta in zip(self.network.views(vector), self.y, self.delta, strict=True):
            met = y @ v.w if v.b is None else y @ v.w + v.b
            total += np.einsum("pj,pj->p", met, delta)
        return -self.scale * total


def batch_terms(
    network: Network,
    theta: Array,
    samples: Samples,
    objective: Objective,
    dropout: Dropout | None = None,
) -> BatchTerms:
    """Return the terms of all `samples` as one batch at `theta`; both are taken in float64."""
    samples, theta = in_float64(samples), theta.astype(np.float64)
    T = samples.targets(network.layers[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        trace = backprop.forward(network, theta, samples.X, dropout)
        delta = backprop.error_signals(network, theta, trace, T, samples.weights)
        each = backprop.errors(network, trace, T, as_scikit_learn=objective.as_scikit_learn)
    weights = samples.weights
    scale = objective.scale(float(len(T) if weights is None else weights.sum()))
    loss = backprop.batch_loss(network, theta, each, objective, weights) * scale
    errors = each if weights is None else each * weights
    return BatchTerms(network, trace.y[:-1], delta, scale, errors, loss)


def _squares(rows: Any) -> Numbers:
    """Return the sum of squares of each row of a dense or sparse matrix, shape (n,)."""
    if is_sparse(rows):
        return np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    return np.einsum("ij,ij->i", rows, rows)

"""Inputs, terms and settings as the kernel takes them: what native.py hands over. No arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from schuss.method.backprop import Objective
from schuss.method.dropout import Dropout
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples, is_sparse

__all__ = ["data", "per_output", "rows", "silent", "terms", "varied"]


def per_output(parameter: float | tuple[float, ...], n_out: int) -> tuple[float, ...]:
    """Return one parameter of the loss for each output."""
    return parameter if isinstance(parameter, tuple) else (parameter,) * n_out


def rows(network: Network, X: Any) -> Any:
    """Return inputs as the kernel takes them: a matrix, or the arrays of a CSR matrix."""
    if not is_sparse(X):
        return X
    n_in, indices = network.layers[0], X.indices
    if X.shape[1] != n_in:
        raise ValueError(f"X has {X.shape[1]} columns; the network has {n_in} inputs")
    if indices.dtype != np.int32 and indices.size and not 0 <= indices.min() <= indices.max() < n_in:
        raise ValueError("X names a column that is not there")  # a cast could hide it
    return X.indptr.astype(np.int64, copy=False), indices.astype(np.int32, copy=False), X.data


def data(network: Network, samples: Samples) -> tuple[Any, Any, Any, Any]:
    """Return inputs, targets or classes, and weights."""
    return rows(network, samples.X), samples.T, samples.classes, samples.weights


def terms(objective: Objective | Plan) -> tuple[bool, float, float, float, bool]:
    """Return mean, l2, l1, clip and as scikit-learn."""
    clip = math.inf if objective.clip is None else objective.clip
    return objective.reduction == "mean", objective.l2, objective.l1, clip, objective.as_scikit_learn


def silent(dropout: Dropout | None) -> tuple[tuple[float, ...], int, int] | None:
    """Return rates, seed and step of a dropout."""
    return None if dropout is None else (dropout.rates, dropout.seed, dropout.step)


def varied(plans: Plans, start: int, stop: int, n: int) -> tuple[Any, ...]:
    """Return what varies among `plans`: rates, keeps, l2, l1, seeds."""
    penalties = (np.array(plans.column(name), np.float64) for name in ("l2", "l1"))
    rates, keeps = plans.rates(start, stop, n), plans.keeps(start, stop, n)
    return rates, keeps, *penalties, np.array(plans.column("seed"), np.uint64)

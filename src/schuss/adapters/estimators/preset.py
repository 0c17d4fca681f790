"""What one word stands for: settings that make a plain network strong on tables.

Inputs become z = (x − median) / (upper quartile − lower quartile), then z / √(1 + (z/3)²), which bends far
values towards ±3; a column whose quartiles are equal is measured by half its range, and one that never
changes is 0. The target of a regression is standardised inside. Parameters that stand at their default take
the values below; any other keeps what the user gave. `python -m benchmarks.tabular` is the evidence.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import _num_samples

from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.schedules import Cosine

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP

__all__ = ["PRESETS", "applied", "draw_lecun", "learn_scaling", "scaled"]

BEND = 3.0
VISITS, FEWEST, MOST = 2_000_000, 10, 60  # epochs: so many rows seen, within these

COMMON: dict[str, Any] = {
    "hidden_layer_sizes": (128, 128),
    "solver": "adam",
    "learning_rate_init": Cosine(0.003),
    "alpha": 0.0,
    "batch_size": 32,
    "weight_decay": 0.03,
    "n_iter_no_change": math.inf,
}
PRESETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tabular": (
        {**COMMON, "activation": "silu", "dropout": 0.4, "label_smoothing": 0.01},
        {**COMMON, "activation": "relu", "dropout": 0.15},
    ),
}
"""By name: the settings for classes, and for numbers."""


@contextmanager
def applied(estimator: BaseMLP, X: Any) -> Iterator[None]:
    """Let the estimator have the settings of its preset, for the rows of `X`, while it fits."""
    if estimator.preset is None:
        yield
        return
    of_classes, of_numbers = PRESETS[estimator.preset]
    settings = dict(of_classes if is_classifier(estimator) else of_numbers)
    settings["max_iter"] = max(FEWEST, min(MOST, math.ceil(VISITS / _num_samples(X))))
    before = {name: getattr(estimator, name) for name in settings}
    defaults = _defaults(type(estimator))  # type: ignore[arg-type]  # classes are hashable
    try:
        for name, value in settings.items():
            given, default = before[name], defaults[name]
            if given is default or (np.ndim(given) == 0 and given == default):
                setattr(estimator, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(estimator, name, value)


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {p.name: p.default for p in parameters}


def draw_lecun(network: Network, generator: np.random.RandomState, dtype: Any) -> Array:
    """Return first weights of variance 1/fan_in, with biases of zero."""
    theta = np.zeros(network.n_parameters)
    for layer in network.views(theta):
        layer.w[...] = generator.standard_normal(layer.w.shape) / math.sqrt(len(layer.w))
    return theta.astype(dtype)


def learn_scaling(X: Array) -> tuple[Array, Array]:
    """Return centre and spread of each column of X (n, n_features); an infinite spread makes it 0."""
    low, centre, high = np.quantile(X.astype(np.float64), [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, (X.max(axis=0) - X.min(axis=0)) / 2.0)
    return centre, np.where(spread > 0, spread, np.inf)


def scaled(X: Array, centre: Array, spread: Array) -> Array:
    """Return the inputs that the network sees, float32."""
    z = (X - centre) / spread
    return (z / np.sqrt(1.0 + (z / BEND) ** 2)).astype(np.float32)

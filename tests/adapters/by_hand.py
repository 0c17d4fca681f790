"""What an estimator should compute, written out once more in NumPy, and data to compute it on. Holds no test.

Nothing here calls a formula of schuss. `run_of` alone calls `schuss.train`, the loop that the estimators
promise to be translations into, on a network and a plan that the test writes down itself.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.preprocessing import scale

import schuss
from oracles import ACTIVATION, Array
from schuss.method.rules import Adam

__all__ = [
    "LOSSES",
    "NEAR",
    "QUICK",
    "classes",
    "first_weights",
    "labels",
    "layers",
    "mean_loss",
    "numbers",
    "one_hot",
    "real",
    "run_of",
    "same_weights",
    "theta_of",
]

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 15, "random_state": 0}

# Relative, in float64: a few dozen rounded terms of order 1, as `comparisons.TOLERANCE` reasons, and the
# logarithm of a probability that may be 1e-4 itself. A wrong formula misses by a hundredth and more.
NEAR = 1e-10


def classes(n_classes: int = 3, dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw 90 samples of so many classes that can nearly be told apart."""
    X, y = datasets.make_classification(
        90, 6, n_informative=5, n_redundant=0, n_classes=n_classes, class_sep=2.0, random_state=1
    )
    return X.astype(dtype), y


def labels(dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw 90 samples with three labels each, which depend on the inputs."""
    X, _ = classes(dtype=dtype)
    return X, (X[:, :3] + 0.5 * X[:, 3:] > 0).astype(int)


def numbers(n_out: int = 1, dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw 90 samples of a smooth function."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 4))
    Y = np.column_stack([np.sin(X[:, k]) + X[:, 3] for k in range(n_out)])
    return X.astype(dtype), (Y[:, 0] if n_out == 1 else Y).astype(dtype)


def real(name: str) -> tuple[Any, Any]:
    """Return scikit-learn's real data of a name, inputs standardised, and targets too if they are numbers."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return scale(X), scale(y) if name == "diabetes" else y


def one_hot(y: Any, n_classes: int) -> Array:
    """Return class indices as rows of a single 1."""
    return np.eye(n_classes)[y]


def layers(model: Any, X: Array, activations: list[str]) -> list[Array]:
    """Return the outputs of every layer after the input, from the estimator's public weights."""
    outputs, y = [], X
    for w, b, name in zip(model.coefs_, model.intercepts_, activations, strict=True):
        y = ACTIVATION[name](y @ w + b)
        outputs.append(y)
    return outputs


def _focal(y: Array, T: Array, gamma: float) -> Array:
    return -(T * (1 - y) ** gamma * np.log(y)).sum(axis=1)


def _huber(y: Array, T: Array, delta: float) -> Array:
    e = np.abs(T - y)
    return np.where(e <= delta, e**2 / 2, delta * (e - delta / 2)).sum(axis=1)


def _pinball(y: Array, T: Array, q: Any) -> Array:
    e = T - y
    return np.where(e >= 0, np.asarray(q) * e, (np.asarray(q) - 1) * e).sum(axis=1)


def _deviance(y: Array, T: Array, _: Any) -> Array:
    return (y - T + T * np.log(np.where(T > 0, T / y, 1))).sum(axis=1)


# Outputs y, targets T, both (n, n_out), and a parameter, to the error of each sample, (n,)
LOSSES: dict[str, Callable[[Array, Array, Any], Array]] = {
    "squared_error": lambda y, T, _: ((T - y) ** 2).mean(axis=1) / 2,  # as scikit-learn reports it
    "absolute_error": lambda y, T, _: np.abs(T - y).sum(axis=1),
    "huber": _huber,
    "quantile": _pinball,
    "poisson": _deviance,
    "log_loss": lambda y, T, _: -(T * np.log(y)).sum(axis=1),
    "binary": lambda y, T, _: -(T * np.log(y) + (1 - T) * np.log(1 - y)).sum(axis=1),
    "focal": _focal,
}


def mean_loss(name: str, y: Array, T: Array, parameter: Any = None, weights: Any = None) -> float:
    """Return the mean over the samples, each as often as its weight says."""
    return float(np.average(LOSSES[name](y, T, parameter), weights=weights))


def theta_of(model: Any) -> Array:
    """Return a copy of all weights and biases of a fitted estimator, layer after layer."""
    parts = zip(model.coefs_, model.intercepts_, strict=True)
    return np.concatenate([part.ravel() for layer in parts for part in layer])


def same_weights(a: Any, b: Any) -> bool:
    """Whether two fitted estimators have the same weights to the last bit, dtype included."""
    mine, other = theta_of(a), theta_of(b)
    return mine.dtype == other.dtype and np.array_equal(mine, other)


def first_weights(model: Any, X: Any, y: Any) -> Array:
    """Return the weights that an estimator begins its training with."""
    return theta_of(clone(model).set_params(max_iter=0).fit(X, y))


def run_of(model: Any, X: Any, y: Any, T: Any, network: schuss.Network, **how: Any) -> schuss.Run:
    """Train `network` on `T` by `schuss.train` from the estimator's first weights, in its order of samples.

    `how` goes to `schuss.train`; the rest is what an estimator with ``shuffle=False`` has by default.
    """
    assert not model.shuffle
    rate = model.learning_rate_init
    plan = {
        "rule": Adam(rate) if model.solver == "adam" else schuss.Nesterov(rate, model.momentum),
        "l2": model.alpha,
        "batch_size": min(200, len(X)),
        "order": "sequential",
        "epochs": model.max_iter,
        "as_scikit_learn": True,
    }
    theta = first_weights(model, X, y)
    return schuss.train(network, X, T, theta=theta, **{**plan, **how})

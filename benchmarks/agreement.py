"""How far our estimators are from scikit-learn's own after 20 epochs: losses and weights, on real data.

    python -m benchmarks.agreement

Same data, settings and integer random_state, float64, standardised inputs. A difference is the largest of
any number, relative to the largest number of its array: of the loss curve (with lbfgs, which has none, the
final loss), and of the coefs_ and intercepts_. Promised is 1e-6; the last line says the worst of all.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
import sklearn.neural_network
from scipy import sparse
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import schuss

PROMISE = 1e-6
BASIC = {"hidden_layer_sizes": (32,), "max_iter": 20, "tol": 0.0, "random_state": 0, "batch_size": 10}
RATE = {"learning_rate_init": 0.01}
PLAIN = RATE | {"nesterovs_momentum": False}
FALLING = {"tol": 0.02, "n_iter_no_change": 1}

# On every problem: solver, what is told of the settings, the settings
SOLVERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sgd", "momentum", PLAIN),
    ("sgd", "nesterov", RATE),
    ("adam", "", RATE),
    ("lbfgs", "", {}),
)
# On two of them
FURTHER: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sgd", "momentum, invscaling", PLAIN | {"learning_rate": "invscaling"}),
    ("sgd", "momentum, adaptive", PLAIN | FALLING | {"learning_rate": "adaptive"}),
    ("sgd", "nesterov, early stopping", RATE | {"early_stopping": True}),
    ("sgd", "nesterov, in order", RATE | {"shuffle": False}),
    ("adam", "tanh, two layers", RATE | {"activation": "tanh", "hidden_layer_sizes": (20, 10)}),
    ("adam", "logistic, alpha 10", RATE | {"activation": "logistic", "alpha": 10.0}),
    ("adam", "early stopping", RATE | {"early_stopping": True}),
    ("lbfgs", "identity", {"activation": "identity"}),
)
TOLD_FURTHER = ("digits", "diabetes")


def problems() -> dict[str, tuple[str, Any, Any, dict[str, Any]]]:
    """Return for each name the estimator, its inputs, its targets and what settings it needs."""
    found: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {}
    for name in ("digits", "iris", "wine", "breast_cancer"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        found[name] = ("MLPClassifier", scale(X), y, {})
    X, y = datasets.load_digits(return_X_y=True)
    found["digits, sparse"] = ("MLPClassifier", sparse.csr_array(X / 16), y, {})
    found["digits' bits"] = ("MLPClassifier", scale(X), y[:, None] >> np.arange(4) & 1, {})
    for name in ("diabetes", "linnerud"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        found[name] = ("MLPRegressor", scale(X), scale(y), {})
    X, y = datasets.load_diabetes(return_X_y=True)
    found["diabetes, Poisson"] = ("MLPRegressor", scale(X), np.rint(y / 50), {"loss": "poisson"})
    return found


def difference(mine: Any, other: Any) -> float:
    """Return the largest difference relative to the largest number; infinite where shapes differ."""
    mine, other = np.asarray(mine), np.asarray(other)
    if mine.shape != other.shape:
        return np.inf
    return float(np.abs(mine - other).max() / np.abs(other).max())


def differences(kind: str, X: Any, y: Any, settings: dict[str, Any]) -> tuple[int, float, float]:
    """Fit both and return the epochs, the difference of the losses and the worst one of the weights."""
    weights = settings.pop("weights", None)
    ours, theirs = (
        getattr(library, kind)(**settings).fit(X, y, sample_weight=weights)
        for library in (schuss, sklearn.neural_network)
    )
    curves = [getattr(model, "loss_curve_", [model.loss_]) for model in (ours, theirs)]
    arrays = zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True)
    return theirs.n_iter_, difference(*curves), max(difference(a, b) for a, b in arrays)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"scikit-learn {sklearn.__version__}, promised {PROMISE:g}")
    print(f"{'data':<20}{'solver':<8}{'settings':<28}{'epochs':>7}{'losses':>11}{'weights':>11}")
    worst = 0.0
    for name, (kind, X, y, own) in problems().items():
        weighted = ("sgd", "nesterov, weights", RATE | {"weights": np.linspace(0.1, 3, X.shape[0])})
        for solver, told, more in (*SOLVERS, weighted, *(FURTHER if name in TOLD_FURTHER else ())):
            settings = BASIC | own | more | {"solver": solver}
            with threadpool_limits(1):
                epochs, losses, weights = differences(kind, X, y, settings)
            worst = max(worst, losses, weights)
            print(f"{name:<20}{solver:<8}{told:<28}{epochs:>7}{losses:>11.1e}{weights:>11.1e}", flush=True)
    print(f"worst {worst:.1e}: the promise is {'kept' if worst <= PROMISE else 'broken'}")


if __name__ == "__main__":
    main()

"""How far our estimators are from scikit-learn's own after 20 epochs: losses and weights, on real data.

    python -m benchmarks.agreement

Same data, settings and integer random_state, float64, standardised inputs. A difference is the largest of
any number, relative to the largest number of its array: of the loss curve (with lbfgs, which has none, the
final loss), and of the coefs_ and intercepts_. Promised is 1e-6; the last line says the worst of all.

The last column is what rounding alone does to the weights: scikit-learn's own, after its inputs were moved
by one unit in the last place. Training can be chaotic, and then nobody agrees with anybody: with adam, two
layers of tanh, batches of 10 and a rate of 0.01 on digits it is 0.2. No such case is in the table.
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
BASIC = {"hidden_layer_sizes": (32,), "max_iter": 20, "tol": 0.0, "random_state": 0, "batch_size": 32}
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
    ("sgd", "logistic, alpha 10", RATE | {"activation": "logistic", "alpha": 10.0}),
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
        found[name] = ("MLPRegressor", scale(X), scale(y), {"batch_size": 7} if name == "linnerud" else {})
    X, y = datasets.load_diabetes(return_X_y=True)
    found["diabetes, Poisson"] = ("MLPRegressor", scale(X), np.rint(y / 50), {"loss": "poisson"})
    return found


def difference(mine: Any, other: Any) -> float:
    """Return the largest difference relative to the largest number; infinite where shapes differ."""
    mine, other = np.asarray(mine), np.asarray(other)
    if mine.shape != other.shape:
        return np.inf
    return float(np.abs(mine - other).max() / np.abs(other).max())


def differences(kind: str, X: Any, y: Any, settings: dict[str, Any]) -> tuple[float, float, float]:
    """Return the differences of our losses and weights, and that of scikit-learn's weights."""
    sample_weight = settings.pop("sample_weight", None)

    def fitted(library: Any, inputs: Any) -> tuple[Any, list[Any]]:
        model = getattr(library, kind)(**settings).fit(inputs, y, sample_weight=sample_weight)
        return getattr(model, "loss_curve_", [model.loss_]), [*model.coefs_, *model.intercepts_]

    peer = sklearn.neural_network
    (curve, ours), (their_curve, theirs), (_, moved) = (
        fitted(library, inputs) for library, inputs in ((schuss, X), (peer, X), (peer, X * (1 + 2**-52)))
    )
    mine, rounding = (max(map(difference, some, theirs)) for some in (ours, moved))
    return difference(curve, their_curve), mine, rounding


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"scikit-learn {sklearn.__version__}, promised {PROMISE:g}")
    print(f"{'data':<20}{'solver':<8}{'settings':<28}{'losses':>11}{'weights':>11}{'rounding':>11}")
    worst = 0.0
    for name, (kind, X, y, own) in problems().items():
        weighted = ("sgd", "nesterov, weights", RATE | {"sample_weight": np.linspace(0.1, 3, X.shape[0])})
        for solver, told, more in (*SOLVERS, weighted, *(FURTHER if name in TOLD_FURTHER else ())):
            settings = BASIC | own | more | {"solver": solver}
            with threadpool_limits(1):
                losses, weights, rounding = differences(kind, X, y, settings)
            worst = max(worst, losses, weights)
            print(
                f"{name:<20}{solver:<8}{told:<28}{losses:>11.1e}{weights:>11.1e}{rounding:>11.1e}", flush=True
            )
    print(f"worst {worst:.1e}: the promise is {'kept' if worst <= PROMISE else 'broken'}")


if __name__ == "__main__":
    main()

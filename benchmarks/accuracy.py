"""The defaults of `schuss train` against scikit-learn's MLP, tuned, on the five embedded real sets.

    python -m benchmarks.accuracy [--repeats N]

Both see the same folds: 5-fold cross-validation. scikit-learn standardises its inputs (and the target of
a regression) and chooses size, penalty and rate by an inner 3-fold search of 18 settings; schuss gets no
option at all. Scores are accuracy, and R² on diabetes.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schuss.adapters.datasets import load
from schuss.adapters.model import fit_model
from schuss.adapters.recipe import Recipe

SETS = ("digits", "iris", "wine", "breast-cancer", "diabetes")
GRID = {
    "hidden_layer_sizes": [(50,), (100,), (100, 50)],
    "alpha": [1e-4, 1e-2, 1.0],
    "learning_rate_init": [1e-3, 1e-2],
}


def tuned_peer(*, regression: bool) -> GridSearchCV:
    """Return scikit-learn's MLP with its search over GRID."""
    peer = MLPRegressor(random_state=0) if regression else MLPClassifier(random_state=0)
    model = make_pipeline(StandardScaler(), peer)
    prefix = type(peer).__name__.lower() + "__"
    if regression:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
        prefix = "regressor__" + prefix
    return GridSearchCV(model, {prefix + name: values for name, values in GRID.items()}, cv=3)


def compare(name: str, repeat: int) -> tuple[list[float], list[float], float, float]:
    """Return schuss's and the peer's scores of five folds, and the seconds that each took."""
    dataset = load(name)
    table, target = dataset.table, dataset.targets[0]
    regression = dataset.task == "regression"
    X, y = table.matrix(dataset.inputs), table.column(target).values
    folds = (KFold if regression else StratifiedKFold)(5, shuffle=True, random_state=repeat)
    ours, theirs, seconds = [], [], np.zeros(2)
    for i, (fit, test) in enumerate(folds.split(X, y)):
        began = time.perf_counter()
        model = fit_model(table.take(fit), [target], Recipe(seed=5 * repeat + i), test_size=0)
        ours.append(model.evaluate(table.take(test))["r2" if regression else "accuracy"])
        middle = time.perf_counter()
        theirs.append(tuned_peer(regression=regression).fit(X[fit], y[fit]).score(X[test], y[test]))
        seconds += middle - began, time.perf_counter() - middle
    return ours, theirs, *seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1, help="times five folds, each shuffled anew")
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{'set':<14}{'schuss':>16}{'sklearn tuned':>18}{'seconds':>10}{'seconds':>10}")
    for name in SETS:
        rows = [compare(name, repeat) for repeat in range(repeats)]
        ours, theirs = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
        error = (ours - theirs).std(ddof=1) / np.sqrt(len(ours))
        spent = np.sum([row[2:] for row in rows], axis=0)
        print(
            f"{name:<14}{ours.mean():>16.4f}{theirs.mean():>18.4f}{spent[0]:>10.2f}{spent[1]:>10.1f}"
            f"   difference {(ours - theirs).mean():+.4f} ± {error:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

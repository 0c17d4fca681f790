"""The estimators' preset="tabular" against scikit-learn's defaults, on twenty real tables.

    python -m benchmarks.tabular [--held-out] [--repeats N] [TABLE ...]

Everyone sees the same numbers and the same folds: 5-fold cross-validation, twice where a table has fewer
than 2,000 rows. The opponents are scikit-learn's MLP with no option at all, and the same behind a
StandardScaler, which in a regression scales the target too: a fairer match. Judged are log-loss and
accuracy of a classification, and the root mean squared error of a regression. A table is won where every
measure is at least as good and one is better. The difference is paired, fold by fold, preset less
opponent; ± is its standard error. The preset's numbers were chosen on CHOSEN_ON of benchmarks/tables.py,
with other folds; the tables of HELD_OUT had no say.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import neural_network
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import schuss
from benchmarks.tables import CHOSEN_ON, HELD_OUT, TABLES, Table, load_table

FOLDS = 5
FEW_ROWS = 2000  # fewer than these are cross-validated twice
FIRST_SEED = 100  # of the folds and the contestants; the preset was chosen with others
MEASURES = {"classification": ("log-loss", "accuracy"), "regression": ("rmse",)}
LEAST_PROBABILITY = 1e-15


def preset(task: str, seed: int) -> BaseEstimator:
    """Return the estimator that is to be judged."""
    kind = schuss.MLPClassifier if task == "classification" else schuss.MLPRegressor
    return kind(preset="tabular", random_state=seed)


def defaults(task: str, seed: int) -> BaseEstimator:
    """Return scikit-learn's MLP as it comes."""
    kind = neural_network.MLPClassifier if task == "classification" else neural_network.MLPRegressor
    return kind(random_state=seed)


def scaled_defaults(task: str, seed: int) -> BaseEstimator:
    """Return scikit-learn's MLP behind scalers, of the inputs and of a regression's target."""
    model = make_pipeline(StandardScaler(), defaults(task, seed))
    return (
        model if task == "classification" else TransformedTargetRegressor(model, transformer=StandardScaler())
    )


CONTESTANTS: dict[str, Callable[[str, int], BaseEstimator]] = {
    "defaults": defaults,
    "scaled": scaled_defaults,
    "preset": preset,
}
OPPONENTS = ("defaults", "scaled")


class Scores(NamedTuple):
    """Of one contestant on one table."""

    values: NDArray[np.float64]  # shape (folds, measures)
    seconds: float  # a fit, on average


def judge(task: str, model: Any, X: NDArray[np.float64], y: NDArray[Any]) -> tuple[float, ...]:
    """Return a fitted model's measures on rows it has not seen."""
    if task == "regression":
        return (float(np.sqrt(np.mean((np.ravel(model.predict(X)) - y) ** 2))),)
    P = np.asarray(model.predict_proba(X), dtype=np.float64)
    told = np.maximum(P[np.arange(len(y)), y], LEAST_PROBABILITY)
    return float(-np.log(told).mean()), float((P.argmax(axis=1) == y).mean())


def cross_validate(table: Table, make: Callable[[str, int], BaseEstimator], repeats: int) -> Scores:
    """Return a contestant's scores, fold after fold."""
    values, seconds = [], 0.0
    for repeat in range(repeats):
        kind = StratifiedKFold if table.task == "classification" else KFold
        folds = kind(FOLDS, shuffle=True, random_state=FIRST_SEED + repeat)
        for i, (rows, unseen) in enumerate(folds.split(table.X, table.y)):
            model = make(table.task, FIRST_SEED + FOLDS * repeat + i)
            began = time.perf_counter()
            model.fit(table.X[rows], table.y[rows])
            seconds += time.perf_counter() - began
            values.append(judge(table.task, model, table.X[unseen], table.y[unseen]))
    return Scores(np.array(values), seconds / len(values))


def differences(ours: Scores, theirs: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean paired difference of each measure and its standard error."""
    gap = ours.values - theirs.values
    return gap.mean(axis=0), gap.std(axis=0, ddof=1) / np.sqrt(len(gap))


def wins(ours: Scores, theirs: Scores) -> bool:
    """Return whether no measure is worse and one is better."""
    gains = differences(ours, theirs)[0] * np.array([-1.0, 1.0])[: ours.values.shape[1]]
    return bool((gains >= 0).all() and (gains > 0).any())


def print_head() -> None:
    """Print the names of the columns."""
    means = "".join(f"{name:>11}" for name in CONTESTANTS)
    gaps = "".join(f"{'preset − ' + name:>20}{'':11}" for name in OPPONENTS)
    seconds = "".join(f"{name:>10}" for name in CONTESTANTS)
    print(f"{'seconds a fit':>137}")
    print(f"{'table':<14}{'measure':<9}{means}{gaps}{seconds}")


def print_table(name: str, task: str, scores: dict[str, Scores]) -> None:
    """Print the lines of one table, one line a measure."""
    for i, measure in enumerate(MEASURES[task]):
        line = f"{'' if i else name:<14}{measure:<9}"
        line += "".join(f"{each.values[:, i].mean():>11.5g}" for each in scores.values())
        for opponent in OPPONENTS:
            gap, error = differences(scores["preset"], scores[opponent])
            word = "won" if wins(scores["preset"], scores[opponent]) else "not won"
            line += f"{gap[i]:>+12.3g} ± {error[i]:<8.1g}{'' if i else word:<8} "
        line += "" if i else "".join(f"{each.seconds:>10.2f}" for each in scores.values())
        print(line.rstrip(), flush=True)


def print_sum(names: Sequence[str], results: dict[str, dict[str, Scores]]) -> None:
    """Print how many tables were won, of those that had a say and of those that had none."""
    for role, members in (("chosen on", CHOSEN_ON), ("held out", HELD_OUT)):
        played = [results[name] for name in names if name in members]
        for opponent in OPPONENTS if played else ():
            pairs = [(scores["preset"], scores[opponent]) for scores in played]
            first = [differences(*pair)[0][0] < 0 for pair in pairs]
            clear = [gap[0] < -2 * error[0] for gap, error in (differences(*pair) for pair in pairs)]
            won = f"{sum(wins(*pair) for pair in pairs):>3} of {len(pairs)} won"
            print(
                f"tables {role}, against {opponent:<9}{won}; log-loss or rmse lower on {sum(first)}, "
                f"by more than two standard errors on {sum(clear)}"
            )


def main() -> None:
    """Print the contest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; default: all")
    parser.add_argument("--held-out", action="store_true", help="only the tables that had no say")
    parser.add_argument("--repeats", type=int, help="times five folds; default: 2 on small tables, else 1")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    names = options.tables or (HELD_OUT if options.held_out else tuple(TABLES))
    results: dict[str, dict[str, Scores]] = {}
    print_head()
    for name in names:
        table = load_table(name)
        repeats = options.repeats or (2 if len(table) < FEW_ROWS else 1)
        results[name] = {who: cross_validate(table, make, repeats) for who, make in CONTESTANTS.items()}
        print_table(name, table.task, results[name])
    print_sum(names, results)


if __name__ == "__main__":
    main()

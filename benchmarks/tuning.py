"""`schuss tune` against Optuna over scikit-learn's MLP, the same seconds each, on real tables.

    python -m benchmarks.tuning [--budget SECONDS] [--opponent SECONDS] [--folds N] [--tables N | TABLE ...]

Both are given the same rows of each outer fold, the same numbers, the same inner folds to choose by, and the
same seconds on the same processors; the rows kept out are seen by neither. Each trains its best settings on
all the rows it was given and is judged on those kept out: log loss of classes, root mean squared error of
numbers.

The opponent is a pipeline of StandardScaler and MLPClassifier or MLPRegressor (whose target is scaled too).
Optuna's TPE sampler chooses width, depth, activation, solver with its rate and momentum, alpha, batch size,
number of epochs and early stopping. Its first trial are scikit-learn's defaults; the inner folds are
trained in parallel, a process for each processor, which is the faster way for it. A trial that has begun is
completed, so that it may take more than its seconds.

A table is won where our mean over the outer folds is not higher. The difference is paired, fold by fold, ours
less theirs; ± is its standard error. `clear` counts differences of more than two of those.
"""

from __future__ import annotations

import argparse
import math
import os
import time
import warnings
from typing import Any, NamedTuple

import numpy as np
import optuna
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import schuss
from benchmarks.tables import TABLES, Table, load_table
from benchmarks.tabular import MEASURES, judge
from schuss.adapters.splitting import deal_rows
from schuss.adapters.targets import Target
from schuss.adapters.tuning_problem import folds_of

OUTER_SEED = 300
# Five tables of classes and five of numbers, among them tables that the preset was not chosen on.
CHOSEN = (
    *("breast-cancer", "credit", "orange-juice", "leaves", "chile"),
    *("diabetes", "concrete", "saratoga", "boston", "car-prices"),
)


class Judged(NamedTuple):
    """Of one contestant on one outer fold."""

    score: float
    seconds: float
    tried: int
    chosen: str


def columns_of(table: Table, rows: NDArray[Any]) -> dict[str, Any]:
    """Return rows of a table as `schuss.read_table` takes them."""
    return {f"x{j}": table.X[rows, j] for j in range(table.X.shape[1])} | {"y": table.y[rows]}


class Ours:
    """A tuned model as `judge` wants it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any) -> NDArray[Any]:
        """Return numbers, shape (n,)."""
        return self.model.predict(data)["y"]

    def predict_proba(self, data: Any) -> NDArray[Any]:
        """Return probabilities, shape (n, n_classes)."""
        return self.model.probabilities(data)["y"]


def ours(table: Table, rows: NDArray[Any], unseen: NDArray[Any], options: Any) -> Judged:
    """Tune on `rows` and judge on `unseen`."""
    began = time.perf_counter()
    tuned = schuss.tune(
        columns_of(table, rows),
        "y",
        budget=options.budget,
        task=table.task,
        test_size=0.0,
        driver=options.driver,
    )
    seconds = time.perf_counter() - began
    test = schuss.read_table(columns_of(table, unseen))
    score = judge(table.task, Ours(tuned.model), test, table.y[unseen])[0]
    return Judged(score, seconds, tuned.found.tried, tuned.command)


def opponent(task: str, settings: dict[str, Any]) -> BaseEstimator:
    """Return scikit-learn's MLP behind scalers."""
    if task == "classification":
        return make_pipeline(StandardScaler(), MLPClassifier(random_state=0, **settings))
    model = make_pipeline(StandardScaler(), MLPRegressor(random_state=0, **settings))
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings of scikit-learn's MLP that Optuna proposes."""
    width = trial.suggest_int("width", 16, 256, log=True)
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (width,) * trial.suggest_int("depth", 1, 2),
        "activation": trial.suggest_categorical("activation", ["relu", "tanh"]),
        "solver": trial.suggest_categorical("solver", ["adam", "sgd"]),
        "alpha": trial.suggest_float("alpha", 1e-6, 10.0, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 200]),
        "max_iter": trial.suggest_int("max_iter", 10, 300, log=True),
        "early_stopping": trial.suggest_categorical("early_stopping", [False, True]),
    }
    if settings["solver"] == "adam":
        settings["learning_rate_init"] = trial.suggest_float("rate_adam", 1e-4, 3e-2, log=True)
    else:
        settings["learning_rate_init"] = trial.suggest_float("rate_sgd", 1e-3, 0.5, log=True)
        settings["momentum"] = 1.0 - trial.suggest_float("one_minus_momentum", 0.01, 1.0, log=True)
    return settings


DEFAULTS = {
    "width": 100, "depth": 1, "activation": "relu", "solver": "adam", "alpha": 1e-4, "batch_size": 200,
    "max_iter": 200, "early_stopping": False, "rate_adam": 1e-3,
}  # fmt: skip


def fold_score(task: str, model: BaseEstimator, table: Table, fit: NDArray[Any], test: NDArray[Any]) -> float:
    """Return the score of one inner fold; infinite if the training diverged."""
    warnings.simplefilter("ignore")
    try:
        fitted = clone(model).fit(table.X[fit], table.y[fit])
        score = judge(task, fitted, table.X[test], table.y[test])[0]
    except ValueError:
        return math.inf
    return score if math.isfinite(score) else math.inf


def theirs(table: Table, rows: NDArray[Any], unseen: NDArray[Any], options: Any, workers: Parallel) -> Judged:
    """Let Optuna tune scikit-learn's MLP on `rows` and judge on `unseen`."""
    began = time.perf_counter()
    data = schuss.read_table(columns_of(table, rows))
    target = Target.fit(data.column("y"), table.task)
    n_folds, _ = folds_of(len(rows))
    place = deal_rows(data, [target], n_folds, (0, 0))
    tried: dict[int, dict[str, Any]] = {}

    def objective(trial: optuna.Trial) -> float:
        tried[trial.number] = settings = suggested(trial)
        model = opponent(table.task, settings)
        scores = workers(
            delayed(fold_score)(table.task, model, table, rows[place != i], rows[place == i])
            for i in range(n_folds)
        )
        return float(np.mean(scores)) if np.isfinite(scores).all() else 1e9

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, multivariate=True))
    study.enqueue_trial(DEFAULTS)
    study.optimize(objective, timeout=options.opponent or options.budget)
    best = tried[study.best_trial.number]
    fitted = opponent(table.task, best).fit(table.X[rows], table.y[rows])
    seconds = time.perf_counter() - began
    score = judge(table.task, fitted, table.X[unseen], table.y[unseen])[0]
    return Judged(score, seconds, len(study.trials), str(best))


def contest(table: Table, options: Any, workers: Parallel) -> list[tuple[Judged, Judged]]:
    """Return what both reached on each outer fold."""
    kind = StratifiedKFold if table.task == "classification" else KFold
    folds = kind(options.folds, shuffle=True, random_state=OUTER_SEED)
    pairs = []
    for rows, unseen in folds.split(table.X, table.y):
        pair = ours(table, rows, unseen, options), theirs(table, rows, unseen, options, workers)
        if options.show:
            for who, judged in zip(("ours", "theirs"), pair, strict=True):
                print(f"  {who:<7}{judged.score:.5g}  {judged.chosen}", flush=True)
        pairs.append(pair)
    return pairs


def main() -> None:
    """Print the contest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; default: ten")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each contestant and fold")
    parser.add_argument("--opponent", type=float, metavar="SECONDS", help="more seconds for the opponent")
    parser.add_argument("--tables", type=int, dest="count", default=len(CHOSEN), help="only N of the ten")
    parser.add_argument("--folds", type=int, default=3, help="outer folds")
    parser.add_argument("--driver", default="schuss", help="schuss or optuna")
    parser.add_argument("--show", action="store_true", help="print what was chosen")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(
        f"{'table':<15}{'measure':<9}{'ours':>10}{'theirs':>10}{'difference':>14}{'':13}"
        f"{'tried':>7}{'tried':>7}{'seconds':>9}{'seconds':>9}"
    )
    won, clear, lost = 0, 0, 0
    names = options.tables or CHOSEN[: options.count]
    with Parallel(n_jobs=os.cpu_count()) as workers:
        for name in names:
            table = load_table(name)
            pairs = contest(table, options, workers)
            scores = np.array([[each.score for each in pair] for pair in pairs])
            gap = scores[:, 0] - scores[:, 1]
            error = gap.std(ddof=1) / math.sqrt(len(gap))
            won += gap.mean() <= 0
            clear += gap.mean() < -2 * error
            lost += gap.mean() > 2 * error
            tried = [np.mean([pair[i].tried for pair in pairs]) for i in (0, 1)]
            spent = [np.mean([pair[i].seconds for pair in pairs]) for i in (0, 1)]
            print(
                f"{name:<15}{MEASURES[table.task][0]:<9}"
                f"{scores[:, 0].mean():>10.5g}{scores[:, 1].mean():>10.5g}"
                f"{gap.mean():>+14.3g} ± {error:<10.1g}"
                f"{tried[0]:>7.0f}{tried[1]:>7.0f}{spent[0]:>9.1f}{spent[1]:>9.1f}",
                flush=True,
            )
    print(f"at least as good on {won} of {len(names)}; clearly better on {clear}, clearly worse on {lost}")


if __name__ == "__main__":
    main()

"""Tuning a table: the model is the one that the settings make, and rows kept for testing take no part."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import draw_table

import schuss
from schuss import DataError, MissingExtraError, SettingError, Tuned, tune
from schuss.adapters import study_terms, tuning
from schuss.adapters.columns import Table
from schuss.adapters.fitting import prepare
from schuss.adapters.model import fit_model
from schuss.adapters.recipe import Recipe
from schuss.adapters.splitting import deal_rows
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target
from schuss.adapters.tuning import DRIVERS
from schuss.adapters.tuning_problem import problem_of, recipe_of, starts_for
from schuss.training.opening import load_run

pytestmark = pytest.mark.usefixtures("quick_tuning")


def people(target: str = "size", n: int = 80) -> Table:
    table = draw_table(n)
    return Table({name: table.columns[name] for name in ("height", "weight", "town", target)}, table.name)


def quick(target: str = "size", trials: int = 5, **how: Any) -> Tuned:
    return tune(people(target), target, trials=trials, **how)


def rows_for_testing(table: Table, target: str) -> Any:
    return np.setdiff1d(np.arange(table.n_rows), prepare(table, [target], None, None, 0, "float32").rows)


def of(target: str) -> tuple[Table, tuple[Target, ...]]:
    table = people(target)
    return table, (Target.fit(table.column(target)),)


@pytest.mark.parametrize(
    ("target", "measure"), [("size", "log_loss"), ("grade", "log_loss"), ("score", "rmse")]
)
def test_the_model_is_what_the_settings_make(target: str, measure: str) -> None:
    """`fit_model` with the recipe makes it, bit for bit, with the same scores on the test rows."""
    tuned = quick(target, seed=3)
    again = fit_model(people(target), [target], recipe_of(tuned.setting, 3))

    assert tuned.found.measure == measure
    assert tuned.model.run.theta.tobytes() == again.run.theta.tobytes()
    assert tuned.model.scores == again.scores
    assert tuned.model.n_test == 16
    start = fit_model(people(target), [target], recipe_of(tuned.found.start.setting, 3))
    assert tuned.start_scores == start.scores
    assert tuned.found.tried == 5
    assert tuned.setting in {each.setting for each in tuned.found.standings}
    assert "schuss train people --target" in repr(tuned)


def test_rows_kept_for_testing_take_no_part() -> None:
    """With other targets in them the search is the same; with other targets elsewhere it is not."""
    table = people("score")
    tested = rows_for_testing(table, "score")

    def with_other(rows: Any) -> Any:
        values = table.column("score").values.copy()
        values[rows] += 50.0
        columns = {name: list(each.values) for name, each in table.columns.items()}
        return tune(columns | {"score": values}, "score", trials=4).found.measured

    assert with_other(tested) == with_other([])
    assert with_other([row for row in range(80) if row not in tested][:3]) != with_other([])


@pytest.mark.parametrize("target", ["size", "grade", "score"])
def test_a_search_scores_as_the_model_does(target: str) -> None:
    """What a fold says of outputs is what `Model.evaluate` says of the model trained on it."""
    table, targets = of(target)
    problem = problem_of(table, prepare(table, [target], None, 0.0, 0, "float64"), 0)
    fold = problem.fold(1, 2)
    unseen = deal_rows(table, targets, problem.n_folds, (0, 1)) == 2
    setting = starts_for(80, 50, targets)[0]
    rows = np.arange(80)
    # a model that is given the rows of the fold alone, with classes known from all
    network, plan = problem.make(setting, 1, fold.X.shape[1], len(fold.X))
    run = schuss.train(network, fold.X, fold.T, plan)
    told = fold.score(run.predict(fold.X_unseen), network.loss.name)

    model = fit_model(
        table.take(rows[~unseen]), [target], recipe_of(setting, 1), test_size=0.0, dtype="float64"
    )
    scores = model.evaluate(table.take(rows[unseen]))
    assert told == pytest.approx(scores["rmse" if target == "score" else "log_loss"], rel=1e-9)


def test_the_first_start_is_what_train_takes() -> None:
    """So that a search is never behind `schuss train` without options."""
    for target in ("size", "score"):
        _, targets = of(target)
        first = recipe_of(starts_for(80, 53, targets)[0], 7)
        mine, default = first.network(4, targets), Recipe(seed=7).network(4, targets)

        assert mine == default
        assert first.plan(80) == Recipe(seed=7).plan(80)


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_rows_are_dealt_evenly(n_folds: int) -> None:
    """Folds differ by one row at most, and so do the rows of each class in them; another seed deals anew."""
    table, targets = of("size")
    codes = targets[0].encode(table.column("size"))
    folds = deal_rows(table, targets, n_folds, (0, 0))
    for of_class in (np.full(80, True), *(codes == code for code in range(3))):
        counts = np.bincount(folds[of_class], minlength=n_folds)
        assert counts.max() - counts.min() <= 1
    assert (folds != deal_rows(table, targets, n_folds, (0, 1))).any()
    assert (folds == deal_rows(table, targets, n_folds, (0, 0))).all()


def test_a_class_of_one_row_is_no_obstacle() -> None:
    """It stands in one fold; the model knows it."""
    labels = ["a"] * 20 + ["b"] * 19 + ["c"]
    data = {"x": np.linspace(0, 1, 40), "z": np.arange(40) % 7, "y": labels}
    tuned = tune(data, "y", trials=3)

    assert tuned.model.targets[0].classes == ("a", "b", "c")
    assert all(np.isfinite(each.score) for each in tuned.found.whole)


def test_a_dozen_rows_are_enough() -> None:
    """Of numbers, too; fewer than ten are refused."""
    x = np.arange(12.0)
    assert tune({"x": x, "y": x**2}, "y", trials=2, task="regression").model.n_test == 0
    with pytest.raises(DataError, match=r"9 rows to learn from.*10 or more.*schuss train"):
        tune({"x": x[:9], "y": x[:9] ** 2}, "y", trials=2, task="regression")


@pytest.mark.parametrize("given", [1e-6, None])
def test_a_budget_that_is_too_short_is_said(monkeypatch: pytest.MonkeyPatch, given: float | None) -> None:
    """The defaults are trained, and nothing is claimed; so with the budget that holds if none is given."""
    monkeypatch.setattr(tuning, "BUDGET", 1e-6)
    told: list[str] = []
    tuned = tune(people(), "size", budget=given, tell=told.append)

    assert "The budget of 1e-06 s is shorter than one trial" in told[0]
    assert tuned.found.tried == 0
    assert tuned.found.stopped == "budget"
    assert tuned.model.run.theta.size > 0


@pytest.mark.parametrize(
    ("how", "error", "told"),
    [
        ({"budget": 0.0}, SettingError, "budget must lie in"),
        ({"budget": "60s"}, SettingError, "budget must be a number"),
        ({"seed": -1}, SettingError, "seed must be an integer of at least 0"),
        ({"trials": 0}, SettingError, "trials must be an integer of at least 1"),
        ({"driver": "optune"}, SettingError, "did you mean 'optuna'"),
        ({"target": "sice"}, DataError, "did you mean 'size'"),
        ({"target": None}, DataError, "no target"),
    ],
)
def test_bad_input_is_refused(how: dict[str, Any], error: type[Exception], told: str) -> None:
    """Before anything is trained or written."""
    with pytest.raises(error, match=told):
        tune(people(), **({"target": "size"} | how))


def test_a_best_that_diverges_on_all_rows_gives_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The next best is trained and recorded, and the command is its own."""
    best = quick().found.best.setting
    told: list[str] = []

    def fit(table: Any, names: Any, used: Recipe, **how: Any) -> Any:
        if used == recipe_of(best, 0):
            used = recipe_of(replace(best, learning_rate=1e9, activation="relu"), 0)
        return fit_model(table, names, used, **how)

    monkeypatch.setattr(study_terms, "fit_model", fit)
    tuned = quick(tell=told.append, record=tmp_path / "run")

    assert any("diverged at step" in line for line in told)
    assert tuned.setting != tuned.found.best.setting == best
    assert tuned.setting in {each.setting for each in tuned.found.whole}
    assert f"--learning-rate {tuned.setting.learning_rate}" in tuned.command
    assert tuned.model.run.folder == tmp_path / "run-2"


def test_missing_targets_are_refused() -> None:
    """The sentence counts them."""
    labels = ["a", "b", None, "a"] * 5
    with pytest.raises(DataError, match="missing in 5 of 20 rows"):
        tune({"x": np.arange(20.0), "y": labels}, "y", trials=2)


def test_the_best_is_a_recorded_run(tmp_path: Path) -> None:
    """Like any other: it opens, and knows its preprocessing."""
    tuned = quick(record=tmp_path / "run", study=tmp_path / "study")

    run = load_run(tmp_path / "run")
    assert run.theta.tobytes() == tuned.model.run.theta.tobytes()
    assert "preprocessor" in run.about
    assert tuned.folder == tmp_path / "study"
    assert (tmp_path / "study" / "trials.jsonl").stat().st_size > 1000


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_study_is_gone_on_with(tmp_path: Path, driver: str) -> None:
    """More trials are added to those that are there, and the best is no worse than it was."""
    first = quick(trials=5, driver=driver, study=tmp_path / "study")
    more = quick(trials=8, driver=driver, study=tmp_path / "study")

    assert (first.found.tried, more.found.tried) == (5, 8)
    assert more.found.measured[: len(first.found.measured)] == first.found.measured
    both = [unit for unit in first.found.best.scores if unit in more.found.best.scores]
    before, after = (sum(each.found.best.scores[unit] for unit in both) for each in (first, more))
    assert after <= before
    with pytest.raises(schuss.RecordError, match="another driver"):
        quick(driver=DRIVERS[driver == DRIVERS[0]], study=tmp_path / "study")


def test_optuna_gives_the_same_for_the_same_seed() -> None:
    """And it gives up what is clearly worse before all folds are done."""
    first, again = (quick("score", trials=12, driver="optuna") for _ in range(2))

    assert first.found.measured == again.found.measured
    counts = {len(each.scores) for each in first.found.standings}
    assert min(counts) < 3 <= max(counts)


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the other driver needs nothing."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    importlib.reload(importlib.import_module("schuss.adapters.optuna_driver"))
    with pytest.raises(MissingExtraError, match=r"driver optuna needs .*schuss\[tune\]"):
        quick(driver="optuna")
    assert quick(trials=1).found.tried == 1


def test_several_targets_are_one_search() -> None:
    """Of numbers: their errors are averaged, each in its own unit; with the highest seed that there is."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 60))
    tuned = tune({"a": a, "b": b, "y": a + b, "z": 1000.0 * a * b}, ["y", "z"], trials=3, seed=2**64 - 1)

    assert tuned.found.measure == "rmse"
    assert min(tuned.found.best.score, tuned.model.scores["rmse"]) > 50  # of `y` alone it would be about 1
    assert tuned.command.count("--target") == 2


def test_a_frame_or_a_dict_will_do() -> None:
    """Whatever `read_table` reads."""
    data = {"x": np.arange(30.0), "z": np.arange(30) % 4, "y": ["a", "b"] * 15}
    by_dict, by_table = tune(data, "y", trials=2), tune(read_table(data), ["y"], trials=2)
    assert by_dict.found.measured == by_table.found.measured


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two"])
def test_a_bad_number_of_threads_is_refused(threads: Any) -> None:
    """By name."""
    x = np.linspace(0.0, 1.0, 40)
    with pytest.raises(SettingError, match="threads must be an integer of at least 1; got"):
        tune({"x": x, "y": x * x}, "y", trials=1, threads=threads)

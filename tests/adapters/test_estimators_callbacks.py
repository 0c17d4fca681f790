"""scikit-learn's callbacks (from 1.9): a task for each epoch, a model that predicts, and a wish to stop."""

import threading
from typing import Any

import numpy as np
import pytest
from by_hand import QUICK, classes, numbers, same_weights, theta_of
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schuss import DivergenceError, MLPClassifier, MLPRegressor

callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]


# ruff: noqa: ARG002  # scikit-learn calls a callback with all that it has


class Recorder:
    """Writes down what it is told, and asks to stop after so many tasks."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.told: list[str] = []
        self.models: list[Any] = []
        self.data: list[Any] = []
        self.stop_after = stop_after

    def setup(self, estimator: Any, context: Any) -> None:
        self.told.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.told.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any,
        y: Any,
        fitted_estimator: Any,
    ) -> bool:
        self.told.append(f"end {context.task_name} {context.task_id}")
        self.models.append(fitted_estimator)
        self.data.append((X, y))
        return context.task_name != "fit" and len(self.models) >= self.stop_after


def data_for(kind: Any) -> tuple[Any, Any]:
    return classes() if kind is MLPClassifier else numbers()


def story(task: str, tasks: int) -> list[str]:
    """Return what a recorder is told of a fit with so many tasks."""
    of_tasks = [line for i in range(tasks) for line in (f"begin {task}", f"end {task} {i}")]
    return ["setup", "begin fit", *of_tasks, "end fit 0", "teardown"]


def bars() -> list[threading.Thread]:
    """Return the threads that draw scikit-learn's progress bars."""
    return [thread for thread in threading.enumerate() if "Progress" in type(thread).__name__]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_task_for_each_epoch_and_a_model_that_predicts(kind: Any, solver: str) -> None:
    """The model of task i is that of a fit of i+1 epochs, or of lbfgs; the training is not disturbed."""
    X, y = data_for(kind)
    how = {**QUICK, "solver": solver, "max_iter": 5}
    recorder = Recorder()
    model = kind(**how).set_callbacks(recorder).fit(X, y)

    assert recorder.told == story("lbfgs-iter" if solver == "lbfgs" else "epoch", 5)
    assert same_weights(model, kind(**how).fit(X, y))
    for i, seen in enumerate(recorder.models[:5]):
        shorter = kind(**how | {"max_iter": i + 1}).fit(X, y)
        np.testing.assert_array_equal(seen.predict(X), shorter.predict(X))
        assert same_weights(seen, shorter)
        assert not same_weights(seen, recorder.models[i - 1])
    assert same_weights(recorder.models[-1], model)
    np.testing.assert_array_equal(recorder.data[0][0], X)
    np.testing.assert_array_equal(recorder.data[0][1], y)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_true_stops_the_training(solver: str) -> None:
    """After the task that answered so, at its weights, without a warning of unfinished epochs."""
    X, y = classes()
    how = {**QUICK, "solver": solver}
    recorder = Recorder(stop_after=3)
    model = MLPClassifier(**how).set_callbacks(recorder).fit(X, y)

    assert model.n_iter_ == 3
    assert recorder.told == story("lbfgs-iter" if solver == "lbfgs" else "epoch", 3)
    assert same_weights(model, MLPClassifier(**how | {"max_iter": 3}).fit(X, y))
    assert not same_weights(model, MLPClassifier(**how | {"max_iter": 4}).fit(X, y))


def test_models_seen_stay_as_they_were() -> None:
    """Each is a copy: neither further training nor its own changes the other."""
    X, y = numbers()
    recorder = Recorder()
    model = MLPRegressor(**QUICK).set_callbacks(recorder).fit(X, y)
    early, before = recorder.models[2], theta_of(model)
    frozen = theta_of(early)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(theta_of(early), frozen)
    early.coefs_[0][...] = 0
    assert not np.array_equal(theta_of(model), before)  # it went on
    assert theta_of(model).all()


def test_a_fit_that_fails_is_torn_down() -> None:
    """Divergence comes out as it is, and the callbacks are told that it is over."""
    X, y = numbers()
    recorder = Recorder()
    model = MLPRegressor(**QUICK, solver="sgd", learning_rate_init=1e300).set_callbacks(recorder)
    with pytest.raises(DivergenceError):
        model.fit(X * 100, y)
    assert (recorder.told[0], recorder.told[-1]) == ("setup", "teardown")
    assert "end fit 0" not in recorder.told


def test_partial_fit_is_a_fit_of_one_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    """One task, set up and torn down each time, for one row and for many; a progress bar ends with it."""
    X, y = numbers()
    for rows in (1, 90):
        recorder = Recorder()
        model = MLPRegressor(**QUICK).fit(X, y).set_callbacks(recorder)
        for _ in range(2):
            model.partial_fit(X[:rows], y[:rows])
        assert recorder.told == 2 * story("epoch", 1)
        assert same_weights(recorder.models[-1], model)
        assert not same_weights(recorder.models[0], model)
    model.set_callbacks(callback.ProgressBar()).partial_fit(X, y)
    assert "MLPRegressor - fit" in capsys.readouterr().out
    assert not bars()


def test_no_callbacks_are_no_callbacks() -> None:
    """Without them, and after `set_callbacks()` takes them away, nobody is told."""
    X, y = numbers()
    recorder = Recorder()
    model = MLPRegressor(**QUICK).set_callbacks(recorder).set_callbacks().fit(X, y)
    assert recorder.told == []
    assert same_weights(model, MLPRegressor(**QUICK).fit(X, y))
    with pytest.raises(TypeError, match="FitCallback protocol"):
        model.set_callbacks(print)


def test_a_progress_bar_runs_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """scikit-learn's own, alone and in a pipeline; its thread ends when the fit does, even if it fails."""
    X, y = classes()
    MLPClassifier(**QUICK).set_callbacks(callback.ProgressBar()).fit(X, y)
    told = capsys.readouterr().out
    assert "MLPClassifier - fit" in told
    assert "100%" in told
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).set_callbacks(callback.ProgressBar())
    pipeline.fit(X, y)
    assert "Pipeline - fit-final-estimator | MLPClassifier - fit" in capsys.readouterr().out
    with pytest.raises(DivergenceError):
        MLPClassifier(**QUICK, solver="sgd", learning_rate_init=1e300).set_callbacks(
            callback.ProgressBar()
        ).fit(X, y)
    assert not bars()


def test_a_monitor_scores_every_epoch() -> None:
    """scikit-learn's `ScoringMonitor` notes the accuracy that a user would see who stops after each epoch."""
    X, y = classes()
    monitor = callback.ScoringMonitor(scoring="accuracy")
    how = {**QUICK, "learning_rate_init": 0.02, "max_iter": 6}
    MLPClassifier(**how).set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]

    scores = [MLPClassifier(**how | {"max_iter": n}).fit(X, y).score(X, y) for n in range(1, 7)]
    assert [row["accuracy"] for row in rows] == scores
    assert len(set(scores)) > 3

"""The estimators inside scikit-learn's tools, and on their way through pickle, joblib, copy and clone."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from by_hand import QUICK, classes, numbers, real, same_weights, theta_of
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # makes the next import possible
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schuss import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]


def through_pickle(model: Any, _: Path) -> Any:
    return pickle.loads(pickle.dumps(model))  # noqa: S301  # our own


def through_joblib(model: Any, folder: Path) -> Any:
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")  # as its workers are given large models


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "pickle": through_pickle,
    "joblib": through_joblib,
    "copy": lambda model, _: copy.copy(model),
    "deepcopy": lambda model, _: copy.deepcopy(model),
}


def data_for(kind: Any) -> tuple[Any, Any]:
    return classes() if kind is MLPClassifier else numbers()


def go_on(model: Any, X: Any, y: Any, times: int = 3) -> Any:
    for _ in range(times):
        model.partial_fit(X, y)
    return model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_goes_on_as_if_training_had_never_stopped(
    way: str, solver: str, kind: Any, tmp_path: Path
) -> None:
    """Predictions, and what `partial_fit` makes of the copy, are the original's to the last bit.

    Velocity, age, generator and rate go along: without the velocity it would be another model.
    """
    X, y = data_for(kind)
    original = kind(**QUICK, solver=solver, learning_rate="adaptive").fit(X, y)
    copied, again, forgetful = (WAYS[way](original, tmp_path) for _ in range(3))

    assert copied.get_params() == original.get_params()
    np.testing.assert_array_equal(copied.predict(X), original.predict(X))
    before = theta_of(original)
    go_on(copied, X, y)
    np.testing.assert_array_equal(theta_of(original), before)  # the original has not moved
    go_on(original, X, y)
    assert same_weights(copied, original)
    assert (copied.loss_curve_, copied.t_) == (original.loss_curve_, original.t_)
    assert same_weights(go_on(again, X, y), original)
    forgetful._memory.slots = None
    assert not same_weights(go_on(forgetful, X, y), original)


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_a_copy_of_an_unfitted_estimator_is_unfitted(way: str, tmp_path: Path) -> None:
    """It fits to the same bits as the original."""
    X, y = classes()
    model = MLPClassifier(**QUICK)
    copied = WAYS[way](model, tmp_path)
    assert not hasattr(copied, "coefs_")
    assert same_weights(copied.fit(X, y), model.fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_read_set_and_cloned(kind: Any) -> None:
    """`get_params` returns what was given, unchanged; a clone is unfitted and fits to the same bits."""
    X, y = data_for(kind)
    model = kind(**QUICK).set_params(alpha=0.5, hidden_layer_sizes=[4])
    copied = clone(model)

    assert copied.get_params() == model.get_params()
    assert (copied.alpha, copied.hidden_layer_sizes) == (0.5, [4])
    assert same_weights(copied.fit(X, y), model.fit(X, y))
    assert not same_weights(clone(model).set_params(alpha=50).fit(X, y), model)
    assert not hasattr(clone(model), "coefs_")
    assert same_weights(clone(go_on(model, X, y)).fit(X, y), copied)  # in mid-training too
    with pytest.raises(ValueError, match="Invalid parameter 'alpa'"):
        model.set_params(alpa=1)


def test_pipelines_and_grid_searches_work() -> None:
    """Inside scikit-learn's own tools, with parameters set through them."""
    X, y = real("iris")
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK, learning_rate_init=0.05))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    grid = {"mlpclassifier__hidden_layer_sizes": [(4,), (16,)], "mlpclassifier__dropout": [0.0, 0.2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert search.score(X, y) > 0.85 > search.score(X, np.roll(y, 50))

    X, y = real("diabetes")
    regression = make_pipeline(StandardScaler(), MLPRegressor(**QUICK, learning_rate_init=0.02))
    assert cross_val_score(regression, X, y, cv=3).mean() > 0.3


def test_a_halving_search_spends_epochs() -> None:
    """`max_iter` is the resource: few epochs for all candidates, more for those that are left."""
    X, y = real("iris")
    search = HalvingGridSearchCV(
        MLPClassifier(**QUICK, solver="sgd"),
        {"learning_rate_init": [1e-6, 1e-5, 1e-4, 0.1]},
        resource="max_iter",
        min_resources=4,
        max_resources=16,
        factor=2,
        cv=2,
        random_state=0,
    ).fit(X, y)

    assert search.best_params_ == {"learning_rate_init": 0.1, "max_iter": 16}
    assert search.best_estimator_.n_iter_ == 16
    assert search.cv_results_["n_resources"].tolist() == [4, 4, 4, 4, 8, 8, 16]


def test_probabilities_are_calibrated() -> None:
    """`CalibratedClassifierCV` lowers the loss of a network that is far too sure of itself."""
    X, y = real("breast_cancer")
    sure = MLPClassifier(**QUICK, learning_rate_init=0.1)
    train, test = slice(None, None, 2), slice(1, None, 2)

    def loss(model: Any) -> float:
        shares = model.fit(X[train], y[train]).predict_proba(X[test])
        return float(-np.log(np.clip(shares[np.arange(len(shares)), y[test]], 1e-15, 1)).mean())

    calibrated = CalibratedClassifierCV(sure, method="sigmoid", cv=3)
    assert loss(calibrated) < loss(sure)
    assert loss(sure) < loss(LogisticRegression(C=1e-9))  # which learns nothing


def test_cross_validation_in_two_processes_gives_the_same_scores() -> None:
    """`n_jobs=2` changes no bit of them; another seed does."""
    X, y = real("diabetes")
    scores = [
        cross_val_score(MLPRegressor(**QUICK | {"random_state": seed}, solver="sgd"), X, y, cv=3, n_jobs=jobs)
        for seed, jobs in ((0, 1), (0, 2), (1, 1))
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_the_names_of_a_frames_columns_are_kept_and_checked() -> None:
    """Columns in another order are refused by scikit-learn's own check, at predict and at `partial_fit`."""
    X, y = classes()
    frame = pd.DataFrame(X, columns=[*"abcdef"])
    model = MLPClassifier(**QUICK).fit(frame, y)

    assert model.feature_names_in_.tolist() == [*"abcdef"]
    assert same_weights(model, MLPClassifier(**QUICK).fit(X, y))
    np.testing.assert_array_equal(model.predict(frame), model.predict_proba(frame).argmax(axis=1))
    for call in (model.predict, lambda wrong: model.partial_fit(wrong, y)):
        with pytest.raises(ValueError, match="feature names"):
            call(frame[[*"fedcba"]])

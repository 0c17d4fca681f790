"""Data to judge by: the user's own or a part kept back; curves by hand, and the best weights kept."""

from typing import Any

import numpy as np
import pytest
from by_hand import NEAR, QUICK, classes, mean_loss, numbers, one_hot, real, same_weights
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from comparisons import assert_near
from schuss import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IN_ORDER: dict[str, Any] = {**QUICK, "shuffle": False, "n_iter_no_change": np.inf, "max_iter": 6}
SEEN, UNSEEN = slice(0, 60), slice(60, 90)
KINDS = [MLPClassifier, MLPRegressor]


def data_for(kind: Any) -> tuple[Any, Any]:
    return classes() if kind is MLPClassifier else numbers(2)


def loss_and_score(model: Any, X: Any, y: Any, weights: Any) -> tuple[float, float]:
    """Return the loss by hand, without penalty, and scikit-learn's score, on data to judge by."""
    if isinstance(model, MLPClassifier):
        loss = mean_loss("log_loss", model.predict_proba(X), one_hot(y, 3), weights=weights)
        return loss, accuracy_score(y, model.predict(X), sample_weight=weights)
    loss = mean_loss("squared_error", model.predict(X), y, weights=weights)
    return loss, r2_score(y, model.predict(X), sample_weight=weights)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_validation_curves_are_what_a_user_would_compute(kind: Any, weighted: bool) -> None:
    """After each epoch the loss, without penalty, and the score on the data given."""
    X, y = data_for(kind)
    weights = np.linspace(0.1, 2.0, 30) if weighted else None
    how = {"X_val": X[UNSEEN], "y_val": y[UNSEEN], "sample_weight_val": weights}
    parts, losses, scores = kind(**IN_ORDER, alpha=1.0), [], []
    first = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    for _ in range(6):
        parts.partial_fit(X[SEEN], y[SEEN], **how, **first)
        loss, score = loss_and_score(parts, X[UNSEEN], y[UNSEEN], weights)
        losses.append(loss)
        scores.append(score)
    model = kind(**IN_ORDER, alpha=1.0).fit(X[SEEN], y[SEEN], **how)

    for judged in (parts, model):
        assert judged.best_loss_ == min(judged.loss_curve_)
        assert_near(np.array(judged.validation_loss_curve_), np.array(losses), NEAR)
        assert_near(np.array(judged.validation_scores_), np.array(scores), NEAR)
        assert judged.best_validation_score_ == max(judged.validation_scores_)
        with pytest.raises(AssertionError, match="differ"):  # the curve of the epoch before
            assert_near(np.array(judged.validation_loss_curve_), np.roll(losses, 1), NEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_the_part_kept_back_is_the_one_that_scikit_learn_would_keep(kind: Any) -> None:
    """Without data of the caller's, early stopping splits with the generator after the weights are drawn."""
    X, y = data_for(kind)
    how = {**IN_ORDER, "validation_fraction": 0.3}
    model = kind(**how, early_stopping=True).fit(X, y)
    drawn = np.random.RandomState(0)
    drawn.uniform(size=model.network_.n_parameters)
    kept, held = train_test_split(np.arange(90), test_size=0.3, random_state=drawn)

    how["early_stopping"] = True
    given = kind(**how).fit(X[kept], y[kept], X_val=X[held], y_val=y[held])
    assert same_weights(model, given)
    assert model.validation_scores_ == given.validation_scores_
    assert not same_weights(model, kind(**how).fit(X[held], y[held], X_val=X[kept], y_val=y[kept]))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_best_weights_by_the_validation_are_kept(solver: str) -> None:
    """The fit ends `n_iter_no_change` epochs after the best one, and returns to it."""
    X, y = real("iris")
    seen, unseen = slice(0, None, 3), slice(1, None, 3)
    how = {**QUICK, "solver": solver, "learning_rate_init": 0.1}
    judge = {"X_val": X[unseen], "y_val": y[unseen]}
    stopped = {**how, "max_iter": 100, "early_stopping": True, "n_iter_no_change": 7}
    model = MLPClassifier(**stopped).fit(X[seen], y[seen], **judge)
    best = int(np.argmax(model.validation_scores_)) + 1

    assert best < model.n_iter_ == len(model.validation_scores_) < 100
    shorter = MLPClassifier(**how | {"max_iter": best}, n_iter_no_change=np.inf).fit(X[seen], y[seen])
    assert same_weights(model, shorter)
    last = MLPClassifier(**how | {"max_iter": model.n_iter_}, n_iter_no_change=np.inf).fit(X[seen], y[seen])
    assert not same_weights(model, last)
    told = MLPClassifier(**how | {"max_iter": model.n_iter_}, n_iter_no_change=np.inf)
    assert same_weights(told.fit(X[seen], y[seen], **judge), last)  # data alone only keeps the record
    assert told.validation_scores_ == model.validation_scores_
    assert model.score(X[unseen], y[unseen]) == model.best_validation_score_


def test_early_stopping_goes_with_partial_fit() -> None:
    """scikit-learn refuses it; here each call judges by the data given, and the best score is remembered."""
    X, y = classes()
    model = MLPClassifier(**IN_ORDER, early_stopping=True, learning_rate_init=0.02)
    judge = {"X_val": X[UNSEEN], "y_val": y[UNSEEN]}
    for calls in range(1, 9):
        model.partial_fit(X[SEEN], y[SEEN], classes=[0, 1, 2], **judge)
        assert len(model.validation_scores_) == len(model.validation_loss_curve_) == calls
        assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(set(model.validation_scores_)) > 3
    plain = MLPClassifier(**IN_ORDER, learning_rate_init=0.02)
    for _ in range(8):
        plain.partial_fit(X[SEEN], y[SEEN], classes=[0, 1, 2])
    assert plain.loss_curve_ == model.loss_curve_  # judging changes no step
    assert plain.validation_scores_ is None


@pytest.mark.parametrize("kind", KINDS)
def test_without_data_to_judge_by_there_are_no_curves(kind: Any) -> None:
    """The attributes are there, as in scikit-learn, and empty of meaning: None."""
    X, y = data_for(kind)
    model = kind(**IN_ORDER).fit(X, y)
    assert (model.validation_scores_, model.validation_loss_curve_, model.best_validation_score_) == (
        None,
    ) * 3
    assert model.best_loss_ == min(model.loss_curve_)
    stopped = kind(**IN_ORDER, early_stopping=True).fit(X, y)
    assert stopped.best_loss_ is None
    assert len(stopped.validation_scores_) == 6

"""A training that ends before its time: divergence is an error, Ctrl-C keeps what was learnt."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from by_hand import classes, numbers, real, same_weights, theta_of
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from schuss import DivergenceError, MLPClassifier, MLPRegressor
from schuss.adapters.estimators import solvers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (8,), "random_state": 0}


def data_for(kind: Any) -> tuple[Any, Any]:
    return classes() if kind is MLPClassifier else numbers()


def far_too_fast(kind: Any, **how: Any) -> Any:
    return kind(**{**SETTINGS, "solver": "sgd", "learning_rate_init": 1e300, "max_iter": 50, **how})


@pytest.mark.parametrize("kind", KINDS)
def test_divergence_is_an_error_and_a_first_fit_leaves_nothing_fitted(kind: Any) -> None:
    """A DivergenceError, which is a ValueError, with scikit-learn's sentence before ours."""
    X, y = data_for(kind)
    model = far_too_fast(kind)
    with pytest.raises(DivergenceError, match="training diverged: at step") as ours:
        model.fit(X * 100, y)
    assert isinstance(ours.value, ValueError)
    assert np.isfinite(ours.value.state.theta).all()
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="Solver produced non-finite") as theirs,
    ):
        far_too_fast(getattr(sklearn.neural_network, kind.__name__)).fit(X * 100, y)
    assert str(ours.value).startswith(str(theirs.value))
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not hasattr(model, "coefs_")
    assert model.set_params(learning_rate_init=0.01).fit(X, y).predict(X).shape == y.shape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 90])
def test_a_later_step_that_diverges_leaves_the_model_as_it_was(kind: Any, rows: int) -> None:
    """The weights are those before the `partial_fit` that raised, to the last bit, one row or many."""
    X, y = data_for(kind)
    model = far_too_fast(kind, learning_rate_init=0.01, max_iter=3).fit(X, y)
    model.set_params(learning_rate_init=1e300)
    model.partial_fit(X[:rows], y[:rows])  # a step so long that the next one cannot be finite
    before = theta_of(model)
    with pytest.raises(DivergenceError):
        model.partial_fit(X[:rows], y[:rows])
    np.testing.assert_array_equal(theta_of(model), before)
    other = far_too_fast(kind, learning_rate_init=0.01, max_iter=3).fit(X, y).partial_fit(X[:rows], y[:rows])
    assert not np.array_equal(theta_of(other), before)


def test_a_warm_start_that_diverges_leaves_the_model_as_it_was() -> None:
    """And it predicts what it predicted."""
    X, y = numbers()
    model = far_too_fast(MLPRegressor, learning_rate_init=0.01, warm_start=True).fit(X, y)
    before = model.predict(X)
    with pytest.raises(DivergenceError):
        model.set_params(learning_rate_init=1e300).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert not np.array_equal(model.set_params(learning_rate_init=0.01).fit(X, y).predict(X), before)


def test_a_warm_start_with_another_activation_that_diverges_keeps_the_activation() -> None:
    """The weights were trained for it, and predict what they predicted."""
    X, y = numbers()
    model = far_too_fast(MLPRegressor, learning_rate_init=0.01, warm_start=True, activation="relu").fit(X, y)
    before = model.predict(X)
    with pytest.raises(DivergenceError):
        model.set_params(activation="identity", learning_rate_init=1e300).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("kind", KINDS)
def test_divergence_with_data_to_judge_by_keeps_the_best(kind: Any) -> None:
    """A warning that says so, and the weights of the best score before it."""
    X, y = data_for(kind)
    # each step multiplies the weights by α·alpha/batch_size − 1 = 1.5, so the first epochs are still finite
    growing = {"alpha": 5e3, "learning_rate_init": 0.01, "batch_size": 20, "momentum": 0.0}
    growing |= {"early_stopping": True, "n_iter_no_change": np.inf, "max_iter": 1000}
    with (
        np.errstate(over="ignore"),  # in R²
        pytest.warns(ConvergenceWarning, match="training diverged.*The best weights before that are kept"),
    ):
        model = far_too_fast(kind, **growing).fit(X, y)
    assert np.isfinite(model.predict_proba(X) if kind is MLPClassifier else model.predict(X)).all()
    assert np.isnan(model.validation_scores_[-1])
    assert model.best_validation_score_ == max(model.validation_scores_[:-1])
    best = int(np.argmax(model.validation_scores_[:-1])) + 1
    assert same_weights(model, far_too_fast(kind, **{**growing, "max_iter": best}).fit(X, y))
    assert len(model.loss_curve_) > best  # it went on for a while


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a Ctrl-C come after so many epochs of whatever the estimators train next."""
    train = solvers.train_network

    def interrupt(epoch: Any) -> None:
        if epoch.number == epochs:
            raise KeyboardInterrupt

    def interrupted(*args: Any, callbacks: Any, **how: Any) -> Any:
        return train(*args, callbacks=[*callbacks, interrupt], **how)

    monkeypatch.setattr(solvers, "train_network", interrupted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_ctrl_c_keeps_what_was_learned(kind: Any, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in scikit-learn: a warning at the caller's line, and the model of so many epochs."""
    X, y = data_for(kind)
    interrupt_after(4, monkeypatch)
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        model = kind(**SETTINGS, solver=solver, max_iter=50).fit(X, y)
    monkeypatch.undo()

    assert Path(caught[0].filename) == Path(__file__)
    assert (model.n_iter_, len(model.loss_curve_), model.t_) == (4, 4, 4 * 90)
    shorter, whole = (kind(**SETTINGS, solver=solver, max_iter=n).fit(X, y) for n in (3, 4))
    assert same_weights(model, whole)
    assert not same_weights(model, shorter)
    assert same_weights(
        model.partial_fit(X, y), whole.partial_fit(X, y)
    )  # and goes on as if it had ended there


def test_ctrl_c_keeps_the_best_by_the_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """With early stopping the weights kept are those of the best score so far, not the last."""
    X, y = real("iris")
    how = {
        **SETTINGS,
        "early_stopping": True,
        "solver": "sgd",
        "learning_rate_init": 0.5,
        "n_iter_no_change": 100,
    }
    interrupt_after(20, monkeypatch)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = MLPClassifier(**how, max_iter=50).fit(X, y)
    monkeypatch.undo()

    scores = model.validation_scores_
    best = int(np.argmax(scores)) + 1
    assert (len(scores), max(scores)) == (20, model.best_validation_score_)
    assert best < 20
    assert same_weights(model, MLPClassifier(**how, max_iter=best).fit(X, y))
    assert not same_weights(model, MLPClassifier(**{**how, "early_stopping": False}, max_iter=20).fit(X, y))

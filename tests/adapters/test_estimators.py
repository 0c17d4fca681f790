"""The estimators behave as scikit-learn's tools expect, and keep dtype, bits and labels."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schuss import Cosine, MLPClassifier, MLPRegressor
from schuss.engine.choice import engine_named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 15, "random_state": 0}


def classes(n_classes: int = 3, dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw 90 samples of so many classes."""
    X, y = make_classification(
        90, 6, n_informative=5, n_redundant=0, n_classes=n_classes, class_sep=2.0, random_state=1
    )
    return X.astype(dtype), y


def numbers(n_out: int = 1, dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw 90 samples of a smooth function."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 4))
    Y = np.column_stack([np.sin(X[:, k]) + X[:, 3] for k in range(n_out)])
    return X.astype(dtype), (Y[:, 0] if n_out == 1 else Y)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("words", [False, True])
def test_classes_are_learned_and_told_in_their_own_labels(n_classes: int, words: bool) -> None:
    """Two classes and many, numbers and words; probabilities add up and their largest is predicted."""
    X, y = classes(n_classes)
    y = np.array([f"kind {k}" for k in y]) if words else y
    model = MLPClassifier(**QUICK | {"max_iter": 100})

    assert model.fit(X, y) is model
    shares = model.predict_proba(X)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert shares.shape == (90, n_classes)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(X), model.classes_[shares.argmax(axis=1)])
    np.testing.assert_array_equal(model.predict_log_proba(X), np.log(shares))
    assert model.score(X, y) > 0.85
    assert model.out_activation_ == ("logistic" if n_classes == 2 else "softmax")


@pytest.mark.parametrize("n_out", [1, 3])
def test_numbers_are_learned_in_the_shape_of_y(n_out: int) -> None:
    """A flat y gives flat predictions, a matrix a matrix."""
    X, Y = numbers(n_out)
    model = MLPRegressor(**QUICK | {"max_iter": 300, "learning_rate_init": 0.05}).fit(X, Y)

    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.9
    assert model.n_outputs_ == n_out
    column = MLPRegressor(**QUICK).fit(X, Y.reshape(90, -1)[:, :1])
    assert column.predict(X).shape == (90, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_float32_stays_float32(dtype: str) -> None:
    """Weights, probabilities and predictions; everything else is float64."""
    expected = "float32" if dtype == "float32" else "float64"
    X, y = classes()
    X = (2 * X).astype(dtype)
    classifier, regressor = MLPClassifier(**QUICK).fit(X, y), MLPRegressor(**QUICK).fit(X, X[:, 0] / 2)

    assert classifier.predict_proba(X).dtype == regressor.predict(X).dtype == expected
    assert {w.dtype.name for w in (*classifier.coefs_, *classifier.intercepts_)} == {expected}


def test_the_attributes_are_scikit_learns() -> None:
    """Their shapes and meanings, with which the prediction can be computed by hand."""
    X, y = classes()
    model = MLPClassifier(**QUICK | {"activation": "tanh"}).fit(X, y)

    assert [w.shape for w in model.coefs_] == [(6, 8), (8, 3)]
    assert [b.shape for b in model.intercepts_] == [(8,), (3,)]
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_) == (3, 3, 6)
    assert (model.n_iter_, len(model.loss_curve_), model.t_) == (15, 15, 15 * 90)
    assert model.loss_ == model.loss_curve_[-1] >= min(model.loss_curve_) == model.best_loss_
    x = np.tanh(X @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1] + model.intercepts_[1]
    share = np.exp(x - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(X), share / share.sum(axis=1, keepdims=True), rtol=1e-10)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_same_random_state_gives_the_same_bits(kind: Any) -> None:
    """On one thread and two, again and again; other states, and None, give other bits."""
    X, y = classes() if kind is MLPClassifier else numbers()

    def digest(**how: Any) -> str:
        return kind(**QUICK | how).fit(X, y).run_.state.digest()

    assert digest() == digest() == digest(n_threads=2) == digest(random_state=np.int64(0))
    assert digest() != digest(random_state=1)
    assert digest(random_state=None) != digest(random_state=None)
    state = np.random.RandomState(7)
    assert digest(random_state=state) != digest(random_state=state)
    assert digest(random_state=np.random.RandomState(7)) == digest(random_state=np.random.RandomState(7))


def test_every_parameter_reaches_the_training() -> None:
    """Network and plan are what the parameters say."""
    X, y = classes()
    model = MLPClassifier(
        (7, 5), ("tanh", "relu"), alpha=0.3, batch_size=17, learning_rate_init=Cosine(0.1),
        max_iter=4, shuffle=False, random_state=9, tol=0.0, momentum=0.5, nesterovs_momentum=False,
        n_iter_no_change=33, engine="reference", n_threads=1,
    ).fit(X, y)  # fmt: skip
    run = model.run_

    assert run.network.layers == (6, 7, 5, 3)
    assert run.network.activation == ("tanh", "relu", "softmax")
    plan = run.plan
    assert (plan.rule.name, plan.rule.learning_rate, plan.rule.momentum) == ("momentum", Cosine(0.1), 0.5)  # type: ignore[attr-defined]
    assert (plan.l2, plan.batch_size, plan.epochs, plan.order, plan.seed) == (0.3, 17, 4, "sequential", 9)
    assert (plan.patience, plan.min_improvement) == (33, 0.0)
    assert run.engine.engine == "reference"
    assert MLPClassifier(**QUICK).fit(X, y).run_.plan.rule.name == "nesterov"
    assert MLPClassifier(**QUICK, momentum=0).fit(X, y).run_.plan.rule.name == "gradient_descent"
    assert MLPClassifier(5, random_state=0, max_iter=3).fit(X, y).run_.network.layers == (6, 5, 3)
    assert MLPClassifier((), random_state=0, max_iter=3).fit(X, y).run_.network.layers == (6, 3)
    assert MLPRegressor("huber", **QUICK).fit(*numbers()).run_.network.loss.name == "huber"


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_parameters_are_read_set_and_cloned(kind: Any) -> None:
    """`get_params` returns what was given, unchanged; a clone is unfitted and fits to the same bits."""
    X, y = classes() if kind is MLPClassifier else numbers()
    model = kind(**QUICK).set_params(alpha=0.5, hidden_layer_sizes=[4])
    copy = clone(model)

    assert copy.get_params() == model.get_params()
    assert copy.get_params()["alpha"] == 0.5
    assert copy.get_params()["hidden_layer_sizes"] == [4]
    assert copy.fit(X, y).run_.state.digest() == model.fit(X, y).run_.state.digest()
    assert not hasattr(clone(model), "run_")
    with pytest.raises(ValueError, match="Invalid parameter 'alpa'"):
        model.set_params(alpa=1)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_pickle_predicts_the_same(kind: Any) -> None:
    """To the last bit."""
    X, y = classes() if kind is MLPClassifier else numbers()
    model = kind(**QUICK).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own

    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.run_.state.digest() == model.run_.state.digest()
    assert copy.get_params() == model.get_params()


def test_pipelines_searches_and_cross_validation_work() -> None:
    """Inside scikit-learn's own tools, with parameters set through them."""
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    grid = {"mlpclassifier__hidden_layer_sizes": [(4,), (16,)], "mlpclassifier__momentum": [0.5, 0.9]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert search.score(X, y) > 0.85

    X, y = load_diabetes(return_X_y=True)
    regression = make_pipeline(StandardScaler(), MLPRegressor(**QUICK, alpha=0.1))
    assert cross_val_score(regression, X, (y - y.mean()) / y.std(), cv=3).mean() > 0.3


def test_the_names_of_a_frames_columns_are_kept_and_checked() -> None:
    """Columns in another order at predict are refused by scikit-learn's own check."""
    X, y = classes()
    frame = pd.DataFrame(X, columns=[*"abcdef"])
    model = MLPClassifier(**QUICK).fit(frame, y)

    assert model.feature_names_in_.tolist() == [*"abcdef"]
    np.testing.assert_array_equal(model.predict(frame), MLPClassifier(**QUICK).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[[*"fedcba"]])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_both_engines_agree(kind: Any) -> None:
    """The compiled engine's estimator predicts what the readable one's does, nearly."""
    X, y = classes() if kind is MLPClassifier else numbers()
    models = [kind(**QUICK, engine=engine).fit(X, y) for engine in ("native", "reference")]

    np.testing.assert_allclose(models[0].coefs_[0], models[1].coefs_[0], rtol=1e-8, atol=1e-10)
    assert [model.run_.engine.engine for model in models] == ["native", "reference"]
    assert models[0].run_.engine.engine == engine_named("auto").info.engine


def test_nothing_is_predicted_before_fitting() -> None:
    """NotFittedError, as everywhere in scikit-learn."""
    for call in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), call)([[1.0]])
    with pytest.raises(NotFittedError):
        MLPRegressor().predict([[1.0]])


def test_training_that_has_not_converged_warns_at_the_callers_line() -> None:
    """scikit-learn's own warning, so that its filters work; silent where patience ended it."""
    X, y = classes()
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(15\) reached") as caught:
        MLPClassifier(**QUICK).fit(X, y)
    assert Path(caught[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(**QUICK | {"max_iter": 5000}, tol=0.1, n_iter_no_change=2).fit(X, y)

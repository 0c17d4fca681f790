"""The estimators' interface: labels, shapes, dtypes, attributes, weights that can be set, and equal bits."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import NEAR, QUICK, classes, layers, numbers, same_weights, theta_of
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from comparisons import assert_near
from schuss import Cosine, MLPClassifier, MLPRegressor
from schuss.engine.choice import engine_named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]


def data_for(kind: Any, dtype: Any = "float64") -> tuple[Any, Any]:
    return classes(dtype=dtype) if kind is MLPClassifier else numbers(dtype=dtype)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("words", [False, True])
def test_classes_are_learned_and_told_in_their_own_labels(n_classes: int, words: bool) -> None:
    """Two classes and many, numbers and words; probabilities add up and their largest is predicted."""
    X, y = classes(n_classes)
    y = np.array([f"kind {k}" for k in y]) if words else y
    model = MLPClassifier(**QUICK | {"max_iter": 100, "learning_rate_init": 0.02})

    assert model.fit(X, y) is model
    shares = model.predict_proba(X)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert shares.shape == (90, n_classes)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(X), model.classes_[shares.argmax(axis=1)])
    np.testing.assert_array_equal(model.predict_log_proba(X), np.log(shares))
    assert model.score(X, y) > 0.85 > model.score(X, np.roll(y, 1))
    assert model.out_activation_ == ("logistic" if n_classes == 2 else "softmax")


@pytest.mark.parametrize("n_out", [1, 3])
def test_numbers_are_learned_in_the_shape_of_y(n_out: int) -> None:
    """A flat y gives flat predictions, a matrix a matrix."""
    X, Y = numbers(n_out)
    model = MLPRegressor(**QUICK | {"max_iter": 300, "learning_rate_init": 0.05}).fit(X, Y)

    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.9 > model.score(X, np.roll(Y, 1, axis=0))
    assert model.n_outputs_ == n_out


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_float32_stays_float32(dtype: str) -> None:
    """Weights, probabilities, predictions and hidden outputs; everything else is float64."""
    expected = "float32" if dtype == "float32" else "float64"
    X, y = classes()
    X = (2 * X).astype(dtype)
    classifier, regressor = MLPClassifier(**QUICK).fit(X, y), MLPRegressor(**QUICK).fit(X, X[:, 0] / 2)

    made = [classifier.predict_proba(X), classifier.transform(X), regressor.predict(X)]
    assert {a.dtype.name for a in (*made, *classifier.coefs_, *regressor.intercepts_)} == {expected}


def test_the_attributes_are_scikit_learns() -> None:
    """Their shapes and meanings, with which the prediction can be computed by hand."""
    X, y = classes()
    model = MLPClassifier(**QUICK | {"activation": "tanh"}).fit(X, y)

    assert [w.shape for w in model.coefs_] == [(6, 8), (8, 3)]
    assert [b.shape for b in model.intercepts_] == [(8,), (3,)]
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_) == (3, 3, 6)
    assert (model.n_iter_, len(model.loss_curve_), model.t_) == (15, 15, 15 * 90)
    assert model.loss_ == model.loss_curve_[-1] >= min(model.loss_curve_) == model.best_loss_
    assert (model.validation_scores_, model.validation_loss_curve_, model.best_validation_score_) == (
        None,
    ) * 3
    shares = model.predict_proba(X)
    assert_near(layers(model, X, ["tanh", "softmax"])[-1], shares, NEAR)
    with pytest.raises(AssertionError, match="differ"):  # by another network
        assert_near(layers(model, X, ["relu", "softmax"])[-1], shares, NEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_views_that_can_be_set(kind: Any) -> None:
    """Writing into `coefs_` or assigning to it changes the prediction; arrays assigned are copied."""
    X, y = data_for(kind)
    model, other = (kind(**QUICK | {"random_state": seed}).fit(X, y) for seed in (0, 1))
    before, expected = model.predict(X), other.predict(X)

    assert not np.array_equal(before, expected)
    model.intercepts_[-1][0] += 100.0
    assert (model.predict(X) != before).any()
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    np.testing.assert_array_equal(model.predict(X), expected)
    other.coefs_[0][...] = 0
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(ValueError, match="arrays of this network's shapes"):
        model.coefs_ = [np.zeros((2, 7)), model.coefs_[1]]
    with pytest.raises(ValueError, match="shorter"):
        model.coefs_ = model.coefs_[:1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_the_same_random_state_gives_the_same_bits(kind: Any, solver: str) -> None:
    """On one thread and two, again and again; other states, and None, give other bits."""
    X, y = data_for(kind)

    def fit(**how: Any) -> Any:
        return kind(**QUICK | {"solver": solver, "max_iter": 5} | how).fit(X, y)

    first = fit()
    for again in (fit(), fit(n_threads=2), fit(random_state=np.int64(0))):
        assert same_weights(first, again)
    assert not same_weights(first, fit(random_state=1))
    assert not same_weights(fit(random_state=None), fit(random_state=None))
    state = np.random.RandomState(7)
    assert not same_weights(fit(random_state=state), fit(random_state=state))
    assert same_weights(fit(random_state=np.random.RandomState(7)), fit(random_state=7))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_both_engines_agree(kind: Any, solver: str) -> None:
    """The compiled engine trains the readable one's weights, up to rounding; another seed gives others."""
    X, y = data_for(kind)
    how = QUICK | {"solver": solver}
    native, readable = (kind(**how, engine=engine).fit(X, y) for engine in ("native", "reference"))

    # some hundred steps, each of which passes on the roundings of those before it
    assert_near(theta_of(native), theta_of(readable), 1e-8)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(theta_of(kind(**how | {"random_state": 1}).fit(X, y)), theta_of(readable), 1e-8)
    engines = [
        m._memory.engine(m.engine, None).info.engine for m in (native, readable, kind(**how).fit(X, y))
    ]
    assert engines == ["native", "reference", engine_named("auto").info.engine]


@pytest.mark.parametrize("kind", KINDS)
def test_layout_and_storage_of_the_inputs_do_not_matter(kind: Any, tmp_path: Path) -> None:
    """Fortran order, read-only, memory-mapped, strided, lists: the same bits; the inputs stay as they are."""
    X, y = data_for(kind)
    expected = kind(**QUICK).fit(X, y)
    np.save(tmp_path / "X.npy", X)
    read_only = X.copy()
    read_only.setflags(write=False)
    strided = np.repeat(X, 2, axis=1)[:, ::2]
    others = [
        np.asfortranarray(X),
        read_only,
        np.load(tmp_path / "X.npy", mmap_mode="r"),
        strided,
        X.tolist(),
    ]

    for other in others:
        model = kind(**QUICK).fit(other, y)
        assert same_weights(model, expected)
        np.testing.assert_array_equal(model.predict(other), expected.predict(X))
        np.testing.assert_array_equal(np.asarray(other), X)
    assert not same_weights(kind(**QUICK).fit(X[:, ::-1], y), expected)


def test_every_parameter_reaches_the_training() -> None:
    """Network and plan are what the parameters say."""
    X, y = classes()

    def trained(kind: Any = MLPClassifier, **how: Any) -> Any:
        return kind(**QUICK | {"max_iter": 3} | how).fit(X, y)

    model = trained(
        hidden_layer_sizes=(7, 5), activation=("tanh", "relu"), solver="sgd", alpha=0.3, batch_size=17,
        learning_rate_init=Cosine(0.1), max_iter=4, shuffle=False, tol=0.0, momentum=0.5,
        nesterovs_momentum=False, n_iter_no_change=33, weight_decay=0.2, clip_norm=3, average=0.5,
        dropout=(0.1, 0.0), engine="reference",
    )  # fmt: skip
    plan, rule = model.plan_, model.plan_.rule
    assert model.network_.layers == (6, 7, 5, 3)
    assert model.network_.activation == ("tanh", "relu", "softmax")
    assert (rule.name, rule.learning_rate, rule.momentum) == ("momentum", Cosine(0.1), 0.5)
    assert (plan.l2, plan.batch_size, plan.epochs, plan.order) == (0.3, 17, 4, "sequential")
    assert (plan.patience, plan.min_improvement) == (34, 0.0)  # scikit-learn's stops after one more
    assert (plan.weight_decay, plan.clip, plan.average, plan.dropout) == (0.2, 3, 0.5, (0.1, 0.0))
    assert trained(n_iter_no_change=np.inf).plan_.patience is None
    assert [trained(solver="sgd", momentum=m).plan_.rule.name for m in (0.5, 0)] == [
        "nesterov",
        "gradient_descent",
    ]
    adam = trained(beta_1=0.8, beta_2=0.9, epsilon=0.1).plan_.rule
    assert (adam.name, adam.beta_1, adam.beta_2, adam.epsilon) == ("adam", 0.8, 0.9, 0.1)
    assert [trained(hidden_layer_sizes=h).network_.layers for h in (5, ())] == [(6, 5, 3), (6, 3)]
    assert trained(MLPRegressor, loss="huber", huber_delta=0.7).network_.loss.parameter == 0.7


def test_nothing_is_predicted_before_fitting() -> None:
    """NotFittedError, as everywhere in scikit-learn; there are no weights to read either."""
    for call in ("predict", "predict_proba", "predict_log_proba", "transform"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), call)([[1.0]])
    with pytest.raises(NotFittedError):
        MLPRegressor().predict([[1.0]])
    assert not hasattr(MLPClassifier(), "coefs_")


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_training_that_has_not_converged_warns_at_the_callers_line(solver: str) -> None:
    """scikit-learn's own warning, so that its filters work; silent where the training ended by itself."""
    X, y = classes()
    words = "failed to converge after 15" if solver == "lbfgs" else r"Maximum iterations \(15\) reached"
    with pytest.warns(ConvergenceWarning, match=words) as caught:
        MLPClassifier(**QUICK, solver=solver).fit(X, y)
    assert Path(caught[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(**QUICK | {"max_iter": 5000}, solver=solver, tol=0.1, n_iter_no_change=2).fit(X, y)

"""Inputs with gaps, sparse inputs, and hidden layers as features."""

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from by_hand import NEAR, QUICK, classes, layers, numbers, real, same_weights
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from comparisons import assert_near
from schuss import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]


def data_for(kind: Any) -> tuple[Any, Any]:
    return classes() if kind is MLPClassifier else numbers()


def with_gaps(X: Any) -> Any:
    """Return a copy with gaps in its columns 0 and 2."""
    X = X.copy()
    X[::7, 0], X[3::11, 2] = np.nan, np.nan
    return X


def filled(X: Any, trained_on: Any, marked: list[int]) -> Any:
    """Fill gaps by the columns' means in `trained_on`, and add a column of 0 and 1 for each of `marked`."""
    full = np.where(np.isnan(X), np.nanmean(trained_on, axis=0), X)
    return np.hstack([full, np.isnan(X)[:, marked].astype(float)])


@pytest.mark.parametrize("kind", KINDS)
def test_gaps_are_filled_by_the_mean_and_marked(kind: Any) -> None:
    """The weights are those of a network that is given filled inputs and a mark for each column with gaps."""
    X, y = data_for(kind)
    gappy = with_gaps(X)
    model = kind(**QUICK, allow_nan=True).fit(gappy, y)
    by_hand = kind(**QUICK).fit(filled(gappy, gappy, [0, 2]), y)

    assert same_weights(model, by_hand)
    assert (model.n_features_in_, model.coefs_[0].shape[0]) == (X.shape[1], X.shape[1] + 2)
    np.testing.assert_array_equal(model.predict(gappy), by_hand.predict(filled(gappy, gappy, [0, 2])))
    twin = np.hstack([np.nan_to_num(gappy, nan=0.5), filled(gappy, gappy, [0, 2])[:, X.shape[1] :]])
    assert not same_weights(model, kind(**QUICK).fit(twin, y))


@pytest.mark.parametrize("kind", KINDS)
def test_new_gaps_are_filled_by_the_means_of_the_training(kind: Any) -> None:
    """At predict, in `partial_fit`, in data to judge by; a column that had none in training gets no mark."""
    X, y = data_for(kind)
    gappy, new = with_gaps(X), X[::-1].copy()
    new[:, 1] = np.nan
    judge = {"X_val": new, "y_val": y}
    model = kind(**QUICK, allow_nan=True).fit(gappy, y, **judge)
    full = filled(new, gappy, [0, 2])
    by_hand = kind(**QUICK).fit(filled(gappy, gappy, [0, 2]), y, X_val=full, y_val=y)

    assert model.validation_loss_curve_ == by_hand.validation_loss_curve_
    np.testing.assert_array_equal(model.predict(new), by_hand.predict(full))
    assert same_weights(model.partial_fit(new, y), by_hand.partial_fit(full, y))
    assert not np.array_equal(model.transform(new), by_hand.transform(filled(X, gappy, [0, 2])))
    bad = new.copy()
    bad[0, 0] = np.inf
    for call in (model.predict, lambda X: model.fit(X, y)):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            call(bad)


def test_allowing_gaps_where_there_are_none_changes_nothing() -> None:
    """And a column of nothing but gaps is filled with zeros, so that its mark speaks for it."""
    X, y = numbers()
    assert same_weights(MLPRegressor(**QUICK, allow_nan=True).fit(X, y), MLPRegressor(**QUICK).fit(X, y))
    X[:, 3] = np.nan
    zeros = np.hstack([np.nan_to_num(X), np.isnan(X)[:, [3]]])
    assert same_weights(MLPRegressor(**QUICK, allow_nan=True).fit(X, y), MLPRegressor(**QUICK).fit(zeros, y))
    assert MLPRegressor(allow_nan=True).__sklearn_tags__().input_tags.allow_nan
    assert not MLPRegressor().__sklearn_tags__().input_tags.allow_nan


@pytest.mark.parametrize("form", ["csr_array", "csc_array", "csr_matrix", "csc_matrix"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_sparse_inputs_are_the_same_numbers(form: str, solver: str) -> None:
    """Training, judging, predicting and hidden outputs agree with the dense inputs', up to rounding."""
    X, y = (values[:300] for values in real("digits"))
    X = np.where(np.abs(X) > 1, X, 0)
    sparse = getattr(scipy.sparse, form)(X)
    how = {**QUICK, "solver": solver, "batch_size": 64, "max_iter": 5, "learning_rate_init": 0.01}
    stochastic = solver != "lbfgs"

    def fit(inputs: Any, **more: Any) -> Any:
        judge = {"X_val": inputs[::2], "y_val": y[::2]} if stochastic else {}
        model = MLPClassifier(**{**how, **more}).fit(inputs, y, **judge)
        return model.partial_fit(inputs, y) if stochastic else model

    dense, thin, twin = fit(X), fit(sparse), fit(X, alpha=0.01)
    # sums in another order, passed on through 30 steps
    assert_near(thin.predict_proba(sparse), dense.predict_proba(X), 1e-9)
    assert_near(thin.predict_proba(X), dense.predict_proba(X), 1e-9)
    assert_near(thin.transform(sparse), dense.transform(X), 1e-9)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(twin.predict_proba(X), dense.predict_proba(X), 1e-9)
    if stochastic:
        assert_near(np.array(thin.validation_loss_curve_), np.array(dense.validation_loss_curve_), 1e-9)


def test_sparse_inputs_are_never_made_dense() -> None:
    """Fifty thousand columns, 400 MB if dense, are learned in a fraction of that."""
    n, columns = 1000, 50_000
    rng = np.random.default_rng(0)
    places = rng.integers(0, columns, (n, 5))
    X = scipy.sparse.csr_array((np.ones(5 * n), (np.repeat(np.arange(n), 5), places.ravel())), (n, columns))
    y = (places < columns // 2).sum(axis=1) > 2
    tracemalloc.start()
    model = MLPClassifier((2,), max_iter=1, batch_size=500, random_state=0).fit(X, y)
    model.predict_proba(X)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 60e6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [-3, -2, -1, 0, 1, 2])
def test_transform_returns_a_hidden_layers_outputs(kind: Any, layer: int) -> None:
    """Of the layer that is asked for, counted from either end: those computed by hand."""
    X, y = data_for(kind)
    how = {**QUICK, "hidden_layer_sizes": (7, 5, 3), "activation": ("tanh", "relu", "silu")}
    model = kind(**how, transform_layer=layer).fit(X, y)
    hidden = layers(model, X, ["tanh", "relu", "silu", "identity"])[:3]

    assert_near(model.transform(X), hidden[layer], NEAR)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(
            model.transform(X), layers(model, X, ["relu", "tanh", "silu", "identity"])[:3][layer], NEAR
        )
    prefix = kind.__name__.lower()
    assert model.get_feature_names_out().tolist() == [f"{prefix}{k}" for k in range((7, 5, 3)[layer])]
    assert kind(**how, transform_layer=layer).fit_transform(X, y).shape == hidden[layer].shape


def test_hidden_outputs_come_as_a_frame_where_that_is_set() -> None:
    """With the names of the columns and the rows' own index."""
    X, y = classes()
    frame = pd.DataFrame(X, columns=[*"abcdef"], index=range(100, 190))
    model = MLPClassifier(**QUICK).set_output(transform="pandas").fit(frame, y)
    hidden = model.transform(frame)

    assert hidden.columns.tolist() == model.get_feature_names_out().tolist()
    assert hidden.index.tolist() == frame.index.tolist()
    np.testing.assert_array_equal(hidden.to_numpy(), MLPClassifier(**QUICK).fit(X, y).transform(X))


def test_a_hidden_layer_feeds_another_model() -> None:
    """In a pipeline, as any transformer does, and it has learned something that random features have not."""
    X, y = real("digits")
    seen, unseen = slice(0, None, 2), slice(1, None, 2)

    def score(epochs: int) -> float:
        network = MLPClassifier((6,), max_iter=epochs, learning_rate_init=0.01, random_state=0)
        pipeline = make_pipeline(StandardScaler(), network, LogisticRegression(max_iter=1000))
        return float(pipeline.fit(X[seen], y[seen]).score(X[unseen], y[unseen]))

    assert score(60) > 0.8 > score(0) + 0.1

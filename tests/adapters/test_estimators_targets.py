"""Every form of targets: one class or two, several columns of classes, labels, words, y of shape (n, 1)."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from by_hand import (
    NEAR,
    QUICK,
    classes,
    labels,
    layers,
    mean_loss,
    numbers,
    one_hot,
    real,
    run_of,
    same_weights,
    theta_of,
)
from sklearn.exceptions import DataConversionWarning

from comparisons import assert_near
from schuss import MLPClassifier, MLPRegressor, Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IN_ORDER: dict[str, Any] = {**QUICK, "shuffle": False, "n_iter_no_change": np.inf}


def two_questions() -> tuple[Any, Any]:
    """Return wine with two columns of classes: cultivar, and the terciles of its colour, left out of X."""
    X, y = real("wine")
    colour = 9
    terciles = np.digitize(X[:, colour], np.quantile(X[:, colour], [1 / 3, 2 / 3]))
    return np.delete(X, colour, axis=1), np.column_stack([y, 10 + 5 * terciles])


def test_each_column_of_classes_is_learned_as_well_as_alone() -> None:
    """Two questions with three answers each in one network, against a network for each, on rows not seen.

    Of 89 rows a score wanders by √(p(1−p)/89) < 0.05; an answer at random loses 0.3 and more.
    """
    X, Y = two_questions()
    seen, unseen = slice(0, None, 2), slice(1, None, 2)
    how = {**QUICK, "max_iter": 200, "hidden_layer_sizes": (20,)}
    together = MLPClassifier(**how).fit(X[seen], Y[seen])
    found = together.predict(X[unseen])

    assert found.shape == (89, 2)
    assert [c.tolist() for c in together.classes_] == [[0, 1, 2], [10, 15, 20]]
    for k in range(2):
        alone = MLPClassifier(**how).fit(X[seen], Y[seen, k]).score(X[unseen], Y[unseen, k])
        assert (found[:, k] == Y[unseen, k]).mean() > alone - 0.1
        assert (found[:, k] == np.roll(Y[unseen, k], 30)).mean() < alone - 0.1


def test_several_columns_have_a_softmax_and_a_cross_entropy_each() -> None:
    """Probabilities come as a list, each adding up to one; the loss is the sum of the columns', by hand."""
    X, Y = two_questions()
    T = [one_hot(Y[:, 0], 3), one_hot((Y[:, 1] - 10) // 5, 3)]
    model = MLPClassifier(**IN_ORDER | {"max_iter": 1, "batch_size": len(X), "alpha": 0})
    first = model.set_params(max_iter=0).fit(X, Y).predict_proba(X)
    told = model.set_params(max_iter=1).fit(X, Y).loss_curve_
    by_hand = [mean_loss("log_loss", y, t) for y, t in zip(first, T, strict=True)]

    assert_near(np.array(told), np.array([sum(by_hand)]), NEAR)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(np.array(told), np.array([by_hand[0]]), NEAR)
    x = layers(model, X, ["relu", "identity"])[-1]
    shares = model.predict_proba(X)
    for k, part in enumerate(shares):
        e = np.exp(x[:, 3 * k : 3 * k + 3])
        assert_near(part, e / e.sum(axis=1, keepdims=True), NEAR)
        np.testing.assert_array_equal(model.predict(X)[:, k], model.classes_[k][part.argmax(axis=1)])
    np.testing.assert_array_equal(model.predict_log_proba(X)[1], np.log(shares[1]))
    assert model.n_outputs_ == 6


@pytest.mark.parametrize("how", [{}, {"label_smoothing": 0.1}], ids=str)
def test_several_columns_are_groups_of_outputs(how: dict[str, Any]) -> None:
    """The network is that of `train` with two groups, to the last bit; smoothing spreads within a column."""
    X, Y = two_questions()
    T = np.hstack([one_hot(Y[:, 0], 3), one_hot((Y[:, 1] - 10) // 5, 3)])
    model = MLPClassifier(**IN_ORDER, **how).fit(X, Y)
    T = 0.9 * T + 0.1 / 3 if how else T

    def run(groups: Any) -> Any:
        network = Network([12, 8, 6], ["relu", "softmax"], "cross_entropy", groups=groups)
        return run_of(model, X, Y, T if groups else T / 2, network)

    np.testing.assert_array_equal(theta_of(model), run([3, 3]).theta)
    assert not np.array_equal(theta_of(model), run(None).theta)


def test_several_columns_of_words_are_told_in_words() -> None:
    """Each column in its own labels; they go on in `partial_fit`, are judged meanwhile, and can be focal."""
    X, Y = two_questions()
    words = np.column_stack([np.array(["Barolo", "Grignolino", "Barbera"])[Y[:, 0]], Y[:, 1].astype(str)])
    how = {**QUICK, "max_iter": 100, "learning_rate_init": 0.02, "n_iter_no_change": 100}
    model = MLPClassifier(**how, loss="focal").fit(X, words, X_val=X, y_val=words)

    assert set(model.predict(X)[:, 0]) == {"Barolo", "Grignolino", "Barbera"}
    assert (model.predict(X) == words).mean() > 0.9
    right = (model.predict(X) == words).mean()  # column by column
    assert model.validation_scores_[-1] == pytest.approx(right)
    assert model.partial_fit(X, words).loss_ < model.loss_curve_[0] / 2


@pytest.mark.parametrize("sparse", [False, True])
def test_labels_are_learned_side_by_side(sparse: bool) -> None:
    """A logistic output each: the network of `train` to the last bit, and predictions of 0 and 1."""
    X, Y = labels()
    model = MLPClassifier(**IN_ORDER).fit(X, scipy.sparse.csr_array(Y) if sparse else Y)
    network = Network([6, 8, 3], ["relu", "logistic"], "binary_cross_entropy")

    np.testing.assert_array_equal(theta_of(model), run_of(model, X, Y, Y, network).theta)
    assert not np.array_equal(theta_of(model), run_of(model, X, Y, 1 - Y, network).theta)
    shares = model.predict_proba(X)
    assert shares.shape == (90, 3)
    np.testing.assert_array_equal(_dense(model.predict(X)), (shares > 0.5).astype(int))
    assert model.classes_.tolist() == [0, 1, 2]


def _dense(Y: Any) -> Any:
    return Y.toarray() if scipy.sparse.issparse(Y) else Y


def test_labels_can_begin_with_partial_fit() -> None:
    """As many calls in order are as many epochs of a fit."""
    X, Y = labels()
    whole = MLPClassifier(**IN_ORDER | {"max_iter": 3}, batch_size=30).fit(X, Y)
    parts = MLPClassifier(**IN_ORDER, batch_size=30)
    for _ in range(3):
        assert not same_weights(parts, whole) if hasattr(parts, "coefs_") else True
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    assert same_weights(parts, whole)


@pytest.mark.parametrize("label", [1, "only", True])
def test_one_class_alone_is_always_predicted(label: Any) -> None:
    """As in scikit-learn: its own estimator trains the same weights and says the same."""
    X, _ = classes()
    y = np.full(90, label)
    ours, theirs = (
        kind(**QUICK | {"max_iter": 100}).fit(X, y)
        for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier)
    )
    assert ours.classes_.tolist() == [label]
    np.testing.assert_array_equal(ours.predict(X), y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_near(ours.predict_proba(X), theirs.predict_proba(X), 1e-8)  # of a hundred steps


TOLD: dict[str, Any] = {
    "words": np.array(["low", "mid", "top"]),
    "objects": np.array(["low", "mid", "top"], dtype=object),
    "numbers below zero": np.array([-7, 0, 3]),
    "floats": np.array([1.0, 2.0, 5.0]),
    "small integers": np.array([1, 2, 200], dtype=np.uint8),
}


@pytest.mark.parametrize("names", TOLD)
def test_classes_are_returned_as_they_were_given(names: str) -> None:
    """The dtype included; what they are called does not change the weights, but their order does."""
    X, y = classes()
    named = TOLD[names][y]
    model, plain = MLPClassifier(**QUICK).fit(X, named), MLPClassifier(**QUICK).fit(X, y)

    assert same_weights(model, plain)
    assert not same_weights(model, MLPClassifier(**QUICK).fit(X, 2 - y))
    assert model.predict(X).dtype == model.classes_.dtype == named.dtype
    np.testing.assert_array_equal(model.predict(X), TOLD[names][plain.predict(X)])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_single_column_is_taken_as_flat(kind: Any) -> None:
    """With scikit-learn's warning; weights and predictions are those of the flat y."""
    X, y = classes(2) if kind is MLPClassifier else numbers()
    flat = kind(**QUICK).fit(X, y)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        column = kind(**QUICK).fit(X, y[:, None])
    assert same_weights(flat, column)
    np.testing.assert_array_equal(flat.predict(X), column.predict(X))
    assert not same_weights(flat, kind(**QUICK).fit(X, np.roll(y, 1)))


def test_several_numbers_are_the_network_of_train() -> None:
    """One linear output each; the loss told is scikit-learn's mean over them, the gradient their sum's."""
    X, Y = numbers(3)
    model = MLPRegressor(**IN_ORDER).fit(X, Y)
    network = Network([4, 8, 3], ["relu", "identity"], "squared_error")
    right, twin = (run_of(model, X, Y, Y, network, as_scikit_learn=told) for told in (True, False))

    np.testing.assert_array_equal(theta_of(model), right.theta)
    np.testing.assert_array_equal(theta_of(model), twin.theta)
    assert model.loss_curve_ == right.loss.tolist()
    assert model.loss_curve_ != twin.loss.tolist()

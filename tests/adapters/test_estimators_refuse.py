"""What the estimators refuse, in scikit-learn's words where it has some, and under its names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schuss import DataError, DivergenceError, MLPClassifier, MLPRegressor, SchussWarning, SettingError
from schuss.adapters.estimators import fitting
from schuss.training.loop import train

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).standard_normal((30, 3))
Y = np.arange(30) % 2
KINDS = [MLPClassifier, MLPRegressor]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("when", ["fit", "predict"])
def test_nan_and_infinity_are_refused(kind: Any, bad: float, when: str) -> None:
    """At fitting and at predicting."""
    wrong = X.copy()
    wrong[3, 1] = bad
    model = kind(max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        model.fit(wrong, Y) if when == "fit" else model.predict(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_that_do_not_fit_are_refused(kind: Any) -> None:
    """Another number of features, of rows, no rows, one dimension."""
    model = kind(max_iter=2).fit(X, Y)
    for wrong in (X[:, :2], np.hstack([X, X])):
        with pytest.raises(ValueError, match=r"X has \d features, but .* is expecting 3"):
            model.predict(wrong)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        kind().fit(X, Y[:-1])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        kind().fit(X[:0], Y[:0])
    with pytest.raises(ValueError, match="Expected 2D array"):
        kind().fit(X[:, 0], Y)


@pytest.mark.parametrize("label", [1, "only"])
def test_one_class_is_refused(label: Any) -> None:
    """There is nothing to tell apart."""
    with pytest.raises(DataError, match="at least two classes; it holds only"):
        MLPClassifier().fit(X, np.full(30, label))


def test_numbers_are_no_classes_and_words_no_numbers() -> None:
    """Each estimator wants its own kind of y."""
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="could not convert"):
        MLPRegressor().fit(X, np.array(["a", "b"])[Y])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            MLPRegressor().fit(X, np.where(Y == 1, bad, 0.0))


BAD = [
    ({"hidden_layer_sizes": (0,)}, r"hidden_layer_sizes\[0\] must be an integer of at least 1; got 0"),
    ({"hidden_layer_sizes": -3}, r"hidden_layer_sizes\[0\] must be .* got -3"),
    ({"hidden_layer_sizes": (4, 2.5)}, r"hidden_layer_sizes\[1\] must be .* got 2.5"),
    ({"hidden_layer_sizes": None}, "hidden_layer_sizes must be an integer or a sequence"),
    ({"hidden_layer_sizes": "100"}, "hidden_layer_sizes must be an integer or a sequence"),
    ({"activation": "rely"}, "activation must be one of .*did you mean 'relu'"),
    ({"activation": ("relu", "relu")}, "one for each of 1 hidden layers"),
    ({"activation": None}, "activation must be one name"),
    ({"solver": "adam"}, "solver must be one of sgd; got 'adam'"),
    ({"alpha": -1}, "alpha must lie in"),
    ({"batch_size": 0}, "batch_size must be an integer of at least 1; got 0"),
    ({"batch_size": "all"}, "batch_size must be an integer"),
    ({"learning_rate_init": 0}, "learning_rate_init must lie in"),
    ({"learning_rate_init": "fast"}, "learning_rate_init must be a number"),
    ({"max_iter": 0}, "max_iter must be an integer of at least 1; got 0"),
    ({"max_iter": 1.5}, "max_iter must be an integer"),
    ({"random_state": -1}, "random_state must be an integer of at least 0"),
    ({"random_state": 2**70}, "random_state"),
    ({"tol": -1e-3}, "tol must lie in"),
    ({"momentum": 1.5}, r"momentum must lie in \[0, 1\]; got 1.5"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer of at least 1"),
    ({"engine": "nativ"}, "engine must be one of .*did you mean 'native'"),
    ({"n_threads": 0}, "n_threads must be an integer of at least 1; got 0"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("bad", "sentence"), BAD, ids=[str(bad) for bad, _ in BAD])
def test_bad_parameters_are_named_as_the_user_knows_them(kind: Any, bad: Any, sentence: str) -> None:
    """The constructor stores, `fit` refuses; a SettingError is a ValueError."""
    model = kind(**bad)
    with pytest.raises(SettingError, match=sentence):
        model.fit(X, Y)
    assert issubclass(SettingError, ValueError)


def test_losses_for_classes_are_not_for_numbers() -> None:
    """The regressor offers its own losses; counts below zero are no counts."""
    with pytest.raises(SettingError, match="loss must be one of squared_error"):
        MLPRegressor("cross_entropy").fit(X, Y)
    with pytest.raises(SettingError, match="did you mean 'huber'"):
        MLPRegressor("hubert").fit(X, Y)
    with pytest.raises(DataError, match=r"reaches only \[0, inf\]"):
        MLPRegressor("poisson").fit(X, X[:, 0])


def test_a_batch_larger_than_the_data_warns() -> None:
    """And trains on batches of all samples; "auto" is silent."""
    with pytest.warns(SchussWarning, match="batch_size=500 is larger than the data"):
        model = MLPClassifier(batch_size=500, max_iter=2).fit(X, Y)
    assert model.run_.plan.batch_size == 30


@pytest.mark.parametrize("kind", KINDS)
def test_divergence_is_an_error(kind: Any) -> None:
    """Never a model of NaN; what was fitted before is not half replaced."""
    model = kind(learning_rate_init=1e300, max_iter=50)
    with (
        pytest.warns(SchussWarning, match="far from standardised"),
        pytest.raises(DivergenceError, match="training diverged"),
    ):
        model.fit(X * 100, Y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_far_from_standardised_are_warned_of(kind: Any) -> None:
    """The warning names the column, and standardised inputs give none."""
    model, large = kind(learning_rate_init=1e-9, max_iter=20, tol=1.0), X.copy()
    large[:, 1] *= 1e3
    with pytest.warns(SchussWarning, match="column 1 has root mean square"):
        model.fit(large, Y)
    model.fit(X, Y)  # warnings are errors here


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_keeps_what_was_learned(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in scikit-learn: a warning at the caller's line, and a model that predicts."""

    def interrupt(epoch: Any) -> None:
        if epoch.number == 4:
            raise KeyboardInterrupt

    def interrupted(*args: Any, **how: Any) -> Any:
        return train(*args, **how, callbacks=[interrupt])

    monkeypatch.setattr(fitting, "train", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        model = kind(max_iter=50, random_state=0).fit(X, Y)
    monkeypatch.undo()

    assert Path(caught[0].filename) == Path(__file__)
    assert (model.n_iter_, model.run_.stopped) == (4, "interrupted")
    whole = kind(max_iter=4, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), whole.predict(X))

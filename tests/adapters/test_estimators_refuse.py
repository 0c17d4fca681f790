"""What the estimators refuse: scikit-learn's parameters in its words, ours in ours, all as ValueErrors.

What ends a training before its time, divergence and Ctrl-C, stands in test_estimators_ends.py.
"""

import re
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
import sklearn.neural_network
from by_hand import QUICK
from sklearn.exceptions import NotFittedError

from schuss import DataError, MLPClassifier, MLPRegressor, SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).standard_normal((30, 3))
Y = np.arange(30) % 2
LABELS = np.column_stack([Y, 1 - Y, Y])
KINDS = [MLPClassifier, MLPRegressor]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("when", ["fit", "partial_fit", "predict", "validation"])
def test_nan_and_infinity_are_refused(kind: Any, bad: float, when: str) -> None:
    """At fitting, at each further step, at predicting, and in the data to judge by."""
    wrong = X.copy()
    wrong[3, 1] = bad
    model = kind(max_iter=2).fit(X, Y)
    calls = {
        "fit": lambda: model.fit(wrong, Y),
        "partial_fit": lambda: model.partial_fit(wrong[3:4], Y[3:4]),
        "predict": lambda: model.predict(wrong),
        "validation": lambda: model.fit(X, Y, X_val=wrong, y_val=Y),
    }
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        calls[when]()


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_that_do_not_fit_are_refused(kind: Any) -> None:
    """Another number of features, of rows, no rows, one dimension."""
    model = kind(max_iter=2).fit(X, Y)
    for wrong in (X[:, :2], np.hstack([X, X])):
        for call in (model.predict, model.transform, lambda wrong: model.partial_fit(wrong, Y)):
            with pytest.raises(ValueError, match=r"X has \d features, but .* is expecting 3"):
                call(wrong)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        kind().fit(X, Y[:-1])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        kind().fit(X[:0], Y[:0])
    with pytest.raises(ValueError, match="Expected 2D array"):
        kind().fit(X[:, 0], Y)


def test_numbers_are_no_classes_and_words_no_numbers() -> None:
    """Each estimator wants its own kind of y."""
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="could not convert"):
        MLPRegressor().fit(X, np.array(["a", "b"])[Y])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            MLPRegressor().fit(X, np.where(Y == 1, bad, 0.0))


# scikit-learn's own parameters, whose values both refuse for the same reason
THEIRS: list[dict[str, Any]] = [
    {"alpha": -1}, {"alpha": None}, {"batch_size": 0}, {"batch_size": "all"}, {"solver": "adagrad"},
    {"learning_rate": "fast"}, {"power_t": -1}, {"shuffle": 2}, {"random_state": -1}, {"tol": -1e-3},
    {"warm_start": "yes"}, {"nesterovs_momentum": "yes"}, {"early_stopping": 2}, {"validation_fraction": 1},
    {"beta_1": 1}, {"beta_2": -0.1}, {"epsilon": 0}, {"n_iter_no_change": 0}, {"n_iter_no_change": 1.5},
    {"max_fun": 0},
]  # fmt: skip


def words(error: BaseException) -> list[str]:
    """Return a message's words; the names it lists come in the order of a set, another in each process."""
    return sorted(re.findall(r"[\w.]+", str(error)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", THEIRS, ids=str)
def test_a_bad_parameter_of_scikit_learns_is_refused_in_its_words(kind: Any, bad: dict[str, Any]) -> None:
    """The constructor stores; `fit` and a first `partial_fit` raise what scikit-learn's estimator raises."""
    with pytest.raises(ValueError, match="parameter of MLP") as theirs:
        getattr(sklearn.neural_network, kind.__name__)(**bad).fit(X, Y)
    first = {"classes": [0, 1]} if kind is MLPClassifier else {}
    stochastic = "solver" not in bad  # any other hides partial_fit
    for call in (kind(**bad).fit, *([kind(**bad).partial_fit] if stochastic else [])):
        with pytest.raises(type(theirs.value)) as ours:
            call(X, Y, **(first if call.__name__ == "partial_fit" else {}))
        assert words(ours.value) == words(theirs.value)


# What may be more than in scikit-learn, and what is ours alone
WIDER: list[tuple[dict[str, Any], str]] = [
    ({"hidden_layer_sizes": (4, 0)}, r"hidden_layer_sizes must be > 0, got \[4, 0\]"),
    ({"hidden_layer_sizes": (10.7,)}, r"hidden_layer_sizes must be whole numbers, got \[10.7\]"),
    ({"hidden_layer_sizes": ("a",)}, r"hidden_layer_sizes must be whole numbers, got \['a'\]"),
    ({"hidden_layer_sizes": ((3, 4),)}, r"hidden_layer_sizes must be whole numbers, got \[\(3, 4\)\]"),
    ({"hidden_layer_sizes": "100"}, "The 'hidden_layer_sizes' parameter of MLP.* must be"),
    ({"activation": "rely"}, "The 'activation' parameter of MLP.* Got 'rely' instead"),
    ({"activation": "softmax"}, "The 'activation' parameter of MLP.* Got 'softmax' instead"),
    ({"activation": ("relu", "rely")}, "activation must be one name, or one for each of 1 hidden layers"),
    ({"activation": ("rely",)}, "activation must be one of .*did you mean 'relu'"),
    ({"activation": ("softmax",)}, "activation must be one of .* got 'softmax'"),
    ({"learning_rate_init": 0}, "The 'learning_rate_init' parameter of MLP.* must be"),
    ({"learning_rate_init": "fast"}, "The 'learning_rate_init' parameter of MLP.* must be .*'.*Cosine'"),
    ({"momentum": 1.5}, "The 'momentum' parameter of MLP.* must be"),
    ({"max_iter": -1}, r"The 'max_iter' parameter of MLP.* in the range \[0, inf\). Got -1"),
    ({"dropout": 1.0}, r"The 'dropout' parameter of MLP.* in the range \[0.0, 1.0\)"),
    (
        {"dropout": (0.1, 0.2)},
        r"dropout must be one number, or one for each of 1 hidden layers; got \(0.1, 0.2\)",
    ),
    ({"dropout": (1.5,)}, r"dropout must lie in \[0, 1\); got 1.5"),
    ({"weight_decay": -1}, "The 'weight_decay' parameter of MLP.* must be"),
    ({"clip_norm": 0}, "The 'clip_norm' parameter of MLP.* must be"),
    ({"average": 1}, "The 'average' parameter of MLP.* must be"),
    ({"allow_nan": "yes"}, "The 'allow_nan' parameter of MLP.* must be"),
    ({"transform_layer": 0.5}, "The 'transform_layer' parameter of MLP.* must be"),
    ({"preset": "images"}, "The 'preset' parameter of MLP.* must be a str among {'tabular'} or None"),
    ({"engine": "nativ"}, "The 'engine' parameter of MLP.* Got 'nativ' instead"),
    ({"n_threads": 0}, "The 'n_threads' parameter of MLP.* must be"),
    ({"record": 3}, "The 'record' parameter of MLP.* must be"),
]
OF_CLASSES: list[tuple[dict[str, Any], str]] = [
    ({"loss": "hinge"}, "The 'loss' parameter of MLPClassifier .* Got 'hinge' instead"),
    ({"focal_gamma": 0}, "The 'focal_gamma' parameter of MLPClassifier must be"),
    ({"label_smoothing": 1}, "The 'label_smoothing' parameter of MLPClassifier must be"),
    ({"class_weight": "even"}, "The 'class_weight' parameter of MLPClassifier must be"),
    ({"class_weight": {0: -1.0}}, "weights must be at least 0; got -1"),
    ({"class_weight": {7: 1.0}}, r"The classes, \[0, 1\], are not in class_weight"),
]
OF_NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"loss": "log_loss"}, "The 'loss' parameter of MLPRegressor .* Got 'log_loss' instead"),
    ({"huber_delta": 0}, "The 'huber_delta' parameter of MLPRegressor must be"),
    ({"quantile": 1}, "The 'quantile' parameter of MLPRegressor must be"),
    ({"loss": "quantile", "quantile": (0.5, 1.0)}, r"quantile must lie in \(0, 1\); got 1"),
]
OURS = [
    *[(kind, *case) for kind in KINDS for case in WIDER],
    *[(MLPClassifier, *case) for case in OF_CLASSES],
    *[(MLPRegressor, *case) for case in OF_NUMBERS],
]


@pytest.mark.parametrize(("kind", "bad", "sentence"), OURS, ids=lambda v: v if isinstance(v, dict) else None)
def test_a_bad_parameter_of_ours_is_named_with_what_is_allowed(kind: Any, bad: Any, sentence: str) -> None:
    """The constructor stores it, `fit` refuses it with a ValueError, and nothing is fitted."""
    model = kind(**bad)
    with pytest.raises(ValueError, match=sentence):
        model.fit(X, Y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert issubclass(SettingError, ValueError)


def test_losses_and_targets_that_do_not_belong_together_are_refused() -> None:
    """The focal loss is for one class of many; counts below zero are no counts."""
    with pytest.raises(SettingError, match="loss='focal' is for one class of many; got a matrix of labels"):
        MLPClassifier(loss="focal").fit(X, LABELS)
    with pytest.raises(DataError, match=r"reaches only \[0, inf\]"):
        MLPRegressor("poisson").fit(X, X[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_the_data_to_judge_by_is_refused(kind: Any) -> None:
    """Inputs and targets come together, in the form of the training's."""
    for how in ({"X_val": X}, {"y_val": Y}):
        for call in (kind(max_iter=2).fit, kind(max_iter=2).fit(X, Y).partial_fit):
            with pytest.raises(SettingError, match="give X_val and y_val together, or neither"):
                call(X, Y, **how)
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3"):
        kind(max_iter=2).fit(X, Y, X_val=X[:, :2], y_val=Y)
    if kind is MLPClassifier:
        with pytest.raises(DataError, match=r"classes not in `self\.classes_`"):
            kind(max_iter=2).fit(X, Y, X_val=X, y_val=Y + 1)


def test_partial_fit_on_several_targets_keeps_the_classes_of_the_first_call() -> None:
    """The same list again goes on; another class in a column, or a column more, is refused and not learnt."""
    both, known = np.column_stack([Y, 2 * Y]), [[0, 1, 2], [0, 2]]
    model = MLPClassifier().partial_fit(X, both, classes=known)
    model.partial_fit(X, both, classes=known)
    for others in ([[0, 1], [0, 2]], [[0, 1, 2], [0, 2, 3]], [[0, 1, 2], [0, 2], [0, 1]]):
        with pytest.raises(ValueError, match="not the same as on last call to partial_fit"):
            model.partial_fit(X, both, classes=others)
    assert [list(column) for column in model.classes_] == known


def test_what_partial_fit_cannot_know_is_refused() -> None:
    """All classes at the first call, never others; no weights balanced on a part; data to stop early by."""
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MLPClassifier().partial_fit(X, Y)
    model = MLPClassifier().partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on last call to partial_fit"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    for rows in (1, 30):
        with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
            model.partial_fit(X[:rows], Y[:rows] + 2)
    with pytest.raises(SettingError, match="class_weight='balanced' is not known to partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(
        ValueError, match="partial_fit does not support early_stopping=True without validation"
    ):
        MLPRegressor(early_stopping=True).partial_fit(X, Y)
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        MLPRegressor(solver="lbfgs").partial_fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_start_with_another_network_is_refused(kind: Any) -> None:
    """Other sizes or other classes; the model fitted before is still there."""
    model = kind(**QUICK, warm_start=True).fit(X, Y)
    before = model.predict(X)
    with pytest.raises(
        SettingError, match=r"layers \(3, 8, 1\).* ask for \(3, 7, 1\). Fit without warm_start"
    ):
        model.set_params(hidden_layer_sizes=(7,)).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    if kind is MLPClassifier:
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
            model.set_params(hidden_layer_sizes=(8,)).fit(X, np.arange(30) % 3)


@pytest.mark.parametrize("layer", [1, -2, 7])
def test_a_layer_that_is_not_there_is_refused(layer: int) -> None:
    """By `transform` and by its names; of a network without hidden layers there is nothing to return."""
    model = MLPRegressor(**QUICK, transform_layer=layer).fit(X, Y)
    for call in (lambda: model.transform(X), model.get_feature_names_out):
        with pytest.raises(SettingError, match=rf"transform_layer must lie in \[-1, 0\].* got {layer}"):
            call()
    bare = MLPRegressor(hidden_layer_sizes=(), max_iter=2).fit(X, Y)
    with pytest.raises(AttributeError, match="has no attribute 'transform'"):
        bare.transform(X)


def test_sparse_inputs_with_gaps_allowed_are_refused() -> None:
    """A gap cannot be told from a zero that is not stored."""
    with pytest.raises(ValueError, match="allow_nan=True needs dense inputs"):
        MLPRegressor(allow_nan=True).fit(scipy.sparse.csr_array(X), Y)

"""Our estimators train the same model as scikit-learn's: the same weights, losses and scores, epoch by epoch.

Both are given the same data, settings and integer `random_state`, in float64. Compared is every public
attribute that scikit-learn's has after its fit. The comparison must reject each of the broken twins.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from sklearn import datasets
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import schuss
from comparisons import assert_near

# twenty epochs are not meant to converge
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

if "loss" not in sklearn.neural_network.MLPRegressor().get_params():
    pytest.skip("before 1.7 scikit-learn's MLP has neither weights nor losses", allow_module_level=True)

# Relative to the largest element. 1e-6 is promised. No setting here is chaotic: scikit-learn's own models
# with initial weights 1e-14 apart, a hundred roundings, still pass at a hundredth of the promise.
TOLERANCE = 1e-8
BASIC = {"hidden_layer_sizes": (12,), "max_iter": 20, "tol": 0.0, "random_state": 3, "batch_size": 32}
SGD: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 0.02}
INVSCALING = SGD | {"learning_rate_init": 0.1, "learning_rate": "invscaling", "power_t": 0.3}
ADAPTIVE = SGD | {"learning_rate": "adaptive", "momentum": 0.8, "tol": 0.02, "n_iter_no_change": 1}
ADAM: dict[str, Any] = {"solver": "adam", "learning_rate_init": 0.01}
LBFGS: dict[str, Any] = {"solver": "lbfgs"}
STOPPED = ADAM | {"early_stopping": True}

# What each problem needs beside the settings above; linnerud has 20 samples
OWN: dict[str, dict[str, Any]] = {"linnerud": {"batch_size": 7}, "counts": {"loss": "poisson"}}
NUMBERS = ("diabetes", "linnerud", "counts")


def load(name: str) -> tuple[Any, Any]:
    """Return scikit-learn's real data of a name, standardised inputs and raw targets."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return scale(X), y


def bits_of_digits() -> tuple[Any, Any]:
    """Return digits with the binary figures of each as four labels."""
    X, y = load("digits")
    return X, y[:, None] >> np.arange(4) & 1


DATA: dict[str, Callable[[], tuple[Any, Any]]] = {
    **{name: functools.partial(load, name) for name in ("digits", "iris", "wine", "breast_cancer")},
    "bits": bits_of_digits,
    "diabetes": lambda: tuple(map(scale, load("diabetes"))),
    "linnerud": lambda: tuple(map(scale, load("linnerud"))),  # three numbers are to be predicted
    "counts": lambda: (load("diabetes")[0], np.rint(load("diabetes")[1] / 50)),
}


def models(data: str, **settings: Any) -> tuple[Any, Any]:
    """Return our estimator and scikit-learn's with the same settings, not yet fitted."""
    how = BASIC | OWN.get(data, {}) | settings
    kind = "MLPRegressor" if data in NUMBERS else "MLPClassifier"
    return getattr(schuss, kind)(**how), getattr(sklearn.neural_network, kind)(**how)


def fitted(data: str, X: Any = None, sample_weight: Any = None, **settings: Any) -> tuple[Any, Any]:
    """Fit both to a problem, or to its targets with other inputs, and return ours and theirs."""
    ours, theirs = models(data, **settings)
    own, y = DATA[data]()
    X = own if X is None else X
    with threadpool_limits(1):  # networks so small are slower on more threads, and we may share the machine
        return ours.fit(X, y, sample_weight=sample_weight), theirs.fit(X, y, sample_weight=sample_weight)


def assert_same_model(ours: Any, theirs: Any) -> None:
    """Fail unless ours has every public attribute of theirs, with the same value."""
    names = [name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")]
    assert {"coefs_", "n_iter_", "t_"} <= set(names)
    for name in names:
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert isinstance(mine, list) == isinstance(other, list), f"{name} differs in kind: {mine!r}"
        arrays = name in ("coefs_", "intercepts_")
        for a, b in zip(mine, other, strict=True) if arrays else [(mine, other)]:
            assert_same_value(a, b, name)


def assert_same_value(mine: Any, other: Any, name: str) -> None:
    """Fail unless two values are equal, or near where they are numbers of floating point."""
    floats = other is not None and np.asarray(other).dtype.kind == "f"
    if not floats or not np.isfinite(other).all():
        assert np.array_equal(mine, other), f"{name} differs: {mine!r} against {other!r}"
        return
    if isinstance(other, np.ndarray):
        assert mine.dtype == other.dtype, f"{name} differs in dtype: {mine.dtype}"
    assert_near(np.asarray(mine), np.asarray(other), TOLERANCE, name)


@pytest.mark.parametrize(
    "settings",
    [SGD | {"nesterovs_momentum": False}, SGD, INVSCALING, ADAPTIVE, ADAM, LBFGS],
    ids=["momentum", "nesterov", "invscaling", "adaptive", "adam", "lbfgs"],
)
@pytest.mark.parametrize("data", DATA)
def test_every_solver_trains_the_same_model_on_real_data(data: str, settings: dict[str, Any]) -> None:
    """On classes, labels, one number, several and counts; and both predict the same."""
    ours, theirs = fitted(data, **settings)
    assert_same_model(ours, theirs)
    X, _ = DATA[data]()
    if data in NUMBERS:
        assert_near(ours.predict(X), theirs.predict(X), TOLERANCE, "predictions")
    else:
        assert_near(ours.predict_proba(X), theirs.predict_proba(X), TOLERANCE, "probabilities")
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


EACH_SOLVER = pytest.mark.parametrize("solver", [SGD, ADAM, LBFGS], ids=["nesterov", "adam", "lbfgs"])


@EACH_SOLVER
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_every_activation_trains_the_same_model(activation: str, solver: dict[str, Any]) -> None:
    """Logistic networks start from narrower weights than the others."""
    assert_same_model(*fitted("wine", activation=activation, hidden_layer_sizes=[9, 6], **solver))


SETTINGS: dict[str, dict[str, Any]] = {
    "early stopping": {"early_stopping": True},
    "early stopping, impatient": {"early_stopping": True, "n_iter_no_change": 2, "validation_fraction": 0.3},
    "in order": {"shuffle": False},
    "large penalty": {"alpha": 30.0},
    "batches of its own": {"batch_size": "auto"},
    "single rows": {"batch_size": 1, "max_iter": 3, "learning_rate_init": 0.001},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "three layers": {"hidden_layer_sizes": np.array([8, 7, 6]), "alpha": 0},
    "no momentum": {"momentum": 0},
    "momentum of one": {"momentum": 1.0, "learning_rate_init": 1e-4},
    "adam's own": {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
    "few evaluations": {"max_fun": 7},
}


@EACH_SOLVER
@pytest.mark.parametrize("data", ["breast_cancer", "diabetes"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_trains_the_same_model(settings: str, data: str, solver: dict[str, Any]) -> None:
    """Also where the solver has no use for it."""
    assert_same_model(*fitted(data, **(solver | SETTINGS[settings])))


@EACH_SOLVER
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("data", ["iris", "bits", "diabetes", "linnerud", "counts"])
def test_weighted_samples_train_the_same_model(data: str, early_stopping: bool, solver: Any) -> None:
    """The weights enter loss, gradient, penalty and validation score."""
    weights = np.random.default_rng(0).uniform(0.1, 3.0, len(DATA[data]()[0]))
    assert_same_model(*fitted(data, sample_weight=weights, early_stopping=early_stopping, **solver))


@EACH_SOLVER
@pytest.mark.parametrize("how", [{}, {"shuffle": False}, {"early_stopping": True}], ids=str)
@pytest.mark.parametrize("form", ["csr_array", "csc_array", "csr_matrix"])
def test_sparse_inputs_train_the_same_model(form: str, how: dict[str, Any], solver: dict[str, Any]) -> None:
    """Rows or columns compressed, as scikit-learn takes them, and they predict what dense ones do."""
    X = datasets.load_digits().data / 16
    sparse = getattr(scipy.sparse, form)(X)
    ours, theirs = fitted("digits", X=sparse, **how, **solver)
    assert_same_model(ours, theirs)
    assert_near(ours.predict_proba(sparse), theirs.predict_proba(X), TOLERANCE, "probabilities")


@EACH_SOLVER
@pytest.mark.parametrize("data", ["wine", "breast_cancer"])
def test_data_as_they_come_train_the_same_model(data: str, solver: dict[str, Any]) -> None:
    """Sure and wrong at first: scikit-learn counts no probability as less than ε, in the loss alone."""
    raw = getattr(datasets, f"load_{data}")().data
    rate = {"learning_rate_init": 1e-5} if solver is SGD else {}  # at 0.02 it dies at once
    ours, theirs = fitted(data, X=raw, **(solver | rate))
    assert_same_model(ours, theirs)


# Some rest on a private attribute in scikit-learn's own suite; here it shows in the number of epochs.
STOPS: dict[str, dict[str, Any]] = {
    "patience 2": SGD | {"tol": 0.01, "n_iter_no_change": 2},
    "patience 10": SGD | {"tol": 0.01, "n_iter_no_change": 10},
    "never": SGD | {"tol": 1e9, "n_iter_no_change": np.inf, "max_iter": 60},
    "more than all at once": SGD | {"batch_size": 10**6, "max_iter": 30},
    "rate too small": ADAPTIVE | {"tol": 0.5},
    "rate too small by score": ADAPTIVE | {"tol": 0.5, "early_stopping": True},
    "by score": STOPPED | {"tol": 1e-3, "n_iter_no_change": 4},
    "flat": LBFGS | {"tol": 0.02},
}


@pytest.mark.parametrize("data", ["iris", "diabetes"])
@pytest.mark.parametrize("settings", STOPS)
def test_training_stops_in_the_same_epoch(settings: str, data: str, capsys: Any) -> None:
    """At the same model, with the same words on the way, and the caller's generator drawn from as often."""
    X, y = DATA[data]()
    ours, theirs = models(data, **({"max_iter": 400} | STOPS[settings]))
    told, warned = [], []
    for model in (ours, theirs):
        model.set_params(random_state=np.random.RandomState(5), verbose=model.solver != "lbfgs")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        warned.append([(w.category, str(w.message)) for w in caught])
        told.append((capsys.readouterr().out, model.random_state.randint(10**9)))
    assert_same_model(ours, theirs)
    assert told[0] == told[1]
    assert warned[0] == warned[1]
    assert theirs.n_iter_ < 400


@pytest.mark.parametrize("settings", [SGD, INVSCALING, ADAM], ids=["nesterov", "invscaling", "adam"])
@pytest.mark.parametrize("data", ["wine", "linnerud"])
def test_training_in_parts_trains_the_same_model(data: str, settings: dict[str, Any]) -> None:
    """A fit and five calls of partial_fit; in order, since ours draw a new order for each on purpose."""
    X, y = DATA[data]()
    ours, theirs = models(data, shuffle=False, **settings)
    for model in (ours, theirs):
        model.fit(X, y)
        for part in range(5):
            model.partial_fit(X[part::2], y[part::2])
    assert_same_model(ours, theirs)


@pytest.mark.parametrize("settings", [SGD, LBFGS], ids=["sgd", "lbfgs"])
def test_a_warm_start_trains_the_same_model(settings: dict[str, Any]) -> None:
    """Without momentum and a falling rate, since ours keep the velocity and the rate on purpose."""
    ours, theirs = models("wine", warm_start=True, shuffle=False, momentum=0, **(settings | {"max_iter": 2}))
    for _ in range(3):
        for model in (ours, theirs):
            model.fit(*DATA["wine"]())
    assert_same_model(ours, theirs)


TWINS: dict[str, dict[str, Any]] = {
    "another seed": {"random_state": 4},
    "another momentum": {"momentum": 0.9 + 1e-5},
    "the other momentum": {"nesterovs_momentum": False},
    "another rate": {"learning_rate_init": 0.02 * (1 + 1e-5)},
    "another penalty": {"alpha": 1.001e-4},
    "in order": {"shuffle": False},
    "another batch size": {"batch_size": 31},
    "an epoch less": {"max_iter": 19},
    "stopped early": {"early_stopping": True},
    "without the weights": {},
}


@pytest.mark.parametrize("twin", TWINS)
def test_a_broken_twin_is_rejected(twin: str) -> None:
    """scikit-learn's own model with one setting changed is not the same model."""
    X, y = DATA["wine"]()
    weights = 1.0 + (np.arange(len(y)) == 7)
    (_, theirs), (_, other) = models("wine", **SGD), models("wine", **(SGD | TWINS[twin]))
    theirs.fit(X, y, sample_weight=weights)
    other.fit(X, y, sample_weight=weights if TWINS[twin] else None)
    with pytest.raises(AssertionError, match="differ"):
        assert_same_model(other, theirs)

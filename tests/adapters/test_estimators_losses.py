"""The losses that scikit-learn's MLP refuses, and label smoothing.

Each loss is computed by hand (by_hand.py), its gradient by central differences of that, and what it makes a
network learn is known from statistics: the median, a quantile, the mean.
"""

from typing import Any

import numpy as np
import pytest
import scipy.optimize
from by_hand import (
    LOSSES,
    NEAR,
    QUICK,
    classes,
    labels,
    mean_loss,
    numbers,
    one_hot,
    real,
    run_of,
    theta_of,
)

from comparisons import assert_near
from schuss import Cosine, Loss, MLPClassifier, MLPRegressor, Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# One step of plain gradient descent over all samples, no penalty
STEP: dict[str, Any] = {
    "hidden_layer_sizes": (3,), "activation": "tanh", "solver": "sgd", "learning_rate_init": 0.1,
    "momentum": 0, "alpha": 0, "batch_size": 90, "max_iter": 1, "shuffle": False, "random_state": 2,
}  # fmt: skip
IN_ORDER: dict[str, Any] = {**QUICK, "shuffle": False, "n_iter_no_change": np.inf}  # what `run_of` can repeat

# The estimator, the data, the targets as the formula has them, the formula and its parameter
CASES: dict[str, tuple[Any, Any, Any, str, Any]] = {
    "absolute": (MLPRegressor("absolute_error", **STEP), numbers(), None, "absolute_error", None),
    "absolute of two": (MLPRegressor("absolute_error", **STEP), numbers(2), None, "absolute_error", None),
    "huber": (MLPRegressor("huber", huber_delta=0.7, **STEP), numbers(2), None, "huber", 0.7),
    "quantile": (MLPRegressor("quantile", quantile=0.2, **STEP), numbers(2), None, "quantile", 0.2),
    "squared": (MLPRegressor(**STEP), numbers(2), None, "squared_error", None),
    "poisson": (MLPRegressor("poisson", **STEP), (numbers()[0], np.arange(90) % 4), None, "poisson", None),
    "focal": (MLPClassifier(loss="focal", **STEP), classes(), 3, "focal", 2.0),
    "focal of two": (MLPClassifier(loss="focal", focal_gamma=0.5, **STEP), classes(2), 2, "focal", 0.5),
    "nearly log": (MLPClassifier(loss="focal", focal_gamma=1e-13, **STEP), classes(), 3, "log_loss", None),
    "log": (MLPClassifier(**STEP), classes(), 3, "log_loss", None),
    "log of two": (MLPClassifier(**STEP), classes(2), None, "binary", None),
    "labels": (MLPClassifier(**STEP), labels(), None, "binary", None),
}  # fmt: skip


def outputs(model: Any, X: Any) -> Any:
    """Return what the formulas call y: predictions, or probabilities, of which two classes have one."""
    if isinstance(model, MLPRegressor):
        return model.predict(X).reshape(len(X), -1)
    y = model.predict_proba(X)
    return y[:, 1:] if model._kind == "binary" and model.loss == "log_loss" else y


def targets_of(y: Any, n_classes: int | None) -> Any:
    return np.reshape(y, (len(y), -1)) if n_classes is None else one_hot(y, n_classes)


@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_what_its_formula_says(case: str) -> None:
    """The first loss of a training is the mean of the formula over the samples; other formulas miss it."""
    model, (X, y), n_classes, name, parameter = CASES[case]
    T = targets_of(y, n_classes)
    first = outputs(model.set_params(max_iter=0).fit(X, y), X)
    told = np.array(model.set_params(max_iter=1).fit(X, y).loss_curve_)

    def by_hand(name: str, parameter: Any) -> Any:
        return np.array([mean_loss(name, first, T, parameter)])

    assert_near(told, by_hand(name, parameter), NEAR)
    twins = {"absolute_error": "squared_error", "squared_error": "absolute_error", "poisson": "squared_error"}
    twins |= {"log_loss": "focal", "binary": "log_loss"}
    with pytest.raises(AssertionError, match="differ"):
        assert_near(told, by_hand(twins.get(name, name), 1.1 * (parameter or 1)), NEAR)


@pytest.mark.parametrize("case", CASES)
def test_a_step_follows_the_formulas_slope(case: str) -> None:
    """Descent by a known rate moves every weight by the formula's central difference."""
    model, (X, y), n_classes, name, parameter = CASES[case]
    T, h = targets_of(y, n_classes), 1e-6
    before = theta_of(model.set_params(max_iter=0).fit(X, y))
    arrays = [a.ravel() for layer in zip(model.coefs_, model.intercepts_, strict=True) for a in layer]
    slopes = []
    for array in arrays:  # views of the estimator's own weights
        for i in range(array.size):
            value, ends = array[i], []
            for moved in (value + h, value - h):
                array[i] = moved
                ends.append(LOSSES[name](outputs(model, X), T, parameter).mean())
            array[i] = value
            slopes.append((ends[0] - ends[1]) / (2 * h))
    slope = np.array(slopes)
    if name == "squared_error":
        slope *= T.shape[1]  # scikit-learn reports the mean over the outputs, and descends their sum
    moved = (before - theta_of(model.set_params(max_iter=1).fit(X, y))) / 0.1

    # h² and ε/h of a difference are both about 1e-10 of terms of order 1; a kink within h of a sample would
    # add 1/90, and there is none
    assert_near(moved, slope, 1e-7)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(moved, 1.001 * slope, 1e-7)


# A network that sees nothing can only learn one number. Adam's last steps are as small as its rate, 1e-3.
BLIND: dict[str, Any] = {
    "hidden_layer_sizes": (), "learning_rate_init": Cosine(0.05, 1e-4), "max_iter": 500, "batch_size": 64,
    "alpha": 0, "shuffle": False, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0,
}  # fmt: skip
SKEWED = np.random.default_rng(4).lognormal(0.0, 1.2, 255)


def huber_centre(delta: float) -> float:
    def loss(c: float) -> float:
        return mean_loss("huber", np.full((255, 1), c), SKEWED[:, None], delta)

    return float(scipy.optimize.minimize_scalar(loss, bounds=(0, 3), method="bounded").x)


@pytest.mark.parametrize(
    ("loss", "how", "expected"),
    [
        ("squared_error", {}, SKEWED.mean()),
        ("poisson", {}, SKEWED.mean()),
        ("absolute_error", {}, np.median(SKEWED)),
        ("huber", {"huber_delta": 1.0}, huber_centre(1.0)),
        ("quantile", {"quantile": 0.9}, np.quantile(SKEWED, 0.9)),
    ],
)
def test_a_network_that_sees_nothing_learns_what_the_loss_stands_for(
    loss: str, how: Any, expected: float
) -> None:
    """The mean, the median, Huber's centre, a quantile; of skewed numbers, so that each is another."""
    X = np.zeros((255, 1))
    found = MLPRegressor(loss, **BLIND, **how).fit(X, SKEWED).predict(X[:1])[0]
    others = {SKEWED.mean(), np.median(SKEWED), huber_centre(1.0), np.quantile(SKEWED, 0.9)} - {expected}
    assert abs(found - expected) < 0.03 < min(abs(expected - other) for other in others)


def test_several_quantiles_are_learned_at_once_and_never_cross() -> None:
    """Columns in rising order, however asked for and however far away the inputs; each covers its share.

    On 221 rows not seen: the share below a true quantile wanders by √(q(1−q)/221) < 0.034, and three of
    those are allowed.
    """
    X, y = real("diabetes")
    seen, unseen = slice(0, None, 2), slice(1, None, 2)
    how = {**QUICK, "max_iter": 60, "learning_rate_init": 0.01, "alpha": 1.0}
    model = MLPRegressor("quantile", quantile=(0.9, 0.1, 0.5), **how).fit(X[seen], y[seen])
    found = model.predict(X[unseen])

    assert (found.shape, model.n_outputs_) == ((221, 3), 3)
    covered = (y[unseen, None] <= found).mean(axis=0)
    np.testing.assert_allclose(covered, [0.1, 0.5, 0.9], atol=0.1)
    assert abs(covered[0] - 0.5) > 0.1  # the tolerance tells them apart
    far = 30 * X
    raw = np.maximum(far @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1] + model.intercepts_[1]
    assert (np.diff(raw, axis=1) < 0).any()  # the outputs themselves do cross there
    assert (np.diff(model.predict(far), axis=1) >= 0).all()


def test_quantiles_of_several_numbers_stand_side_by_side() -> None:
    """A target's in rising order, predicted as (n, n_targets, n_quantiles): the network of `train`."""
    X, Y = numbers(2)
    model = MLPRegressor("quantile", quantile=[0.8, 0.3], **IN_ORDER).fit(X, Y)
    right, twin = (
        run_of(
            model,
            X,
            Y,
            np.repeat(Y, 2, axis=1),
            Network([4, 8, 4], ["relu", "identity"], Loss("quantile", q)),
        )
        for q in ((0.3, 0.8, 0.3, 0.8), (0.3, 0.3, 0.8, 0.8))
    )

    assert model.predict(X).shape == (90, 2, 2)
    np.testing.assert_array_equal(theta_of(model), right.theta)
    assert not np.array_equal(theta_of(model), twin.theta)
    np.testing.assert_array_equal(model.predict(X), np.sort(right.predict(X).reshape(90, 2, 2), axis=2))


# Data, targets with nothing smoothed, and the network that scikit-learn has for them
SMOOTHED: dict[str, tuple[Any, Any, Network]] = {
    "binary": (
        classes(2),
        classes(2)[1][:, None],
        Network([6, 8, 1], ["relu", "logistic"], "binary_cross_entropy"),
    ),
    "multiclass": (
        classes(),
        one_hot(classes()[1], 3),
        Network([6, 8, 3], ["relu", "softmax"], "cross_entropy"),
    ),
    "multilabel": (labels(), labels()[1], Network([6, 8, 3], ["relu", "logistic"], "binary_cross_entropy")),
}


@pytest.mark.parametrize("kind", SMOOTHED)
def test_label_smoothing_is_training_on_smoothed_targets(kind: str) -> None:
    """A tenth of each target is spread over the classes: to the bit what `train` makes of such targets."""
    (X, y), T, network = SMOOTHED[kind]
    model = MLPClassifier(**IN_ORDER, label_smoothing=0.1).fit(X, y)
    even = 1 / 3 if kind == "multiclass" else 1 / 2

    run = run_of(model, X, y, (1 - 0.1) * T + 0.1 * even, network)
    np.testing.assert_array_equal(theta_of(model), run.theta)
    assert model.loss_curve_ == run.loss.tolist()
    assert not np.array_equal(theta_of(model), run_of(model, X, y, T * 1.0, network).theta)
    np.testing.assert_array_equal(model.classes_, np.unique(y) if kind != "multilabel" else range(3))


def test_smoothed_labels_keep_the_network_from_being_sure() -> None:
    """Trained until nothing changes, no probability leaves what smoothing allows; without it they all do."""
    X, y = classes(2)
    how = {"solver": "lbfgs", "alpha": 0.0, "hidden_layer_sizes": (), "max_iter": 500, "random_state": 0}
    X = X + 3 * (2 * y[:, None] - 1)  # so that a line parts them
    smooth, sharp = (MLPClassifier(**how, label_smoothing=s).fit(X, y).predict_proba(X) for s in (0.2, 0.0))
    assert 0.8 < smooth.max(axis=1).mean() < 0.95
    assert sharp.max(axis=1).mean() > 0.99

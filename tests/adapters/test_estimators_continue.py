"""Training that goes on: warm starts and `partial_fit` keep velocity, age, rate and generator."""

from typing import Any

import numpy as np
import pytest
from by_hand import QUICK, classes, first_weights, numbers, run_of, same_weights, theta_of
from sklearn.base import clone

from schuss import GradientDescent, MLPClassifier, MLPRegressor, Momentum, Nesterov, Network
from schuss.method.rules import Adam
from schuss.method.schedules import InverseScaling, Plateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = numbers(2)
NETWORK = Network([4, 8, 2], ["relu", "identity"], "squared_error")
IN_ORDER: dict[str, Any] = {  # three steps an epoch, the last with 26 rows
    "hidden_layer_sizes": (8,), "shuffle": False, "batch_size": 32, "random_state": 0, "max_iter": 5,
    "n_iter_no_change": np.inf, "learning_rate_init": 0.01,
}  # fmt: skip

RULES: dict[str, tuple[dict[str, Any], Any]] = {
    "nesterov": ({"solver": "sgd"}, Nesterov(0.01, 0.9)),
    "momentum": ({"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.7}, Momentum(0.01, 0.7)),
    "no momentum": ({"solver": "sgd", "momentum": 0}, GradientDescent(0.01)),
    "adam": ({"solver": "adam", "beta_1": 0.8}, Adam(0.01, 0.8)),
}


def whole(model: Any, epochs: int, **plan: Any) -> Any:
    """Return one run of `schuss.train` from the weights that the estimator began with."""
    return run_of(model, X, Y, Y, NETWORK, **{"batch_size": 32, "epochs": epochs, **plan})


def warm(model: Any) -> Any:
    model.set_params(warm_start=True)
    return model.fit(X, Y).fit(X, Y)


def in_parts(model: Any) -> Any:
    for _ in range(10):
        model.partial_fit(X, Y)
    return model


def both(model: Any) -> Any:
    model.fit(X, Y)
    for _ in range(5):
        model.partial_fit(X, Y)
    return model


@pytest.mark.parametrize("way", [warm, in_parts, both], ids=lambda way: way.__name__)
@pytest.mark.parametrize("rule", RULES)
def test_training_in_parts_is_one_training(rule: str, way: Any) -> None:
    """Two fits of five epochs, ten calls of `partial_fit`, or some of each: one run of ten epochs to the bit.

    Weights, velocity, losses and count of samples; nine epochs give others.
    """
    how, written = RULES[rule]
    model = way(MLPRegressor(**IN_ORDER, **how))
    run = whole(model, 10, rule=written)

    np.testing.assert_array_equal(theta_of(model), run.theta)
    np.testing.assert_array_equal(model._memory.slots, run.state.memory)
    assert model.loss_curve_ == run.loss.tolist()
    assert model.t_ == 10 * 90
    assert not np.array_equal(theta_of(model), whole(model, 9, rule=written).theta)


@pytest.mark.parametrize("lost", ["slots", "age"])
def test_what_is_kept_is_needed(lost: str) -> None:
    """A warm start of adam without its means, or with its age forgotten, is another training."""
    model = MLPRegressor(**IN_ORDER, warm_start=True).fit(X, Y)
    setattr(model._memory, lost, None if lost == "slots" else 0)
    model.fit(X, Y)
    assert not np.array_equal(theta_of(model), whole(model, 10, rule=Adam(0.01)).theta)


def test_another_rule_begins_with_a_memory_of_its_own() -> None:
    """A warm start with another solver takes the weights along and nothing else."""
    model = MLPRegressor(**IN_ORDER, solver="sgd", warm_start=True).fit(X, Y)
    twin = clone(model).fit(X, Y)
    twin._memory.slots, twin._memory.rule = None, None
    model.set_params(solver="adam").fit(X, Y)
    assert same_weights(model, twin.set_params(solver="adam").fit(X, Y))


def test_each_call_draws_a_new_order() -> None:
    """`partial_fit` shuffles on from the same generator; scikit-learn's repeats one order for ever."""
    model = MLPRegressor(**QUICK)
    orders = [model.partial_fit(X, Y).plan_.order_of(0, 90) for _ in range(4)]
    assert all(sorted(order) == list(range(90)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4

    drawn = np.random.RandomState(0)
    theta = theta_of(MLPRegressor(**QUICK | {"max_iter": 0}).fit(X, Y))
    bounds = np.sqrt([6 / 12, 6 / 12, 6 / 10, 6 / 10])
    sizes = [32, 8, 16, 2]
    mine = np.concatenate([drawn.uniform(-b, b, n) for b, n in zip(bounds, sizes, strict=True)])
    np.testing.assert_array_equal(theta, mine)
    for order in orders:  # what scikit-learn's sequence of draws would give next
        places = np.arange(90)
        drawn.shuffle(places)
        np.testing.assert_array_equal(order, places)


def test_an_adaptive_rate_goes_on_in_partial_fit() -> None:
    """The plateaus of ten calls are those of one run of ten epochs, and the rate they have left is kept."""
    how = {**IN_ORDER, "solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 2}
    model = in_parts(MLPRegressor(**how))
    stops = {"patience": 3, "min_improvement": 10.0}
    run = whole(model, 10, rule=Nesterov(Plateau(0.01), 0.9), **stops)

    assert len(run.plan.rule.learning_rate.drops) == 3
    np.testing.assert_array_equal(theta_of(model), run.theta)
    assert model.plan_.rule.learning_rate.last == pytest.approx(0.01 / 5**3)
    constant = whole(model, 10, rule=Nesterov(0.01, 0.9))
    assert not np.array_equal(theta_of(model), constant.theta)


def test_inverse_scaling_goes_on_in_partial_fit() -> None:
    """It falls with all samples seen, not with those of the call."""
    model = in_parts(MLPRegressor(**IN_ORDER, solver="sgd", learning_rate="invscaling", power_t=0.3))
    right, twin = (
        whole(model, 10, rule=Nesterov(InverseScaling(0.01, 0.3, seen), 0.9)).theta for seen in (0, 90)
    )
    np.testing.assert_array_equal(theta_of(model), right)
    assert not np.array_equal(theta_of(model), twin)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_untrained_network_predicts(solver: str) -> None:
    """`max_iter=0` draws the weights that a training would begin with, and nothing more."""
    X, y = classes()
    how = {**QUICK, "solver": solver}
    model = MLPClassifier(**{**how, "max_iter": 0}).fit(X, y)
    assert (model.n_iter_, model.t_, model.classes_.tolist()) == (0, 0, [0, 1, 2])
    assert model.predict_proba(X).shape == (90, 3)
    assert not hasattr(model, "loss_")
    if solver != "lbfgs":
        assert model.loss_curve_ == []
        np.testing.assert_array_equal(first_weights(model, X, y), theta_of(model))
        assert model.partial_fit(X, y).loss_curve_ == MLPClassifier(**how).fit(X, y).loss_curve_[:1]
    # going on from there is the training that would have been
    begun = MLPClassifier(**{**how, "max_iter": 0}, warm_start=True).fit(X, y).set_params(max_iter=15)
    assert same_weights(begun.fit(X, y), MLPClassifier(**how).fit(X, y))
    assert not same_weights(begun, model)


def test_a_part_of_the_data_may_lack_a_class() -> None:
    """In `partial_fit` and in data to judge by, with or without `warm_start`."""
    X, y = classes()
    two = y != 2
    warm, cold = (
        MLPClassifier(**QUICK, warm_start=w).fit(X, y, X_val=X[two], y_val=y[two]) for w in (True, False)
    )
    assert same_weights(warm, cold)
    assert same_weights(warm.partial_fit(X[two], y[two]), cold.partial_fit(X[two], y[two]))
    assert not same_weights(warm, cold.partial_fit(X[~two], y[~two]))


def test_a_first_call_that_fails_teaches_no_classes() -> None:
    """The next one may name others, as if the first had never been."""
    X, y = classes(2)
    model = MLPClassifier(**QUICK)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X * np.nan, y, classes=["a", "b", "c"])
    model.partial_fit(X, y, classes=[0, 1])
    assert same_weights(model, MLPClassifier(**QUICK).partial_fit(X, y, classes=[0, 1]))


def test_weights_set_before_a_first_fit_are_where_it_begins() -> None:
    """With `warm_start`, and in `partial_fit`; without, a fit draws its own."""
    begin = MLPRegressor(**IN_ORDER).fit(X, Y)
    given, without = (MLPRegressor(**IN_ORDER | {"max_iter": 0}, warm_start=w) for w in (True, False))
    for model in (given, without):
        model.coefs_, model.intercepts_ = begin.coefs_, begin.intercepts_
        model.fit(X, Y)
    assert same_weights(given, begin)
    assert not same_weights(without, begin)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_that_fails_between_changes_nothing(early_stopping: bool) -> None:
    """Neither weights nor what is drawn by the next."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    y = X[:, 0] > 0
    how: dict[str, Any] = {"warm_start": True, "random_state": 0, "solver": "sgd", "max_iter": 5, "tol": 0.0}
    how |= {"early_stopping": early_stopping, "batch_size": 8}

    def fitted(*, fails: bool) -> Any:
        model = MLPClassifier((4,), **how).fit(X, y)
        if fails:
            with pytest.raises(ValueError, match="at least 0"):
                model.fit(X, y, sample_weight=np.where(y, -1.0, 1.0))
        return model.fit(X, y)

    plain, between = fitted(fails=False), fitted(fails=True)
    assert plain.coefs_[0].tobytes() == between.coefs_[0].tobytes()
    assert plain.loss_curve_ == between.loss_curve_
    other = MLPClassifier((4,), **how | {"random_state": 1}).fit(X, y)
    assert plain.coefs_[0].tobytes() != other.coefs_[0].tobytes()

"""How the estimators train beyond scikit-learn: dropout, decay, clipping, averaging, schedules, activations.

Each is computed by hand where a step is enough to see it, and is what `schuss.train` makes of the same plan.
"""

from typing import Any

import numpy as np
import pytest
from by_hand import NEAR, QUICK, classes, first_weights, layers, numbers, run_of, same_weights, theta_of

from comparisons import assert_near
from schuss import Cosine, MLPClassifier, MLPRegressor, Momentum, Nesterov, Network
from schuss.method.rules import Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]
X, Y = numbers(2)
NETWORK = Network([4, 8, 2], ["relu", "identity"], "squared_error")
IN_ORDER: dict[str, Any] = {
    **QUICK, "shuffle": False, "n_iter_no_change": np.inf, "batch_size": 32, "learning_rate_init": 0.01,
    "max_iter": 8,
}  # fmt: skip
# One step of plain gradient descent
STEP: dict[str, Any] = {
    **IN_ORDER,
    "solver": "sgd",
    "momentum": 0,
    "batch_size": 90,
    "max_iter": 1,
    "alpha": 0,
}


def run(model: Any, **plan: Any) -> Any:
    return run_of(model, X, Y, Y, NETWORK, **{"batch_size": 32, **plan})


PLANS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # parameters of the estimator, the same as fields of a plan, and those of a broken twin
    "weight decay": ({"weight_decay": 0.5}, {"weight_decay": 0.5}, {"weight_decay": 0.4}),
    "clipping": ({"clip_norm": 0.2}, {"clip": 0.2}, {"clip": 0.21}),
    "averaging": ({"average": 0.5}, {"average": 0.5}, {"average": 0.25}),
    "a falling rate": (
        {"learning_rate_init": Cosine(0.05, 0.001, 0.2)},
        {"rule": Adam(Cosine(0.05, 0.001, 0.2))},
        {"rule": Adam(Cosine(0.05, 0.001, 0.1))},
    ),
    "rising momentum": (
        {"solver": "sgd", "momentum": Cosine(0.9, 0.5), "learning_rate_init": Cosine(0.05)},
        {"rule": Nesterov(Cosine(0.05), Cosine(0.9, 0.5))},
        {"rule": Momentum(Cosine(0.05), Cosine(0.9, 0.5))},
    ),
    "all at once": (
        {"weight_decay": 0.5, "clip_norm": 0.2, "average": 0.5, "alpha": 0.3},
        {"weight_decay": 0.5, "clip": 0.2, "average": 0.5, "l2": 0.3},
        {"weight_decay": 0.5, "clip": 0.2, "average": 0.5, "l2": 0.0},
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_it_is_what_train_makes_of_the_same_plan(case: str) -> None:
    """To the last bit, losses included; the broken twin's plan makes another network."""
    how, plan, broken = PLANS[case]
    model = MLPRegressor(**{**IN_ORDER, **how}).fit(X, Y)
    right = run(model, **plan)

    np.testing.assert_array_equal(theta_of(model), right.theta)
    assert model.loss_curve_ == right.loss.tolist()
    assert not np.array_equal(theta_of(model), run(model, **broken).theta)


def test_weight_decay_shrinks_the_weights_and_not_the_biases() -> None:
    """A step with decay is the step without, less the rate times the decay times the weights before it."""
    before = MLPRegressor(**STEP | {"max_iter": 0}).fit(X, Y)
    without, with_decay = (MLPRegressor(**STEP, weight_decay=d).fit(X, Y) for d in (0.0, 0.5))
    for k in range(2):
        assert_near(with_decay.coefs_[k], without.coefs_[k] - 0.01 * 0.5 * before.coefs_[k], NEAR)
        assert_near(with_decay.intercepts_[k], without.intercepts_[k], NEAR)
        with pytest.raises(AssertionError, match="differ"):
            assert_near(with_decay.coefs_[k], without.coefs_[k], NEAR)


def test_clipping_shortens_a_long_gradient_and_leaves_a_short_one() -> None:
    """A step has the direction of the gradient and no more than the length allowed."""
    before = first_weights(MLPRegressor(**STEP), X, Y)

    def gradient(clip: float | None) -> Any:
        return (before - theta_of(MLPRegressor(**STEP, clip_norm=clip).fit(X, Y))) / 0.01

    free = gradient(None)
    length = float(np.linalg.norm(free))
    assert np.linalg.norm(gradient(length / 3)) == pytest.approx(length / 3, rel=1e-12)
    assert_near(gradient(length / 3), free / 3, NEAR)
    np.testing.assert_array_equal(gradient(length * 1.01), free)


def test_averaged_weights_are_the_mean_of_those_after_the_last_epochs() -> None:
    """Of eight epochs the last two, where a quarter is asked for; and training goes on from them."""
    parts = MLPRegressor(**IN_ORDER)
    after = [theta_of(parts.partial_fit(X, Y)) for _ in range(8)]
    model = MLPRegressor(**IN_ORDER, average=0.25).fit(X, Y)

    assert_near(theta_of(model), np.mean(after[-2:], axis=0), NEAR)
    assert model.loss_curve_ == parts.loss_curve_  # the training itself is the same
    with pytest.raises(AssertionError, match="differ"):
        assert_near(theta_of(model), np.mean(after[-3:], axis=0), NEAR)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dropout", [0.3, (0.2, 0.5), [0.0, 0.4]], ids=str)
def test_dropout_replays(kind: Any, dropout: Any) -> None:
    """The same seed silences the same units: equal bits on any number of threads; another seed, others."""
    X, y = classes() if kind is MLPClassifier else numbers()
    how = {**IN_ORDER, "hidden_layer_sizes": (70, 9), "dropout": dropout}
    model = kind(**how).fit(X, y)

    assert same_weights(model, kind(**how).fit(X, y))
    assert same_weights(model, kind(**how, n_threads=1).fit(X, y))
    assert not same_weights(model, kind(**how | {"dropout": 0.0}).fit(X, y))
    other, another = (kind(**how | {"max_iter": 0}, warm_start=True).fit(X, y) for _ in range(2))
    other.set_params(max_iter=8)
    another.set_params(max_iter=8)._memory.generator.randint(10)  # the next seed instead
    assert same_weights(model, other.fit(X, y))
    assert not same_weights(model, another.fit(X, y))


def test_dropout_is_that_of_train_with_the_seed_drawn_from_the_generator() -> None:
    """The first number drawn after the weights keys the masks; the order is what it was without."""
    model = MLPRegressor(**IN_ORDER, dropout=0.3).fit(X, Y)
    drawn = np.random.RandomState(0)
    drawn.uniform(size=NETWORK.n_parameters)
    seed = drawn.randint(2**31 - 1)

    np.testing.assert_array_equal(theta_of(model), run(model, dropout=0.3, seed=seed).theta)
    assert not np.array_equal(theta_of(model), run(model, dropout=0.3, seed=seed + 1).theta)
    assert model.plan_.seed == seed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_unit_is_silent_when_predicting(dtype: str) -> None:
    """Predictions use all units: those computed by hand from the weights, every time."""
    X, y = classes(dtype=dtype)
    model = MLPClassifier(**QUICK, dropout=0.6).fit(X, y)
    shares = layers(model, X, ["relu", "softmax"])[-1]
    assert_near(model.predict_proba(X), shares, NEAR if dtype == "float64" else 1e-5)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))


def test_a_new_mask_is_drawn_for_every_call_of_partial_fit() -> None:
    """One step on the same batch from the same weights, twice: other units are silent the second time."""
    how = {**STEP, "dropout": 0.5}
    first, second = MLPRegressor(**how), MLPRegressor(**how)
    start = theta_of(MLPRegressor(**how | {"max_iter": 0}).fit(X, Y))
    first.partial_fit(X, Y)
    second.partial_fit(X, Y)
    assert same_weights(first, second)
    second._memory.theta[...] = start
    assert not same_weights(first, second.partial_fit(X, Y))


ACTIVATIONS = ["identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_layer_can_have_its_own_activation(name: str) -> None:
    """Predictions are those computed by hand, layer by layer; in the other order they are not."""
    other = "relu" if name == "tanh" else "tanh"
    model = MLPRegressor(**QUICK | {"hidden_layer_sizes": (6, 6), "activation": (name, other)}).fit(X, Y)
    assert_near(model.predict(X), layers(model, X, [name, other, "identity"])[-1], NEAR)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(model.predict(X), layers(model, X, [other, name, "identity"])[-1], NEAR)
    same = MLPRegressor(**QUICK | {"hidden_layer_sizes": (6, 6), "activation": name}).fit(X, Y)
    if name != "logistic":  # of which scikit-learn narrows the first weights, if it is the only one
        assert same_weights(same, MLPRegressor(**same.get_params() | {"activation": [name, name]}).fit(X, Y))

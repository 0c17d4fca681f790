"""scikit-learn's own networks, from the same weights in the same order, arrive at the same weights.

Nobody here wrote scikit-learn. It runs in float64 with the data in their own order; its `alpha` is our
l2, its `learning_rate_init` our learning rate, and its squared error is ½·Σ(t−y)² as ours.
"""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from comparisons import assert_near
from runs import one_call
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum, Nesterov
from schuss.method.samples import Samples
from schuss.method.state import State

N, BATCH, EPOCHS, RATE, MOMENTUM, L2 = 50, 8, 7, 0.05, 0.9, 0.3  # 50 samples leave a short batch of 2
SIZES = (6, 9, 5)


def theirs(kind, X, y, network, theta, **settings):
    """Train scikit-learn's network from our weights and return its matrices and biases."""
    layers = iter(network.views(theta))

    def our_weights(_self, _fan_in, _fan_out, _dtype):
        w, b = next(layers)
        return w.copy(), b.copy()

    how = {
        "hidden_layer_sizes": network.layers[1:-1],
        "solver": "sgd",
        "batch_size": BATCH,
        "learning_rate_init": RATE,
        "momentum": MOMENTUM,
        "nesterovs_momentum": False,
        "alpha": L2,
        "shuffle": False,
        "max_iter": EPOCHS,
        "tol": 0.0,
        "n_iter_no_change": 10**6,
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(kind, "_init_coef", our_weights)
        warnings.simplefilter("ignore", ConvergenceWarning)  # it was told to stop early
        fitted = kind(**how).fit(X, y)
    assert fitted.n_iter_ == EPOCHS
    return network.pack(fitted.coefs_, fitted.intercepts_)


def ours(engine, network, theta, X, T, rule, l2=L2):
    plan = Plan(rule, epochs=EPOCHS, batch_size=BATCH, order="sequential", l2=l2)
    start = State.start(theta, len(rule.memory))
    return one_call(engine, network, start, Samples.check(network, X, T), plan, plan.steps(N)).state.theta


def problem(rng, kind):
    """Return X, their y, our T and the network of a regression, a binary or a multi-class problem."""
    X = rng.standard_normal((N, SIZES[0]))
    if kind == "regression":
        T = rng.standard_normal((N, 2))
        return X, T, T, Network([*SIZES, 2], "tanh", output="identity")
    if kind == "binary":
        y = rng.integers(0, 2, N)
        return X, y, y.astype(float), Network([*SIZES, 1], "logistic", "binary_cross_entropy")
    y = np.arange(N) % 4
    return X, y, y, Network([*SIZES, 4], "relu", "cross_entropy")


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
def test_the_same_weights(engine, kind, nesterov, rng):
    """After seven epochs with momentum and penalty the weights agree to 1e−9."""
    X, y, T, network = problem(rng, kind)
    theta = network.initial(4)
    estimator = MLPRegressor if kind == "regression" else MLPClassifier
    activation = network.activation[0]
    expected = theirs(estimator, X, y, network, theta, activation=activation, nesterovs_momentum=nesterov)
    rule = (Nesterov if nesterov else Momentum)(RATE, MOMENTUM)
    actual = ours(engine, network, theta, X, T, rule)
    assert np.abs(actual - theta).max() > 0.1  # something was learned
    assert_near(actual, expected, 1e-9, "weights")


@pytest.mark.parametrize(
    "rule",
    [
        GradientDescent(RATE),  # momentum forgotten
        GradientDescent(RATE / (1 - MOMENTUM)),  # the effective rate in place of the memory
        Momentum(RATE * (1 - MOMENTUM), MOMENTUM),  # a moving average of gradients
        Nesterov(RATE, MOMENTUM),  # the other kind
        Momentum(RATE, MOMENTUM + 1e-6),
    ],
    ids=repr,
)
def test_another_convention_is_rejected(engine, rule, rng):
    """Another convention of momentum is rejected by the same comparison."""
    X, y, T, network = problem(rng, "regression")
    theta = network.initial(4)
    expected = theirs(MLPRegressor, X, y, network, theta, activation="tanh")
    with pytest.raises(AssertionError, match="weights differ"):
        assert_near(ours(engine, network, theta, X, T, rule), expected, 1e-9, "weights")


def test_another_penalty_is_rejected(engine, rng):
    """A penalty outside the mean over the batch, as some have it, is rejected."""
    X, y, T, network = problem(rng, "regression")
    theta = network.initial(4)
    expected = theirs(MLPRegressor, X, y, network, theta, activation="tanh")
    with pytest.raises(AssertionError, match="weights differ"):
        assert_near(
            ours(engine, network, theta, X, T, Momentum(RATE, MOMENTUM), L2 * BATCH),
            expected,
            1e-9,
            "weights",
        )

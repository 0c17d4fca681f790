"""How a batch's errors become one number: samples that count differently, lengths that are bounded, shares.

In the readable mathematics; each engine is compared with it elsewhere.
"""

import numpy as np
import pytest

from cases import draw_targets
from comparisons import TOLERANCE, assert_near
from schuss.method import backprop
from schuss.method.backprop import Objective
from schuss.method.network import Network

NETWORK = Network([3, 5, 4], "tanh", "huber")
PENALTIES = {"l2": 0.3, "l1": 0.2}


def drawn(n: int, dtype: str = "float64") -> tuple:
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 3)).astype(dtype)
    return NETWORK.initial(1, dtype), X, draw_targets(rng, n, NETWORK).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_weight_is_a_number_of_samples(reduction, dtype):
    """Samples weighted 0, 1, 2, 3 are the samples left out, once, twice, three times, penalties included."""
    theta, X, T = drawn(6, dtype)
    counts = np.array([0, 1, 2, 3, 1, 0])
    objective = Objective(reduction, **PENALTIES)
    found = backprop.gradient(NETWORK, theta, X, T, objective, weights=counts.astype(dtype))
    repeated = np.repeat(X, counts, axis=0), np.repeat(T, counts, axis=0)
    expected = backprop.gradient(NETWORK, theta, *repeated, objective)
    assert found.loss == pytest.approx(expected.loss, rel=TOLERANCE[dtype])
    assert_near(found.gradient, expected.gradient, TOLERANCE[dtype])
    unweighted = backprop.gradient(NETWORK, theta, X, T, objective)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(unweighted.gradient, expected.gradient, TOLERANCE[dtype])


def test_only_the_share_of_a_weight_matters_to_a_mean():
    """Without penalties, all weights times a number give the same mean."""
    theta, X, T = drawn(6)
    weights = np.array([0.1, 0.2, 0.3, 0.0, 2.0, 1.0])
    found = backprop.gradient(NETWORK, theta, X, T, weights=weights)
    scaled = backprop.gradient(NETWORK, theta, X, T, weights=16 * weights)
    assert scaled.loss == pytest.approx(found.loss, rel=1e-15)
    assert_near(scaled.gradient, found.gradient, 1e-15)


def test_samples_that_count_nothing():
    """Where all weights are 0 the mean is 0 and so is its gradient; the sum keeps the penalties."""
    theta, X, T = drawn(3)
    nothing = backprop.gradient(NETWORK, theta, X, T, Objective(**PENALTIES), weights=np.zeros(3))
    assert nothing.loss == 0
    assert not nothing.gradient.any()
    rest = backprop.gradient(NETWORK, theta, X, T, Objective("sum", **PENALTIES), weights=np.zeros(3))
    assert rest.loss == backprop.penalty(NETWORK, theta, Objective("sum", **PENALTIES)) > 0
    assert rest.gradient.any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_long_gradient_is_shortened(reduction, dtype):
    """To the length asked for, in its own direction; the loss stays. A short one is not touched."""
    theta, X, T = drawn(6, dtype)
    whole = backprop.gradient(NETWORK, theta, X, T, Objective(reduction, **PENALTIES))
    length = float(np.linalg.norm(whole.gradient.astype(float)))
    for share in (0.9, 0.01):
        objective = Objective(reduction, **PENALTIES, clip=share * length)
        found = backprop.gradient(NETWORK, theta, X, T, objective)
        assert found.loss == whole.loss
        assert np.linalg.norm(found.gradient.astype(float)) == pytest.approx(share * length, rel=1e-6)
        assert_near(found.gradient, whole.gradient * np.dtype(dtype).type(share), TOLERANCE[dtype])
    for clip in (1.001 * length, None):
        found = backprop.gradient(NETWORK, theta, X, T, Objective(reduction, **PENALTIES, clip=clip))
        assert found.gradient.tobytes() == whole.gradient.tobytes()


def test_a_gradient_of_nothing_is_not_divided_by_nothing():
    """A gradient of length 0 stays 0 under any bound."""
    theta, X, T = drawn(3)
    found = backprop.gradient(NETWORK, theta, X, T, Objective(clip=1e-300), weights=np.zeros(3))
    assert not found.gradient.any()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_as_scikit_learn(reduction):
    """The errors, but not the penalties, are reported divided by the 4 outputs; the gradient is the same."""
    network = Network(NETWORK.layers, NETWORK.activation, "squared_error", biases=NETWORK.biases)
    theta, X, T = drawn(6)
    plain = backprop.gradient(network, theta, X, T, Objective(reduction, **PENALTIES))
    errors = backprop.gradient(network, theta, X, T, Objective(reduction)).loss
    found = backprop.gradient(network, theta, X, T, Objective(reduction, **PENALTIES, as_scikit_learn=True))
    assert found.loss == pytest.approx(plain.loss - 0.75 * errors, rel=1e-14)
    assert found.loss != pytest.approx(plain.loss / 4)
    assert found.gradient.tobytes() == plain.gradient.tobytes()


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_decay_takes_from_the_weights_alone(biases, dtype):
    """Each weight times the number, each bias as it was; theta itself is not written to, and 1 is nothing."""
    network = Network([3, 5, 4], biases=biases)
    theta = np.arange(1, network.n_parameters + 1).astype(dtype)
    before = theta.copy()
    found = network.decayed(theta, 0.75)
    assert found.dtype == dtype
    for view, was in zip(network.views(found), network.views(before), strict=True):
        assert view.w.tolist() == (was.w * 0.75).tolist()
        if biases:
            assert view.b.tolist() == was.b.tolist()
    assert theta.tobytes() == before.tobytes()
    assert network.decayed(theta, 1.0) is theta

"""The loss as scikit-learn reports it: its own functions say what that is; gradients know nothing of it."""

import numpy as np
import pytest
from sklearn.neural_network._base import LOSS_FUNCTIONS

from comparisons import TOLERANCE, assert_near
from engines import ALL, make_engine
from runs import draw_run
from schuss.method.backprop import Objective
from schuss.method.network import Network
from schuss.method.plan import Plan

THEIRS = {
    "squared_error": "squared_error",
    "poisson": "poisson",
    "cross_entropy": "log_loss",
    "binary_cross_entropy": "binary_log_loss",
}
PLAIN, LIKE_THEM = Objective(), Objective(as_scikit_learn=True)
LARGE = {"cross_entropy": 200.0, "binary_cross_entropy": 200.0}  # so that probabilities round to 0 and 1


def saturated(loss: str, dtype: str, n_out: int = 3):
    network = Network([5, 7, n_out], "tanh", loss)
    samples, start = draw_run(network, Plan(), 60, dtype=dtype)
    T = samples.targets(n_out)
    if loss == "cross_entropy":
        T = np.eye(n_out, dtype=dtype)[np.arange(60) % n_out]
    if loss == "binary_cross_entropy":
        T = (T > 0.5).astype(dtype)
    samples = type(samples).check(network, samples.X, T, dtype)
    return network, samples, start.theta * np.dtype(dtype).type(LARGE.get(loss, 1.0))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", THEIRS)
def test_it_is_what_scikit_learn_computes(name, dtype, loss):
    """From the outputs, with probabilities of 0 and 1 among them."""
    engine = make_engine(name)
    network, samples, theta = saturated(loss, dtype)
    y, T = engine.outputs(network, theta, samples.X), samples.targets(3)
    found = engine.gradient(network, theta, samples, LIKE_THEM)
    expected = LOSS_FUNCTIONS[THEIRS[loss]](T, y)
    # ours adds up what is near 1e-16 for a sure output otherwise than theirs
    assert_near(np.array([found.loss]), np.array([float(expected)]), 10 * TOLERANCE[dtype], least=1e-2)
    plain = engine.gradient(network, theta, samples, PLAIN)
    np.testing.assert_array_equal(found.gradient, plain.gradient)
    if loss != "poisson":  # the twin that reports its own is noticed
        assert abs(plain.loss - expected) > 0.01 * expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_the_largest_is_minus_log_epsilon(dtype, loss):
    """A sample that is wholly wrong counts −log ε, on the widest vectors too, and no more."""
    network = Network([1, 2], loss=loss)
    theta = network.pack([[[1000.0, -1000.0]]], [[0.0, 0.0]]).astype(dtype)
    samples = type(saturated(loss, dtype)[1]).check(
        network, np.ones((40, 1), dtype), np.tile([0.0, 1.0], (40, 1))
    )
    plain = make_engine(ALL[0]).gradient(network, theta, samples, PLAIN).loss
    most = -np.log(np.finfo(dtype).eps) * (1 if loss == "cross_entropy" else 2)
    for name in ALL:
        found = make_engine(name).gradient(network, theta, samples, LIKE_THEM).loss
        assert found == pytest.approx(most, rel=1e-6)
        assert found < plain / 10

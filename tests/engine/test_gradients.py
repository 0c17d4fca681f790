"""Every engine's gradient against the complex step, for everything there is, in both dtypes."""

from itertools import product

import numpy as np
import pytest

from cases import CASES, case_of, draw_case, problem_of
from comparisons import TOLERANCE, assert_gradient, assert_near
from oracles import ACTIVATION
from schuss.engine.reference import ReferenceEngine
from schuss.method.backprop import Gradient, Objective
from schuss.method.functions import ACTIVATIONS
from schuss.method.network import Network
from schuss.method.samples import Samples


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_gradient_is_the_complex_step(engine, depth, dtype):
    """For every activation and every loss, loss and gradient equal the complex step's."""
    tested = 0
    for activation, loss, _ in (case for case in CASES if case[2] == depth):
        case = case_of(activation, loss, depth, dtype)
        found = engine.gradient(case.network, case.theta, case.samples, case.objective)
        assert found.gradient.dtype == dtype
        try:
            assert_gradient(found, case.expected())
        except AssertionError as error:
            raise AssertionError(f"{activation}, {loss}, {dtype}: {error}") from error
        tested += 1
    assert tested == 91


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("l2", "l1"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.25)])
def test_reduction_penalties_and_biases(engine, biases, reduction, l2, l1):
    """Every combination of reduction, penalties and biases equals the complex step."""
    network = Network([4, 5, 3], "tanh", biases=biases)
    case = draw_case(network, Objective(reduction, l2, l1), 6, seed=1)
    found = engine.gradient(case.network, case.theta, case.samples, case.objective)
    assert_gradient(found, case.expected())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_broken_gradient_is_rejected(engine, dtype):
    """One weight's slope off by a thousandth, or two swapped, is rejected."""
    case = case_of("tanh", "squared_error", 3, dtype)
    loss, gradient = engine.gradient(case.network, case.theta, case.samples, case.objective)
    off = gradient.copy()
    off[np.abs(off).argmax()] *= 1.001
    swapped = gradient.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    for broken in (off, swapped, -gradient):
        with pytest.raises(AssertionError, match="gradients differ"):
            assert_gradient(Gradient(loss, broken), case.expected())


@pytest.mark.parametrize("loss", ["cross_entropy"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_classes_are_one_hot_targets(engine, loss, dtype, rng):
    """Class indices and the one-hot rows they stand for give the same bits."""
    network = Network([5, 7, 4], "tanh", loss)
    X, classes = rng.standard_normal((9, 5)).astype(dtype), rng.integers(0, 4, 9)
    theta = network.initial(3, dtype)
    indices = Samples.check(network, X, classes)
    one_hot = Samples.check(network, X, np.eye(4)[classes])
    assert (indices.T is None, one_hot.classes is None) == (True, True)
    a = engine.gradient(network, theta, indices, Objective())
    b = engine.gradient(network, theta, one_hot, Objective())
    assert a.loss == b.loss
    assert a.gradient.tobytes() == b.gradient.tobytes()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs(engine, activation, rng):
    """outputs() equals the oracle's forward pass for every output activation, one sample or none included."""
    network = Network([3, 5, 4], ["tanh", activation])
    theta = network.initial(1)
    for n in (0, 1, 50):
        X = rng.standard_normal((n, 3))
        problem = problem_of(network, Objective())
        x = problem.net_inputs(theta[None].astype(complex), X)[-1]
        expected = ACTIVATION[activation](x)[0].real
        assert_near(engine.outputs(network, theta, X), expected, TOLERANCE["float64"])


def test_a_theta_of_another_network_is_refused(engine):
    """A theta or an X that does not fit is an error, not a wrong result."""
    case = case_of("tanh", "squared_error", 2)
    with pytest.raises(ValueError, match="theta"):
        engine.gradient(case.network, case.theta[:-1], case.samples, case.objective)
    with pytest.raises(ValueError, match="theta"):
        engine.outputs(case.network, case.theta[:-1], case.samples.X)


def test_net_inputs_at_a_thousand(engine):
    """At net inputs of ±1000 the cross-entropies are exact, and their gradients finite, in both dtypes."""
    for loss, dtype in product(("cross_entropy", "binary_cross_entropy", "focal"), ("float64", "float32")):
        network = Network([1, 2], loss=loss)
        theta = network.pack([[[1000.0, -1000.0]]]).astype(dtype)
        X, T = [[1.0], [-1.0]], [[1.0, 0.0], [1.0, 0.0]]
        found = engine.gradient(network, theta, Samples.check(network, X, T, dtype), Objective("sum"))
        assert found.loss == 2000.0
        assert np.isfinite(found.gradient).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_far_out(native_engine, activation, dtype):
    """At net inputs from −1000 to 1000 the compiled outputs are the reference's, and finite save for exp."""
    network = Network([1, 2], [activation], output=activation)
    X = np.array([[-1000.0], [-100.0], [-50.0], [0.0], [50.0], [100.0], [1000.0]], dtype)
    theta = network.pack([[[1.0, 0.5]]]).astype(dtype)
    expected = ReferenceEngine().outputs(network, theta, X)
    actual = native_engine.outputs(network, theta, X)
    assert np.isfinite(expected).all() == (activation != "exp")
    np.testing.assert_allclose(actual, expected, rtol=1e-14 if dtype == "float64" else 1e-6, atol=1e-35)

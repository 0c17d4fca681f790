"""Back-propagation against two derivatives that know nothing of it, for everything there is."""

import numpy as np
import pytest

import oracles
from cases import CASES, Case, case_of, draw_case
from comparisons import assert_gradient, assert_near
from schuss.method import backprop
from schuss.method.backprop import Gradient, Objective
from schuss.method.network import Network


def gradient_of(case: Case) -> Gradient:
    return backprop.gradient(case.network, case.theta, case.samples.X, case.targets, case.objective)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("activation", "loss", "depth"), CASES)
def test_the_gradient_is_the_complex_step(activation, loss, depth, dtype):
    """Loss and gradient equal the complex step through an independent forward pass."""
    case = case_of(activation, loss, depth, dtype)
    found = gradient_of(case)
    assert found.gradient.dtype == dtype
    assert_gradient(found, case.expected())


@pytest.mark.parametrize(("activation", "loss", "depth"), CASES)
def test_the_gradient_is_the_slope_of_the_loss(activation, loss, depth):
    """The gradient equals central differences of the very loss that is reported with it."""
    case = case_of(activation, loss, depth)

    def loss_of(theta: np.ndarray) -> float:
        X, T = case.samples.X, case.targets
        return backprop.gradient(case.network, theta, X, T, case.objective).loss

    # ε^(2/3) = 4e−11 times the sizes of E and its third derivative against that of the gradient
    assert_near(gradient_of(case).gradient, oracles.central_differences(loss_of, case.theta), 1e-8)


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("l2", "l1"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.25)])
def test_reduction_penalties_and_biases(biases, reduction, l2, l1):
    """Every combination of reduction, penalties and biases equals the complex step."""
    network = Network([4, 5, 3], "tanh", biases=biases)
    case = draw_case(network, Objective(reduction, l2, l1), 6, seed=1)
    assert_gradient(gradient_of(case), case.expected())


def test_the_sum_is_n_times_the_mean():
    """Reduction "sum" is n times "mean", penalties included, as scikit-learn has it."""
    network = Network([4, 5, 3], "tanh")
    mean = gradient_of(draw_case(network, Objective("mean", 0.5, 0.25), 6, seed=2))
    total = gradient_of(draw_case(network, Objective("sum", 0.5, 0.25), 6, seed=2))
    assert total.loss == pytest.approx(6 * mean.loss, rel=1e-14)
    np.testing.assert_allclose(total.gradient, 6 * mean.gradient, rtol=1e-13)


def test_biases_carry_no_penalty():
    """A penalty, however large, adds nothing to the gradient of a bias, and biases nothing to it."""
    network = Network([4, 5, 3], "tanh")
    plain = gradient_of(draw_case(network, Objective(), 6, seed=3)).gradient
    heavy = gradient_of(draw_case(network, Objective("mean", 1e3, 1e3), 6, seed=3)).gradient
    for a, b in zip(network.views(plain), network.views(heavy), strict=True):
        np.testing.assert_array_equal(a.b, b.b)
        assert (a.w != b.w).all()


def test_error_signals_are_minus_the_slope_by_net_input():
    """δ_j = −∂E/∂x_j: summed over a batch it is minus the slope by unit j's bias, in every layer."""
    case = case_of("gelu", "squared_error", 3)
    case = draw_case(case.network, Objective("sum"), 7, seed=4)
    trace = backprop.forward(case.network, case.theta, case.samples.X)
    deltas = backprop.error_signals(case.network, case.theta, trace, case.targets)
    _, slope = case.expected()
    for delta, view in zip(deltas, case.network.views(slope), strict=True):
        np.testing.assert_allclose(delta.sum(axis=0), -view.b, rtol=1e-12, atol=1e-14)


def test_a_trace_holds_every_layer():
    """Forward keeps net inputs and outputs of each layer, the batch itself first."""
    network = Network([4, 5, 3], "tanh")
    case = draw_case(network, Objective(), 6, seed=5)
    trace = backprop.forward(network, case.theta, case.samples.X)
    assert trace.y[0] is case.samples.X
    assert [y.shape for y in trace.y] == [(6, 4), (6, 5), (6, 3)]
    np.testing.assert_array_equal(trace.y[1], np.tanh(trace.x[1]))
    np.testing.assert_array_equal(backprop.outputs(network, case.theta, case.samples.X), trace.y[-1])


def test_the_gradient_changes_nothing():
    """Neither theta nor the batch is written to."""
    case = case_of("relu", "cross_entropy", 3)
    before = [a.copy() for a in (case.theta, case.samples.X, case.targets)]
    gradient_of(case)
    for a, b in zip(before, (case.theta, case.samples.X, case.targets), strict=True):
        np.testing.assert_array_equal(a, b)

"""The comparison that judges the engines rejects back-propagation with one thing wrong in it.

The twin below is written out on its own; without a fault it passes, so that a failure is the fault's.
"""

import numpy as np
import pytest

from cases import Case, draw_case
from comparisons import assert_gradient
from schuss.method import backprop
from schuss.method.backprop import Gradient, Objective
from schuss.method.functions import Array
from schuss.method.network import LayerWeights, Network

FAULTS = [
    "wrong sign of a hidden delta",
    "missing transpose",  # Σ_j w_jk·δ_j for Σ_j w_kj·δ_j
    "missing sum",  # one δ_j·w_kj for the sum over j
    "forgotten slope of a hidden layer",
    "forgotten slope of the output",
    "stale weight",  # hidden deltas from output weights that were updated before
    "forgotten penalty",
    "penalised biases",
    "penalty outside the reduction",
    "forgotten reduction",
    "samples of the batch shifted",
    "outputs of the wrong layer",
]


def twin(case: Case, fault: str | None = None) -> Gradient:
    """Return loss and gradient of a case, by a back-propagation that has the `fault`."""
    network, theta, X = case.network, case.theta, case.samples.X
    trace = backprop.forward(network, theta, X)
    layers, functions = network.views(theta), network.activations()
    error = case.targets - trace.y[-1]
    slope = functions[-1].slope(trace.x[-1], trace.y[-1])
    deltas = [error if fault == "forgotten slope of the output" else slope * error]
    for i in range(network.depth - 1, 0, -1):
        arriving = arriving_at(layers[i], trace.y[i], deltas[0], fault)
        if fault == "wrong sign of a hidden delta":
            arriving = -arriving
        if fault != "forgotten slope of a hidden layer":
            arriving = functions[i - 1].slope(trace.x[i], trace.y[i]) * arriving
        deltas.insert(0, arriving)
    result = np.zeros_like(theta)
    below = [trace.y[0], *trace.y[:-2]] if fault == "outputs of the wrong layer" else trace.y[:-1]
    for layer, into, y_k, delta_j in zip(layers, network.views(result), below, deltas, strict=True):
        into.w[...] = weight_slope(layer, y_k, delta_j, case.objective, fault)
        into.b[...] = -delta_j.sum(axis=0) / reduction(len(X), fault)
        if fault == "penalised biases":
            into.b[...] += case.objective.l2 * layer.b / len(X)
    honest = backprop.gradient(network, theta, X, case.targets, case.objective)
    return Gradient(honest.loss, result)


def reduction(n: int, fault: str | None) -> int:
    return 1 if fault == "forgotten reduction" else n


def arriving_at(layer: LayerWeights, y: Array, delta: Array, fault: str | None) -> Array:
    """Return Σ_j w_kj·δ_j of a layer, shape (n, fan_in), or what the fault makes of it."""
    if fault == "missing transpose":
        return delta @ layer.w
    if fault == "missing sum":
        return np.outer(delta[:, 0], layer.w[:, 0])
    if fault == "stale weight":
        return delta @ (layer.w + 0.1 * y.T @ delta / len(y)).T
    return delta @ layer.w.T


def weight_slope(
    layer: LayerWeights, y: Array, delta: Array, objective: Objective, fault: str | None
) -> Array:
    """Return ∂E/∂w of a layer, shape (fan_in, fan_out)."""
    n = reduction(len(y), fault)
    penalty = objective.l2 * layer.w + objective.l1 * np.sign(layer.w)
    if fault == "forgotten penalty":
        penalty = 0.0 * penalty
    if fault == "penalty outside the reduction":
        penalty = penalty * n
    if fault == "samples of the batch shifted":
        delta = np.roll(delta, 1, axis=0)
    return (penalty - y.T @ delta) / n


def square_case(dtype: str = "float64") -> Case:
    # Square layers: a missing transpose must not be caught by a shape.
    network = Network([4, 4, 4, 4], "tanh", "squared_error", output="logistic")
    return draw_case(network, Objective("mean", 0.3, 0.2), 5, seed=11, dtype=dtype)


def test_the_twin_without_a_fault_is_accepted():
    """The twin is right but for its fault."""
    case = square_case()
    assert_gradient(twin(case), case.expected())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_twin_is_rejected(fault, dtype):
    """Each fault is noticed by the comparison that judges the engines."""
    case = square_case(dtype)
    with pytest.raises(AssertionError, match="gradients differ"):
        assert_gradient(twin(case, fault), case.expected())


def test_a_wrong_loss_is_rejected():
    """A right gradient with a loss one part in a million off is rejected as well."""
    case = square_case()
    found = twin(case)
    with pytest.raises(AssertionError, match="losses differ"):
        assert_gradient(Gradient(found.loss * (1 + 1e-6), found.gradient), case.expected())

"""Activations are made for several vectors and rows at once, and with which others must not be seen."""

import numpy as np
import pytest

from engines import NATIVE, make_engine
from schuss.method.backprop import Objective
from schuss.method.functions import ACTIVATIONS
from schuss.method.network import Network
from schuss.method.samples import Samples

MOST = 16 * 15 + 1  # units: groups of 8, 4, 2 and 1 vectors of sixteen numbers, and a rest
BIASES = np.concatenate([np.random.default_rng(5).normal(0, 3, MOST - 6), [0.0, -0.0, 40, -40, 1e-3, -9]])
INPUTS = np.array([[0.0], [1.0], [-0.7], [2.9], [-0.01]])
HIDDEN = [name for name in ACTIVATIONS if name not in ("softmax", "exp")]


def made(name, activation, dtype, units, rows):
    """Return outputs of these hidden units for these inputs, and their error signals in the last row."""
    engine = make_engine(name)
    assert engine.info.engine == "native"
    biases, X = BIASES[units].astype(dtype), INPUTS[rows].astype(dtype)
    n = len(biases)
    network, zeros = Network([1, n, n], [activation, "identity"]), np.zeros(n, dtype)
    theta = network.pack([np.ones((1, n)), np.eye(n)], [biases, zeros]).astype(dtype)
    only_last = (np.arange(len(X)) == len(X) - 1).astype(dtype)
    samples = Samples(X, np.full((len(X), n), 2, dtype), None, only_last)
    gradient = engine.gradient(network, theta, samples, Objective("sum")).gradient
    return engine.outputs(network, theta, X), network.views(gradient)[0].b


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize("name", NATIVE)
def test_beside_others_as_alone(name, activation, dtype):
    """Output and error signal of a unit among others, in a row among others, are those it has alone."""
    for last in range(len(INPUTS)):
        outputs, signals = made(name, activation, dtype, slice(None), slice(last + 1))
        for unit in range(last, MOST, 5):
            output, signal = made(name, activation, dtype, [unit], [last])
            assert output.tobytes() == outputs[last, unit].tobytes()
            assert signal.tobytes() == signals[unit].tobytes()


def test_others_differ():
    """The output of a neighbour, or of the unit in another row, would be noticed."""
    outputs, signals = made(NATIVE[0], "tanh", "float64", slice(MOST - 6), slice(None))
    near = np.abs(outputs) < 1
    assert len(np.unique(outputs[near])) == near.sum()
    assert len(np.unique(signals)) == MOST - 6

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


CLASSES = 4 * 5 + 2 + 1  # of which exponentials are made by fours, two and one
NOTHING = -2000.0  # whose exponential is zero


def of_two(name, dtype, logits, places, classes):
    """Return loss, outputs and error signals of two classes among others whose probability is zero."""
    engine = make_engine(name)
    network, zeros = Network([classes, classes], "softmax", "cross_entropy"), np.zeros(classes)
    theta = network.pack([np.eye(classes)], [zeros]).astype(dtype)
    X, T = np.full((1, classes), NOTHING, dtype), np.zeros((1, classes), dtype)
    X[0, places], T[0, places] = logits, [0.75, 0.25]
    loss, gradient = engine.gradient(network, theta, Samples(X, T, None), Objective("sum"))
    outputs, signals = engine.outputs(network, theta, X), network.views(gradient)[0].b
    return loss, outputs[0, places].tobytes(), signals[places].tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NATIVE)
def test_two_classes_among_many(name, dtype):
    """Softmax and cross-entropy of two classes, wherever they stand, are those of a network of these two."""
    found = set()
    for place in range(CLASSES):
        logits, places = [-0.37 * place / CLASSES - 0.1, 1.3], [place, (place + 9) % CLASSES]
        among = of_two(name, dtype, logits, places, CLASSES)
        assert among == of_two(name, dtype, logits, [0, 1], 2)
        found.add(among)
    assert len(found) == CLASSES  # a neighbour's would be noticed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NATIVE)
def test_exp_beside_others_as_alone(name, dtype):
    """The exponential of an output among others is the one it has alone."""
    engine, x = make_engine(name), np.linspace(-90, 80, CLASSES).astype(dtype)
    together, alone = Network([1, CLASSES], "exp", "poisson"), Network([1, 1], "exp", "poisson")
    outputs = engine.outputs(together, np.concatenate([x, 0 * x]), np.ones((1, 1), dtype))[0]
    singly = [engine.outputs(alone, np.array([each, 0], dtype), np.ones((1, 1), dtype)) for each in x]
    assert outputs.tobytes() == np.concatenate(singly).tobytes()
    assert len(set(outputs)) == CLASSES


def test_others_differ():
    """The output of a neighbour, or of the unit in another row, would be noticed."""
    outputs, signals = made(NATIVE[0], "tanh", "float64", slice(MOST - 6), slice(None))
    near = np.abs(outputs) < 1
    assert len(np.unique(outputs[near])) == near.sum()
    assert len(np.unique(signals)) == MOST - 6

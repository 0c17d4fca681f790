"""How many rows the tiles of an update have changes no bit.

They have as many as the registers hold; what is left of a layer goes through smaller ones, functions of their
own (src/kernel/update.hpp). The oracle is the same engine on a layer with more inputs, which are all zero and
have weights of zero: 96 in all, which is whole tiles of every kind. Their gradients are zero, so they stay,
and add nothing to any sum.
"""

import numpy as np
import pytest

import engines
from runs import one_call
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov
from schuss.method.samples import Samples

WHOLE = 96
UNITS = [*range(1, 14), 49, 53, 58, 61]  # the last also for a second thread, which has units from 48 on
STEPS = 3
SETTINGS = {
    "momentum": {"rule": Momentum(0.05, 0.9)},
    "pulled": {"rule": Momentum(0.05, 0.9), "l2": 0.01},
    "pulled to zero": {"rule": Momentum(0.05, 0.9), "l1": 0.01},
    "decaying": {"rule": Momentum(0.05, 0.9), "weight_decay": 0.001},
    "adam": {"rule": Adam(0.002)},
    "clipped": {"rule": Momentum(0.05, 0.9), "clip": 0.1},
    "clipped adam": {"rule": Adam(0.002), "clip": 0.1},
    "in chunks": {"rule": Momentum(0.05, 0.9), "batch_size": 300},
    "in chunks, pulled to zero": {"rule": Nesterov(0.05, 0.9), "batch_size": 300, "l1": 0.01},
    "nesterov": {"rule": Nesterov(0.05, 0.9)},
    "descent": {"rule": GradientDescent(0.05)},
}


def draw(units, outputs, dtype, n):
    """Return inputs, targets and weights with a last row of biases."""
    source = np.random.default_rng(units)
    shapes = (n, units), (n, outputs), (units + 1, outputs)
    return [source.normal(size=shape).astype(dtype) for shape in shapes]


def trained(name, X, T, w, plan, threads, norms_every):
    """Return weights, memory, losses and lengths; of weights the rows that belong to inputs, and biases."""
    network = Network([X.shape[1], T.shape[1]], "identity", "squared_error")
    engine = engines.make_engine(name, threads)
    assert engine.info.engine == "native"
    start = plan.start(network.pack([w[:-1]], [w[-1]]).astype(w.dtype))
    samples = Samples.check(network, X, T)
    found = one_call(engine, network, start, samples, plan, STEPS, norms_every=norms_every)
    rows = [found.state.theta, *found.state.memory]
    layers = [layer for row in rows for layer in network.views(row)]
    return [part for layer in layers for part in (layer.w, layer.b)], found.losses, found.norms


def among_zeros(X, w):
    """Return the same inputs and weights among others that are zero."""
    more = WHOLE - X.shape[1]
    nothing = np.zeros_like(w, shape=(more, w.shape[1]))
    return np.pad(X, ((0, 0), (0, more))), np.vstack([w[:-1], nothing, w[-1:]])


@pytest.mark.parametrize("norms_every", [0, 1])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("outputs", [20, 33, 70])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", engines.NATIVE)
def test_any_number_of_rows_has_the_bits_of_whole_tiles(name, setting, dtype, outputs, threads, norms_every):
    """Panels of every number of vectors too; with lengths, and without."""
    plan = Plan(epochs=2, **{"batch_size": 8, **SETTINGS[setting]})
    for units in UNITS:
        X, T, w = draw(units, outputs, dtype, 2 * plan.batch_size)
        found, losses, norms = trained(name, X, T, w, plan, threads, norms_every)
        wide_X, wide_w = among_zeros(X, w)
        expected, their_losses, their_norms = trained(name, wide_X, T, wide_w, plan, threads, norms_every)
        for mine, other in zip(found, expected, strict=True):
            assert mine.tobytes() == np.ascontiguousarray(other[: len(mine)]).tobytes()
            assert not other[len(mine) :].any()
        assert losses.tobytes() == their_losses.tobytes()
        assert np.array_equal(norms, their_norms)


def test_other_numbers_are_noticed():
    """Broken twin: a weight that is another by its last bit ends in other bits."""
    plan = Plan(rule=Momentum(0.05, 0.9), batch_size=8, epochs=2)
    X, T, w = draw(7, 20, "float32", 16)
    found, losses, _ = trained(engines.NATIVE[0], X, T, w, plan, 1, 1)
    w[3, 5] = np.nextafter(w[3, 5], np.float32(9))
    others, their_losses, _ = trained(engines.NATIVE[0], X, T, w, plan, 1, 1)
    assert any(mine.tobytes() != other.tobytes() for mine, other in zip(found, others, strict=True))
    assert losses.tobytes() != their_losses.tobytes()

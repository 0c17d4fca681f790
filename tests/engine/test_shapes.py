"""Sizes that fit no vector: ragged layers, one sample, short batches, batches cut into chunks."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons import TOLERANCE, assert_near, assert_same_bits, assert_states_near
from engines import make_engine
from runs import draw_run, one_call, step_by_step
from schuss.method.backprop import Objective
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.state import State

RAGGED = [
    [1, 1],
    [2, 1],
    [1, 1000],
    [1000, 1],
    [3, 17, 1],
    [17, 33, 3],
    [33, 1, 17],
    [1, 3, 1, 33, 2],
    [17, 1000, 3],
    [256, 257, 255],  # around a chunk
    [1023, 64, 2],  # around a block of terms
    [1025, 65, 64, 63],
    [2100, 19, 3],  # several blocks
    [512, 512, 16],  # rows of a multiple of 2 KiB, which the kernel spreads
]
REFERENCE = make_engine("reference")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layers", RAGGED, ids=str)
def test_ragged_layers(native_engine, layers, dtype):
    """Gradients and outputs of ragged networks agree with the reference's."""
    network = Network(layers, "tanh")
    samples, start = draw_run(network, Plan(), 13, dtype=dtype)
    tolerance = 20 * TOLERANCE[dtype]  # sums of up to a thousand terms
    found = native_engine.gradient(network, start.theta, samples, Objective("mean", 0.1, 0.1))
    expected = REFERENCE.gradient(network, start.theta, samples, Objective("mean", 0.1, 0.1))
    assert found.loss == pytest.approx(expected.loss, rel=tolerance)
    assert_near(found.gradient, expected.gradient, tolerance)
    outputs = REFERENCE.outputs(network, start.theta, samples.X)
    assert_near(native_engine.outputs(network, start.theta, samples.X), outputs, tolerance)


@pytest.mark.parametrize("layers", RAGGED, ids=str)
def test_ragged_layers_advance(native_engine, layers):
    """Three steps, the last of them short, equal gradient and update bit for bit."""
    network, plan = Network(layers, "gelu"), Plan(Momentum(0.01, 0.9), batch_size=5)
    samples, start = draw_run(network, plan, 13)
    fast = one_call(native_engine, network, start, samples, plan, 3)
    assert_same_bits(fast.state, step_by_step(native_engine, network, start, samples, plan, 3).state)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_size", [5, 32, 64])
def test_rows_read_where_they_lie(native_engine, batch_size, dtype):
    """Rows with a zero more, read where they lie, train to the bits of those that are brought together."""
    plan, place = Plan(Momentum(0.01, 0.9), batch_size=batch_size, seed=3), [64 * 64] * 64
    samples, start = draw_run(Network([64, 64, 3], "relu"), plan, 100, dtype=dtype)
    apart = State(np.insert(start.theta, place, 0), np.insert(start.memory, place, 0, axis=1))
    wider = replace(samples, X=np.pad(samples.X, ((0, 0), (0, 1))))
    expected = one_call(native_engine, Network([64, 64, 3], "relu"), start, samples, plan, 7).state.theta
    found = one_call(native_engine, Network([65, 64, 3], "relu"), apart, wider, plan, 7).state.theta
    assert np.delete(found, np.s_[64 * 64 : 65 * 64]).tobytes() == expected.tobytes()
    assert expected.tobytes() != start.theta.tobytes()


@pytest.mark.parametrize("batch_size", [1, 2, 7, 12, 13, 255, 256, 257, 512, 600, None])
def test_batches_of_every_size(native_engine, batch_size):
    """One sample, short last batches, batches of one chunk of 256 rows and of several, all samples."""
    network = Network([5, 9, 3], "tanh")
    plan = Plan(Momentum(0.05, 0.9), batch_size=batch_size, l2=0.01)
    samples, start = draw_run(network, plan, 600)
    stop = min(plan.steps_per_epoch(600) + 2, 60)
    found = one_call(native_engine, network, start, samples, plan, stop)
    expected = one_call(REFERENCE, network, start, samples, plan, stop)
    assert_near(found.losses, expected.losses, 1e-12)
    assert_states_near(found.state, expected.state, 1e-11)
    assert_same_bits(found.state, step_by_step(native_engine, network, start, samples, plan, stop).state)


@pytest.mark.parametrize("loss", ["squared_error", "mean_squared_error", "huber", "absolute", "quantile"])
def test_softmax_without_cross_entropy(native_engine, loss):
    """Softmax under another loss uses its whole Jacobian: the gradient is the reference's, in 21 outputs."""
    network = Network([5, 9, 21], "tanh", loss, output="softmax")
    samples, start = draw_run(network, Plan(), 13)
    found = native_engine.gradient(network, start.theta, samples, Objective())
    expected = REFERENCE.gradient(network, start.theta, samples, Objective())
    assert_near(found.gradient, expected.gradient, 1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [1, 3, 4, 255, 256, 257, 1000])
def test_outputs_of_any_number_of_samples(native_engine, n, dtype, rng):
    """A sample's outputs are the same bits whichever samples stand beside it."""
    network = Network([7, 19, 5], "silu", "cross_entropy")
    theta = network.initial(0, dtype)
    X = rng.standard_normal((n, 7)).astype(dtype)
    together = native_engine.outputs(network, theta, X)
    one_by_one = np.concatenate([native_engine.outputs(network, theta, X[i : i + 1]) for i in range(n)])
    assert together.tobytes() == one_by_one.tobytes()

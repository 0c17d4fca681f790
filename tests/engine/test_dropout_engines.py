"""Dropout in every engine: the masks of method/dropout.py, and the gradient under them.

The masks are read off a network made for it. Its hidden units all put out 1; output r is wrong in sample r
alone, and by 1; so the slope of the weight from unit k to output r is the mask of unit k in row r.
"""

from dataclasses import replace

import numpy as np
import pytest

import engines
from cases import HIDDEN, Case, draw_case
from comparisons import assert_gradient, assert_near, assert_same_bits
from runs import draw_run, in_pieces, one_call, step_by_step
from schuss.method.backprop import Objective
from schuss.method.dropout import Dropout
from schuss.method.functions import LOSSES
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum
from schuss.method.samples import Samples
from schuss.method.state import State

DTYPES = ["float64", "float32"]
REFERENCE = engines.make_engine("reference")
SUM = Objective("sum")
RATES = (0.3, 0.6)
DROPOUT = Dropout(RATES, 5, 8)


def masks_of(engine: engines.Engine, dropout: Dropout, rows: int, units: int, dtype: str) -> np.ndarray:
    """Return what an engine multiplies the outputs of hidden layers by, all of them together."""
    depth = len(dropout.rates)
    network = Network([1, *[units] * depth, rows], "identity")
    between = [np.eye(units)] * (depth - 1)  # each hidden layer hands on what it was given
    biases = [np.ones(units), *[np.zeros(units)] * (depth - 1), np.zeros(rows)]
    theta = network.pack([np.zeros((1, units)), *between, np.zeros((units, rows))], biases).astype(dtype)
    samples = Samples.check(network, np.ones((rows, 1)), -np.eye(rows), dtype)
    gradient = engine.gradient(network, theta, samples, SUM, dropout).gradient
    return network.views(gradient)[-1].w.T


def expected_masks(dropout: Dropout, rows: int, units: int, dtype: str) -> np.ndarray:
    product = np.ones((rows, units), dtype)
    for layer, rate in enumerate(dropout.rates):
        if rate:
            product = product * dropout.mask(layer, rows, units, dtype)
    return product


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 33, 63, 64, 65, 130, 257])
def test_the_masks(engine, units, dtype):
    """The masks are the defined ones to the last bit, for any width; those of another step are rejected."""
    found = masks_of(engine, DROPOUT, 40, units, dtype)
    np.testing.assert_array_equal(found, expected_masks(DROPOUT, 40, units, dtype))
    for other in (replace(DROPOUT, step=9), replace(DROPOUT, seed=6), Dropout(RATES[::-1], 5, 8)):
        assert (found != expected_masks(other, 40, units, dtype)).any()


@pytest.mark.parametrize(
    "rates", [(0.5,), (0.0, 0.5), (0.5, 0.0), (0.2, 0.0, 0.7), (1e-12,), (1e-17,), (1 - 1e-12,)]
)
def test_the_masks_of_some_layers(engine, rates):
    """Layers without dropout are left alone, a tiny p silences nobody, and a p close to 1 everybody."""
    dropout = Dropout(rates, 2**64 - 1, 2**32 - 1)
    np.testing.assert_array_equal(
        masks_of(engine, dropout, 20, 70, "float64"), expected_masks(dropout, 20, 70, "float64")
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_rows_are_counted_through_the_chunks(isa, threads):
    """In a batch of several chunks, shared among threads, each row has the mask of its place in the batch."""
    engine = engines.make_engine(f"native-{isa}", threads)
    found = masks_of(engine, Dropout((0.5,), 1, 0), 600, 70, "float32")
    np.testing.assert_array_equal(found, expected_masks(Dropout((0.5,), 1, 0), 600, 70, "float32"))


def dropped_case(activation: str, dtype: str) -> Case:
    """Return a case whose oracle has the masks of `DROPOUT`."""
    network = Network([4, 6, 5, 3], activation, "squared_error", output="identity")
    case = draw_case(network, Objective("mean", 0.3, 0.2), 7, seed=9, dtype=dtype)
    masks = tuple(DROPOUT.mask(i, 7, units, dtype) for i, units in enumerate(network.layers[1:-1]))
    return replace(case, problem=replace(case.problem, masks=masks))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_the_gradient_under_masks(engine, activation, dtype):
    """With the masks held, loss and gradient equal the complex step; with none, or another step's, not."""
    case = dropped_case(activation, dtype)
    found = engine.gradient(case.network, case.theta, case.samples, case.objective, DROPOUT)
    assert_gradient(found, case.expected())
    for wrong in (None, replace(DROPOUT, step=9)):
        found = engine.gradient(case.network, case.theta, case.samples, case.objective, wrong)
        with pytest.raises(AssertionError, match="differ"):
            assert_gradient(found, case.expected())


@pytest.mark.parametrize("rates", [0.4, (0.0, 0.5), (0.5, 0.0)])
@pytest.mark.parametrize("hidden", ["relu", "tanh", "gelu"])
def test_advance_is_gradient_and_update(engine, hidden, rates):
    """A run with dropout, whole or cut anywhere, is the gradient under each step's masks and the rule."""
    network = Network([5, 9, 70, 3], hidden)
    plan = Plan(Momentum(0.05, 0.9), batch_size=8, seed=4, l2=0.01, dropout=rates)
    samples, start = draw_run(network, plan, 37)
    whole = one_call(engine, network, start, samples, plan, 11)
    for other in (
        step_by_step(engine, network, start, samples, plan, 11),
        in_pieces(engine, network, start, samples, plan, [2, 3, 9, 11]),
    ):
        assert_same_bits(whole.state, other.state)
        assert whole.losses.tobytes() == other.losses.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_compiled_run_is_the_reference_s(native_engine, dtype):
    """A few steps agree with the reference's; without dropout they do not."""
    network = Network([5, 20, 30, 3], "tanh", "cross_entropy")
    plan = Plan(GradientDescent(0.05), batch_size=300, dropout=0.5)
    samples, start = draw_run(network, plan, 600, dtype=dtype)
    expected = one_call(REFERENCE, network, start, samples, plan, 3).state.theta
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    assert_near(one_call(native_engine, network, start, samples, plan, 3).state.theta, expected, tolerance)
    without = one_call(native_engine, network, start, samples, plan.replace(dropout=0.0), 3)
    with pytest.raises(AssertionError, match="differ"):
        assert_near(without.state.theta, expected, tolerance)


@pytest.mark.parametrize("loss", LOSSES)
def test_outputs_are_never_silenced(engine, loss):
    """`outputs` knows no dropout, and the output layer is never silenced, whatever its loss."""
    network = Network([4, 3], loss=loss)
    plan = Plan(GradientDescent(0.01), batch_size=5, dropout=0.9)
    samples, start = draw_run(network, plan, 20)
    plain = one_call(engine, network, start, samples, plan.replace(dropout=0.0), 5)
    assert_same_bits(one_call(engine, network, start, samples, plan, 5).state, plain.state)


def test_no_dropout_is_dropout_of_zero(engine):
    """A rate of zero is the same bits as no dropout at all."""
    network = Network([4, 20, 3], "silu")
    plan = Plan(batch_size=5)
    samples, start = draw_run(network, plan, 20)
    found = [
        engine.gradient(network, start.theta, samples, plan.objective, dropout).gradient.tobytes()
        for dropout in (None, Dropout((0.0,), 1, 2))
    ]
    assert found[0] == found[1]


def test_a_step_beyond_32_bits(engine):
    """Steps are counted in 32 bits, over whose end a run goes on as the masks say."""
    network = Network([4, 20, 3], "tanh")
    plan = Plan(GradientDescent(0.01), epochs=2**31, batch_size=10, dropout=0.5)
    samples, start = draw_run(network, plan, 20)
    late = State(start.theta, start.memory, 2**32 - 2)
    fast = one_call(engine, network, late, samples, plan, 2**32 + 2)
    assert_same_bits(fast.state, step_by_step(engine, network, late, samples, plan, 2**32 + 2).state)

"""Norms have the same bits whichever way a step goes in the native engine: those of one order of sums."""

from functools import reduce
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import engines
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from runs import change_of, draw_run, draw_sparse_run, one_call
from schuss.engine.engine import Engine
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum
from schuss.method.samples import Samples
from schuss.method.state import State

pytestmark = pytest.mark.skipif(not engines.FUSED, reason="no fused instruction set here")

Row = NDArray[Any]
ROWS = 48  # of weights, whose squares are added up in the dtype
# Rows in tiles of every height, panels of every width, and rows that end two after a whole number of groups.
SHAPES = [(50, 70, 3), (98, 130, 49), (147, 40, 17), (1, 1), (96, 5), (4, 10, 3), (100, 1)]


def add_square(total: Row, x: Row) -> Row:
    """Return total + x² in one rounding to float32: by a sum in float64 that is rounded to odd."""
    square, before = x.astype(np.float64) ** 2, total.astype(np.float64)
    after = before + square
    gained = after - before
    error = (before - (after - gained)) + (square - gained)
    is_even = after.view(np.int64) % 2 == 0
    odd = np.where((error != 0) & is_even, np.nextafter(after, np.copysign(np.inf, error)), after)
    return odd.astype(np.float32)


def exact_length(network: Network, vector: Row, rows: int = ROWS, step: int = 1) -> float:
    """Return a length by the order of the kernel: groups of a column, its bias; blocks of columns; halves."""
    sums = np.zeros(16, np.float32)
    for layer in network.views(vector):
        groups = (layer.w[k : k + rows] for k in range(0, len(layer.w), rows))
        lines = (reduce(add_square, group[::step], np.zeros_like(group[0])) for group in groups)
        columns = reduce(np.add, lines)
        columns = columns if layer.b is None else add_square(columns, layer.b)
        blocks = np.pad(columns, (0, -len(columns) % 16)).reshape(-1, 16)
        for first in range(0, len(blocks), 4):
            sums += reduce(np.add, blocks[first : first + 4])
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    return float(np.sqrt(sums[0]))  # rounded to float32, and to float32 only


@pytest.mark.parametrize("layers", SHAPES, ids=str)
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_the_order_of_the_sums(layers: tuple[int, ...], rule: str) -> None:
    """Gradient, memory and change of some steps, squared and added up by hand, give the very bits."""
    network, steps = Network(layers, "tanh"), 25
    plan = Plan(RULES[rule](learning_rate=0.01), batch_size=20)
    samples, start = draw_run(network, plan, 20, dtype="float32")
    for name in engines.FUSED:
        engine = engines.make_engine(name)
        made = one_call(engine, network, start, samples, plan, steps, norms_every=1)
        vectors = [moved(engine, network, samples, plan, start, step) for step in range(steps)]
        orders = [(ROWS, 1), (ROWS - 1, 1), (ROWS, -1)]
        expected, *others = (
            np.array([[exact_length(network, v, *order) for v in of_step] for of_step in vectors], np.float32)
            for order in orders
        )
        assert made.norms.tobytes() == expected.tobytes()
        if layers == (100, 1):  # the more columns, the more often two orders round to one length
            assert all(made.norms.tobytes() != other.tobytes() for other in others)


def moved(
    engine: Engine, network: Network, samples: Samples, plan: Plan, start: State, step: int
) -> tuple[Row, Row, Row]:
    """Return gradient, memory and change of a step."""
    before, after = (one_call(engine, network, start, samples, plan, stop).state for stop in (step, step + 1))
    batch = samples.take(plan.batch(step, len(samples)))
    gradient = engine.gradient(network, before.theta, batch, plan.objective).gradient
    return gradient, after.memory[0], change_of(plan, before, after)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layers", [*SHAPES, (200, 300, 150, 20)], ids=str)
@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "nesterov", "rmsprop"])
@pytest.mark.parametrize("batch_size", [100, 270], ids=["whole", "in chunks"])
def test_in_registers_or_apart(rule: str, layers: tuple[int, ...], dtype: str, batch_size: int) -> None:
    """A limit that no gradient reaches makes every update apart from its gradient: the same bits.

    So do threads and instruction sets.
    """
    network = Network(layers, "tanh")
    plan = Plan(RULES[rule](learning_rate=0.01), batch_size=batch_size, l2=0.01)
    samples, start = draw_run(network, plan, 300, dtype=dtype)
    ways = [(name, threads, clip) for name in engines.FUSED for threads in (1, 3) for clip in (None, 1e30)]
    made = [
        one_call(
            engines.make_engine(name, threads),
            network,
            start,
            samples,
            plan.replace(clip=clip),
            3,
            norms_every=1,
        )
        for name, threads, clip in ways
    ]
    for other in made[1:]:
        assert_same_bits(other.state, made[0].state)
        assert other.norms.tobytes() == made[0].norms.tobytes()
    clipped = one_call(
        engines.make_engine(engines.FUSED[0]),
        network,
        start,
        samples,
        plan.replace(clip=1e-3),
        3,
        norms_every=1,
    )
    assert clipped.norms[0, 0] == made[0].norms[0, 0] > 1e-3
    assert clipped.norms.tobytes() != made[0].norms.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "plan", [Plan(GradientDescent(0.1)), Plan(Momentum(0.01), l1=0.001)], ids=["rests", "l1"]
)
def test_sparse_or_dense(plan: Plan, dtype: str) -> None:
    """Sparse rows give the norms of the dense matrix."""
    network, plan = Network([120, 30, 3], "tanh"), plan.replace(batch_size=9)
    sparse, dense, start = draw_sparse_run(network, plan, 40, dtype=dtype)
    for name in engines.FUSED:
        for threads in (1, 2):
            engine = engines.make_engine(name, threads)
            made = [one_call(engine, network, start, X, plan, 9, norms_every=1) for X in (sparse, dense)]
            np.testing.assert_array_equal(made[0].state.theta, made[1].state.theta)
            assert made[0].norms.tobytes() == made[1].norms.tobytes()
            assert np.isfinite(made[0].norms).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("size", "told"), [(1e25, np.inf), (1e-25, 0.0)])
def test_squares_beyond_the_dtype(size: float, told: float, dtype: str) -> None:
    """Where squares overflow float32 the length is infinite, where they underflow it is 0; the run goes on.

    In float64 they are told as they are, and so are they by the readable engine.
    """
    network = Network([1, 1], "identity", "squared_error", output="identity", biases=False)
    plan = Plan(Momentum(1e-30, 0.9), batch_size=1)
    samples = Samples.check(network, np.full((1, 1), size, dtype), np.ones((1, 1), dtype))
    start = State(np.zeros(1, dtype), np.zeros((1, 1), dtype), 0)
    for name in (*engines.FUSED, "reference"):
        found = one_call(engines.make_engine(name), network, start, samples, plan, 1, norms_every=1)
        in_float32 = dtype == "float32" and name != "reference"
        assert found.norms[0, 0] == (told if in_float32 else pytest.approx(size, rel=1e-6))
        assert found.state.finite

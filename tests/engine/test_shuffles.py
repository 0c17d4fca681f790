"""scikit-learn's orders: drawn in C++, by NumPy and by scikit-learn itself, asked for in any sequence."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import shuffle

from comparisons import assert_same_bits
from engines import NATIVE, make_engine
from runs import draw_run, in_pieces, one_call
from schuss.engine import native
from schuss.engine.shuffles import Draw, Shuffles, draw_with_numpy
from schuss.method.network import Network
from schuss.method.orders import Blocks, Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import Momentum

DRAWS: dict[str, Draw] = {"numpy": draw_with_numpy}
if native.available():
    from schuss.engine import _kernel

    DRAWS["kernel"] = _kernel.shuffled_orders

each_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
seeds = st.integers(0, 2**32 - 1)


def drawn_by_scikit_learn(generator: np.random.RandomState, n: int, epochs: int) -> np.ndarray:
    order, orders = np.arange(n), []
    for _ in range(epochs):
        order = shuffle(order, random_state=generator)
        orders.append(order)
    return np.array(orders).reshape(epochs, n)


@each_draw
@given(seed=seeds, n=st.integers(1, 700), used=st.integers(0, 700))
def test_the_orders_are_scikit_learns(draw, seed, n, used):
    """From any state of the generator, in the middle of its words too."""
    generator = np.random.RandomState(seed)
    generator.random_sample(used)
    order = Shuffled.of(generator)
    expected = drawn_by_scikit_learn(generator, n, 4)
    np.testing.assert_array_equal(Shuffles(order, n, draw).orders(0, 4), expected)
    np.testing.assert_array_equal(order.orders(n, 0, 4), expected)


@each_draw
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), min_size=1, max_size=9))
def test_whatever_was_asked_before(draw, asked):
    """Forwards, backwards and again, an epoch's order is the same."""
    order = Shuffled.of(np.random.RandomState(3))
    whole, made = order.orders(11, 0, 20), Shuffles(order, 11, draw)
    for first, epochs in asked:
        np.testing.assert_array_equal(made.orders(first, first + epochs), whole[first : first + epochs])


@each_draw
def test_two_threads_ask_at_once(draw):
    """What one remembers and lets go does not disturb the other."""
    order = Shuffled.of(np.random.RandomState(3))
    whole, made = order.orders(11, 0, 20), Shuffles(order, 11, draw)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as threads:
            epochs = [int(i) for i in np.random.default_rng(0).integers(0, 19, 600)]
            for epoch, found in zip(
                epochs, threads.map(lambda i: made.orders(i, i + 1), epochs), strict=True
            ):
                np.testing.assert_array_equal(found, whole[epoch : epoch + 1])
                assert (found != whole[epoch + 1]).any()  # no two epochs are alike
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("engine_name", ["reference", *NATIVE])
@pytest.mark.parametrize("order", ["philox", "sequential", Blocks(5), Shuffled.of(np.random.RandomState(1))])
def test_an_engine_knows_the_rows_of_a_step(engine_name, order):
    """Those of the plan, in whatever order they are asked for."""
    plan, engine = Plan(order=order, batch_size=7, epochs=4), make_engine(engine_name)
    for step in (0, 1, 3, 4, 15, 9, 2):
        assert engine.rows_of(plan, step, 23).tolist() == plan.batch(step, 23).tolist()
    assert engine.rows_of(plan, 4, 23).tolist() != plan.batch(5, 23).tolist()


def test_another_state_is_noticed():
    """The comparison rejects the next draw of the same generator, and an order not built on another."""
    generator = np.random.RandomState(0)
    order = Shuffled.of(generator)
    generator.randint(10)
    assert (order.orders(50, 0, 2) != Shuffled.of(generator).orders(50, 0, 2)).any()
    first, second = order.orders(50, 0, 2)
    places = np.arange(50)
    again = order.generator()
    for _ in range(2):
        places = np.arange(50)
        again.shuffle(places)
    assert (second == first[places]).all()
    assert (second != places).any()


@pytest.mark.parametrize("engine_name", ["reference", *NATIVE])
@pytest.mark.parametrize("batch_size", [7, 40])
def test_training_follows_them(engine_name, batch_size):
    """At once or in pieces, and as an explicitly ordered training does, sample for sample."""
    network = Network([4, 5, 2], "tanh")
    order = Shuffled.of(np.random.RandomState(8))
    plan = Plan(Momentum(0.05, 0.9), batch_size=batch_size, order=order, epochs=4)
    samples, start = draw_run(network, plan, 40)
    engine, steps = make_engine(engine_name), plan.steps(40)
    whole = one_call(engine, network, start, samples, plan, steps)
    assert_same_bits(whole.state, in_pieces(engine, network, start, samples, plan, [1, 3, steps]).state)

    state = start
    for epoch, rows in enumerate(order.orders(40, 0, 4)):
        explicit = plan.replace(order="sequential")
        stop = (epoch + 1) * plan.steps_per_epoch(40)
        state = one_call(engine, network, state, samples.take(rows), explicit, stop).state
    assert_same_bits(whole.state, state)


@pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")
@pytest.mark.parametrize(
    ("words", "position", "n"), [(623, 0, 5), (624, -1, 5), (624, 625, 5), (624, 0, 4)], ids=str
)
def test_what_is_no_state_is_refused(words, position, n):
    """At the kernel's door."""
    with pytest.raises(ValueError, match=r"no state|differ in length"):
        _kernel.shuffled_orders(
            np.ones(words, np.uint32), position, np.arange(n, dtype=np.int32), np.empty((1, 5), np.int32)
        )

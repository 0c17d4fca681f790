"""A network trained beside others has the bits that it has alone: in the lanes of vectors or by itself.

19 networks fill no whole number of vectors of any width, so the last group repeats its last network.
"""

from typing import Any

import numpy as np
import pytest

import engines
from cases import FREE_LOSSES, HIDDEN, PARAMETERS
from comparisons import TOLERANCE, assert_near
from kinds_of_rules import KERNEL_RULES as RULES
from pairings import with_every_rule
from runs import draw_run, draw_sparse_run
from schuss.engine.engine import AdvanceMany
from schuss.method.functions import LOSSES, OUTPUT_ONLY, Loss
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import Momentum
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine
from schuss.method.state import States

LAYERS = (5, 7, 3, 4)
COUNT = 19
RATES = tuple(np.linspace(0.01, 0.03, COUNT).tolist())
DTYPES = ["float32", "float64"]
BATCHES = {1: 7, 3: 10, None: 9, 300: 700}  # batch size: samples; the last comes in chunks

COMBINATIONS = [(a, a, "squared_error") for a in HIDDEN]
COMBINATIONS += [("tanh", out, "huber") for out in OUTPUT_ONLY]
COMBINATIONS += [("gelu", LOSSES[n].partner or "identity", n) for n in LOSSES if n != "squared_error"]
COMBINATIONS += [("silu", "softmax", n) for n in FREE_LOSSES]

pytestmark = pytest.mark.skipif(not engines.NATIVE, reason="no compiled kernel here")


def plans_of(plan: Plan, **columns: Any) -> Plans:
    """Return plans with a learning rate for each, and orders of four seeds."""
    seeds = tuple(i % 4 for i in range(COUNT))
    return Plans(plan, {"learning_rate": RATES, "seed": seeds, **columns}, COUNT)


def start_of(network: Network, plans: Plans, dtype: str) -> States:
    theta = np.stack([network.initial(i, dtype) for i in range(len(plans))])
    return States(theta, np.zeros((len(plans), len(plans.plan.rule.memory), theta.shape[1]), dtype))


def alone(
    engine: Any, network: Network, start: States, samples: Samples, plans: Plans, stop: int
) -> AdvanceMany:
    """Train each network by itself, by `advance`."""
    made = [engine.advance(network, start[i], samples, plans[i], stop) for i in range(len(plans))]
    assert {one.outcome for one in made} == {"done"}
    theta, memory = (np.stack([getattr(one.state, name) for one in made]) for name in ("theta", "memory"))
    return AdvanceMany.of(States(theta, memory, stop), np.stack([one.losses for one in made]))


def assert_equal(a: AdvanceMany, b: AdvanceMany) -> None:
    """Fail unless weights, memory and step losses of all networks are equal to the last bit."""
    for name in ("theta", "memory"):
        mine, other = getattr(a.states, name), getattr(b.states, name)
        assert mine.tobytes() == other.tobytes(), (
            f"{name}: {int((mine != other).sum())} of {mine.size} differ"
        )
    assert a.losses.tobytes() == b.losses.tobytes(), "losses"
    assert a.finite.tolist() == b.finite.tolist(), "finite"
    assert a.states.step == b.states.step


def assert_all_ways(
    network: Network, plans: Plans, samples: Samples, stop: int, *, lanes: bool = True
) -> AdvanceMany:
    """Fail unless every layout, instruction set and number of threads gives what `advance` gives alone."""
    start = start_of(network, plans, samples.X.dtype.name)
    for name in engines.NATIVE:
        expected = alone(engines.make_engine(name), network, start, samples, plans, stop)
        assert expected.finite.all()
        for layout, threads in (("lanes", 1), ("lanes", 2), ("alone", 2), ("fastest", 1)):
            if layout != "lanes" or lanes:
                engine = engines.make_engine(name, threads)
                found = engine.advance_many(network, start, samples, plans, stop, layout=layout)
                assert_equal(found, expected)
        if name in engines.FUSED[:1]:
            fused = expected
        elif name in engines.FUSED:
            assert_equal(expected, fused)
    return expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_every_function(hidden, output, loss, dtype):
    """For every activation and loss, with penalties that some networks have and others have not."""
    network = Network(LAYERS, [hidden, hidden, output], Loss(loss, PARAMETERS.get(loss)))
    l2 = tuple(0.01 * (i % 2) for i in range(COUNT))
    l1 = tuple(0.001 * (i % 3) for i in range(COUNT))
    plans = plans_of(Plan(Momentum(momentum=0.8), batch_size=3), l2=l2, l1=l1)
    samples, _ = draw_run(network, plans.plan, 10, dtype=dtype)
    assert_all_ways(network, plans, samples, 9)


@pytest.mark.parametrize(("rule", "batch_size", "dtype"), with_every_rule(BATCHES, DTYPES))
def test_every_rule_and_batch(rule, batch_size, dtype):
    """For every rule, with batches of one sample, of some, of all, and of several chunks."""
    network = Network(LAYERS, "tanh", "cross_entropy")
    plans = plans_of(Plan(RULES[rule](), batch_size=batch_size))
    samples, _ = draw_run(network, plans.plan, BATCHES[batch_size], dtype=dtype)
    assert_all_ways(network, plans, samples, 5)


@pytest.mark.parametrize("inputs", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_few_inputs_in_chunks(inputs, dtype):
    """Where the first layer's gradient is made without its error signals, also from one chunk to the next."""
    single = [Network((inputs, 7, 1), "tanh", biases=biases) for biases in (True, False)]
    for network in (
        Network((inputs, 7, 2), "tanh"),
        Network((inputs, 6, 3, 1), "tanh", biases=False),
        *single,
    ):
        plans = plans_of(Plan(batch_size=600))
        samples, _ = draw_run(network, plans.plan, 700, dtype=dtype)
        assert_all_ways(network, plans, samples, 3)


SHUFFLED = Shuffled.of(np.random.RandomState(5))
SETTINGS = {
    "weights": (Plan(batch_size=4), {}),
    "decay": (Plan(batch_size=4), {"weight_decay": tuple(0.1 * i for i in range(COUNT))}),
    "schedule": (Plan(Momentum(momentum=Cosine(0.9)), batch_size=4, weight_decay=0.5), {}),
    "schedules": (Plan(batch_size=4), {"learning_rate": tuple(Cosine(rate) for rate in RATES)}),
    "orders": (
        Plan(batch_size=4),
        {"order": tuple(("philox", "sequential", SHUFFLED)[i % 3] for i in range(COUNT))},
    ),
    "sum": (Plan(batch_size=4, reduction="sum", as_scikit_learn=True), {"momentum": RATES}),
    "sequential": (Plan(batch_size=4, order="sequential"), {}),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_setting(name, dtype):
    """With weighted samples, decay, schedules, orders of every kind, sums; in one call or cut in two."""
    plan, columns = SETTINGS[name]
    network = Network((5, 6, 3), "tanh", "binary_cross_entropy")
    plans = plans_of(plan, **columns)
    samples, _ = draw_run(network, plan, 10, dtype=dtype, weighted=name in ("weights", "sum"))
    whole = assert_all_ways(network, plans, samples, 8)
    for engine in map(engines.make_engine, engines.NATIVE[-1:]):
        first = engine.advance_many(network, start_of(network, plans, dtype), samples, plans, 2)
        second = engine.advance_many(network, first.states, samples, plans, 8)
        assert_equal(second._replace(losses=np.hstack([first.losses, second.losses])), whole)


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_biases_and_in_groups(dtype):
    """Without biases, with groups of outputs, with classes for targets, and with no hidden layer."""
    plans = plans_of(Plan(batch_size=4))
    for network in (
        Network((5, 6, 5), "relu", "cross_entropy", groups=(2, 3), biases=False),
        Network((5, 3), loss="focal"),
        Network((5, 3, 1), "elu", "mean_squared_error", biases=False),
        Network((5, 9, 9, 9, 2), "logistic", Loss("quantile", (0.1, 0.9))),
    ):
        samples, _ = draw_run(network, plans.plan, 10, dtype=dtype)
        assert_all_ways(network, plans, samples, 7)
    network = Network((5, 4, 3), "tanh", "cross_entropy")
    X = np.random.default_rng(0).standard_normal((10, 5)).astype(dtype)
    assert_all_ways(network, plans, Samples.check(network, X, np.arange(10) % 3), 7)


@pytest.mark.parametrize("order", ["philox", "sequential"])
@pytest.mark.parametrize("hidden", ["tanh", "silu"])
@pytest.mark.parametrize("biases", [True, False])
def test_every_size_of_tile(hidden, order, biases):
    """With widths and batches at, below and beyond 1, 2, 4 and 8, the sizes of tiles; samples weighted."""
    for width in range(1, 10):
        plan = Plan(batch_size=10 - width, order=order, as_scikit_learn=width % 2 == 0, reduction="sum")
        network = Network((width, 10 - width, width), hidden, biases=biases)
        samples, _ = draw_run(network, plan, 20, dtype="float32", weighted=True)
        assert_all_ways(network, plans_of(plan), samples, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("what", ["dropout", "clip", "sparse", "large"])
def test_what_lanes_do_not_know(what, dtype):
    """Dropout, clipping and sparse rows go through `advance`, from the same queue; so do large networks."""
    network = Network((100, 60, 5) if what == "large" else LAYERS, "tanh")
    plan = Plan(batch_size=4, dropout=0.5 if what == "dropout" else 0.0, clip=0.1 if what == "clip" else None)
    plans = plans_of(plan)
    samples = draw_sparse_run(network, plan, 10, dtype=dtype)[0] if what == "sparse" else None
    samples = samples or draw_run(network, plan, 10, dtype=dtype)[0]
    assert_all_ways(network, plans, samples, 5, lanes=what == "large")
    if what != "large":
        engine, start = engines.make_engine(engines.NATIVE[0]), start_of(network, plans, dtype)
        with pytest.raises(ValueError, match="lanes do not know these settings"):
            engine.advance_many(network, start, samples, plans, 5, layout="lanes")


@pytest.mark.parametrize("name", engines.NATIVE)
@pytest.mark.parametrize("column", ["learning_rate", "seed", "l2", "momentum"])
def test_a_swapped_setting_is_rejected(column, name):
    """Two networks that have each other's setting do not pass the comparison above."""
    network, values = Network(LAYERS, "tanh"), [1 + i for i in range(COUNT)]
    columns = {"learning_rate": RATES, "seed": tuple(values), "l2": RATES, "momentum": RATES}
    plans = plans_of(Plan(batch_size=3), **columns)
    twisted = list(columns[column])
    twisted[4], twisted[17] = twisted[17], twisted[4]
    twin = plans_of(plans.plan, **{**columns, column: tuple(twisted)})
    samples, _ = draw_run(network, plans.plan, 10, dtype="float32")
    engine, start = engines.make_engine(name), start_of(network, plans, "float32")
    expected = alone(engine, network, start, samples, plans, 5)
    assert_equal(engine.advance_many(network, start, samples, plans, 5), expected)
    with pytest.raises(AssertionError, match="differ"):
        assert_equal(engine.advance_many(network, start, samples, twin, 5), expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_against_the_readable_engine(rule, dtype):
    """The readable engine trains one after the other and ends near; with other rates it does not."""
    network, name = Network((4, 5, 2), "tanh"), RULES[rule].rates[-1]
    plans = plans_of(Plan(RULES[rule](), batch_size=3))
    samples, _ = draw_run(network, plans.plan, 8, dtype=dtype)
    start = start_of(network, plans, dtype)
    expected = engines.make_engine("reference").advance_many(network, start, samples, plans, 6)
    for native in engines.NATIVE:
        found = engines.make_engine(native).advance_many(network, start, samples, plans, 6)
        assert_near(found.states.theta, expected.states.theta, 10 * TOLERANCE[dtype], "weights")
        assert_near(found.losses, expected.losses, 10 * TOLERANCE[dtype], "losses")
        twin = plans_of(plans.plan, **{name: tuple(0.5 + 0.001 * i for i in range(COUNT))})
        other = engines.make_engine(native).advance_many(network, start, samples, twin, 6)
        with pytest.raises(AssertionError, match="weights differ"):
            assert_near(other.states.theta, expected.states.theta, 10 * TOLERANCE[dtype], "weights")


@pytest.mark.parametrize("name", engines.NATIVE)
@pytest.mark.parametrize("layout", ["lanes", "alone"])
def test_one_that_diverges_spoils_no_other(name, layout):
    """Beside a network whose rate is far too high the others end in their own bits."""
    network = Network(LAYERS, "relu")
    columns = {"learning_rate": tuple(1e30 if i == 5 else rate for i, rate in enumerate(RATES))}
    plans, sound = plans_of(Plan(batch_size=3), **columns), plans_of(Plan(batch_size=3))
    samples, _ = draw_run(network, plans.plan, 10, dtype="float32")
    engine, start = engines.make_engine(name), start_of(network, plans, "float32")
    found = engine.advance_many(network, start, samples, plans, 8, layout=layout)
    expected = alone(engine, network, start, samples, sound, 8)
    assert found.finite.tolist() == [i != 5 for i in range(COUNT)]
    others = found.finite
    assert_equal(
        AdvanceMany.of(found.states.take(np.flatnonzero(others)), found.losses[others]),
        AdvanceMany.of(expected.states.take(np.flatnonzero(others)), expected.losses[others]),
    )

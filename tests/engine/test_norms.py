"""Norms of every k-th step are the lengths that they claim to be, and taking them changes no bit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from pairings import with_every_rule
from runs import change_of, draw_run, draw_sparse_run, one_call
from schuss.engine.engine import Advance, Engine
from schuss.engine.native import NativeEngine
from schuss.errors import SettingError
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum, Nesterov
from schuss.method.samples import Samples, is_sparse
from schuss.method.schedules import Cosine
from schuss.method.state import State

DTYPES = ["float64", "float32"]
NETWORK, LARGE = Network([5, 9, 6, 3], "tanh"), Network([200, 300, 150, 20], "relu")
# Squares are added up in the dtype; by the readable engine in float64.
NEAR = {"float64": 1e-13, "float32": 2e-6}

SETTINGS = {
    "plain": {},
    "penalties": {"l2": 0.1, "l1": 0.01, "reduction": "sum"},
    "decay": {"weight_decay": 0.5},
    "clipped": {"clip": 0.02, "weight_decay": 0.5, "l1": 0.01},
    "dropout": {"dropout": (0.5, 0.2)},
    "chunks": {"batch_size": 600},
    "chunks, clipped": {"batch_size": 600, "clip": 0.02},
}


def plan_of(rule: str, name: str) -> Plan:
    return Plan(RULES[rule](learning_rate=Cosine(0.01)), epochs=3, **{"batch_size": 8, **SETTINGS[name]})


def draw(kind: str, network: Network, plan: Plan, dtype: str, n: int = 37) -> tuple[Samples, State]:
    """Draw samples, so many that the second batch is short, and the state before the first step."""
    n = max(n, plan.batch_of(10**6) * 3 // 2)
    if kind == "sparse":
        samples, _, start = draw_sparse_run(network, plan, n, density=0.3, dtype=dtype)
        return samples, start
    return draw_run(network, plan, n, dtype=dtype, weighted=kind == "weighted")


def lengths(
    engine: Engine, network: Network, start: State, samples: Samples, plan: Plan, stop: int, every: int
) -> Iterator[list[float]]:
    """Yield the norms of each step whose number `every` divides: slowly, from the states around it."""
    free = replace(plan.objective, clip=None)
    for step in range(start.step, stop):
        after = one_call(engine, network, start, samples, plan, step + 1).state
        if step % every == 0:
            batch = samples.take(plan.batch(step, len(samples)))
            dropout = plan.dropout_at(step, network.depth - 1)
            gradient = engine.gradient(network, start.theta, batch, free, dropout).gradient
            vectors = gradient, after.velocity, change_of(plan, start, after)
            yield [float(np.sqrt(np.sum(np.square(v, dtype=np.float64)))) for v in vectors]
        start = after


def assert_lengths(found: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    """Fail unless norms are the lengths that another way finds, but for roundings."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=NEAR[dtype], atol=0)


def assert_same_run(found: Advance, plain: Advance) -> None:
    """Fail unless two runs ended in the same state and saw the same losses, to the last bit."""
    assert_same_bits(found.state, plain.state)
    assert found.losses.tobytes() == plain.losses.tobytes()


def may_wait(engine: Engine, samples: Samples, plan: Plan) -> bool:
    """Whether weights that no sample of a batch meets may lag behind."""
    moves = plan.rule.name != "gradient_descent" or plan.weight_decay > 0
    apart = plan.l1 or plan.l2 or plan.clip
    return isinstance(engine, NativeEngine) and is_sparse(samples.X) and moves and not apart


@pytest.mark.parametrize(
    ("rule", "name", "kind", "dtype"), with_every_rule(SETTINGS, ["dense", "weighted", "sparse"], DTYPES)
)
def test_every_rule_and_plan(engine, rule, name, kind, dtype):
    """Of every third step they are the lengths of gradient, memory and change; no bit of the run changes."""
    plan = plan_of(rule, name)
    samples, start = draw(kind, NETWORK, plan, dtype)
    stop = plan.steps_per_epoch(len(samples)) + 3
    found = one_call(engine, NETWORK, start, samples, plan, stop, norms_every=3)
    assert_same_run(found, one_call(engine, NETWORK, start, samples, plan, stop))
    expected = np.array(list(lengths(engine, NETWORK, start, samples, plan, stop, 3)))
    if may_wait(engine, samples, plan):
        expected[...] = np.nan
    assert_lengths(found.norms, expected, dtype)
    if plan.clip and kind == "dense":
        assert (found.norms[:, 0] > plan.clip).any()


@pytest.mark.parametrize("every", [1, 3, 4, 100])
@pytest.mark.parametrize("stops", [[1, 2, 3, 11], [5, 6, 11], [11]])
def test_one_call_or_many(engine, stops, every):
    """Cut at any step, they are the same numbers, of the steps whose number is a multiple."""
    plan = plan_of("momentum", "decay")
    samples, start = draw("dense", NETWORK, plan, "float32")
    all_norms = one_call(engine, NETWORK, start, samples, plan, 11, norms_every=1).norms
    assert len(all_norms) == 11
    state, parts = start, []
    for stop in stops:
        result = one_call(engine, NETWORK, state, samples, plan, stop, norms_every=every)
        parts.append(result.norms)
        state = result.state
    assert np.concatenate(parts).tobytes() == all_norms[::every].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["plain", "clipped", "dropout", "chunks", "chunks, clipped"])
@pytest.mark.skipif(not engines.FUSED, reason="no fused instruction set here")
def test_on_several_threads(name, dtype):
    """One to three threads, on every fused instruction set, find the same norms to the last bit."""
    plan = plan_of("nesterov", name)
    plan = plan.replace(batch_size=max(128, plan.batch_size))
    samples, start = draw("dense", LARGE, plan, dtype)
    ways = [engines.make_engine(engine, threads) for engine in engines.FUSED for threads in (1, 2, 3)]
    runs = [one_call(engine, LARGE, start, samples, plan, 4, norms_every=2) for engine in ways]
    assert_same_run(runs[0], one_call(ways[-1], LARGE, start, samples, plan, 4))
    for other in runs[1:]:
        assert other.norms.tobytes() == runs[0].norms.tobytes()
    expected = np.array(list(lengths(ways[0], LARGE, start, samples, plan, 4, 2)))
    assert_lengths(runs[0].norms, expected, dtype)
    others = one_call(ways[0], LARGE, start, samples, plan.replace(l1=1e-4), 4, norms_every=2)
    assert others.norms.tobytes() != runs[0].norms.tobytes()


@pytest.mark.parametrize("layers", [(1000, 803), (60, 1), (1, 60), (49, 2, 7)], ids=str)
@pytest.mark.parametrize("biases", [True, False])
def test_other_shapes(engine, layers, biases):
    """The same for layers of one unit or very many, of weights that are summed apart, without biases."""
    network, plan = Network(layers, "softplus", biases=biases), Plan(Momentum(0.01), batch_size=256)
    samples, start = draw_run(network, plan, 300, dtype="float32")
    found = one_call(engine, network, start, samples, plan, 3, norms_every=1)
    assert_same_run(found, one_call(engine, network, start, samples, plan, 3))
    expected = np.array(list(lengths(engine, network, start, samples, plan, 3, every=1)))
    assert_lengths(found.norms, expected, "float32")


def test_a_long_update_of_sparse_rows_has_none_either(isa):
    """Where weights may lag there are none, also where an update so long is summed apart and nothing lags."""
    network, plan = Network([1000, 400, 300], "relu"), Plan(Momentum(0.01, 0.9), batch_size=256)
    samples, dense, start = draw_sparse_run(network, plan, 256, density=0.3, dtype="float32")
    engine = engines.make_engine(f"native-{isa}")

    assert np.isnan(one_call(engine, network, start, samples, plan, 1, norms_every=1).norms).all()
    assert not np.isnan(one_call(engine, network, start, dense, plan, 1, norms_every=1).norms).any()


def test_none(engine):
    """Where none are asked for, or no step is made, there are none."""
    plan = plan_of("momentum", "plain")
    samples, start = draw("dense", NETWORK, plan, "float64")
    for stop, how in ((3, {}), (3, {"norms_every": 0}), (0, {"norms_every": 1})):
        assert engine.advance(NETWORK, start, samples, plan, stop, **how).norms.shape == (0, 3)


def test_a_rule_without_memory(engine):
    """Its memory has length 0."""
    plan = Plan(GradientDescent(0.01), batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float64")
    norms = one_call(engine, NETWORK, start, samples, plan, 4, norms_every=2).norms
    assert norms[:, 1].tolist() == [0.0, 0.0]
    assert (norms[:, [0, 2]] > 0).all()


def test_a_run_that_is_stopped(engine):
    """Where poll stops a run there are norms of just the steps that were made."""
    plan = Plan(Momentum(1e-4), epochs=10**8, batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float64")
    made = engine.advance(NETWORK, start, samples, plan, 10**8, poll=lambda *_: True, norms_every=4)
    assert made.outcome == "interrupted"
    assert len(made.norms) == -(-made.state.step // 4)
    again = one_call(engine, NETWORK, start, samples, plan, made.state.step, norms_every=4)
    assert made.norms.tobytes() == again.norms.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_run_that_diverges(engine, dtype):
    """The last step of a run that is no longer finite counts as made."""
    network, plan = Network([5, 9, 3], "relu"), Plan(Momentum(1e3, 0.9), epochs=100, batch_size=8)
    samples, start = draw_run(network, plan, 37, dtype=dtype)
    made = engine.advance(network, start, samples, plan, 400, norms_every=1)
    assert made.outcome == "not_finite"
    assert len(made.norms) == made.state.step < 400
    assert not np.isfinite(made.norms[-1]).all()


@pytest.mark.parametrize("every", [-1, 2.0, None, True, "3"])
def test_what_is_no_number_of_steps(engine, every):
    """It must be an integer of at least 0."""
    plan = plan_of("momentum", "plain")
    samples, start = draw("dense", NETWORK, plan, "float64")
    with pytest.raises(SettingError, match="norms_every"):
        engine.advance(NETWORK, start, samples, plan, 3, norms_every=every)


@pytest.mark.parametrize("wrong", ["the step before", "clipped", "columns changed about", "one weight less"])
def test_wrong_norms_are_rejected(engine, wrong):
    """The comparison rejects norms of another step, of the clipped gradient, of another vector, of a part."""
    plan = Plan(Nesterov(0.01), batch_size=8, clip=0.02)
    samples, start = draw("dense", NETWORK, plan, "float32")
    found = one_call(engine, NETWORK, start, samples, plan, 6, norms_every=1).norms
    expected = np.array(list(lengths(engine, NETWORK, start, samples, plan, 6, every=1)))
    assert_lengths(found, expected, "float32")
    after = one_call(engine, NETWORK, start, samples, plan, 1).state
    part = float(np.linalg.norm(after.velocity[1:].astype(float)))
    spoiled = {
        "the step before": np.roll(found, 1, axis=0),
        "clipped": np.minimum(found, [plan.clip, np.inf, np.inf]),
        "columns changed about": found[:, [0, 2, 1]],
        "one weight less": np.vstack([[found[0, 0], part, found[0, 2]], found[1:]]),
    }[wrong]
    with pytest.raises(AssertionError):
        assert_lengths(spoiled, expected, "float32")

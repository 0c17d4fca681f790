"""What an engine keeps from call to call changes no bit: workspaces, networks, generators of orders.

Each test compares an engine with a history to a new engine, which has none.
"""

import copy
import pickle
import threading

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from runs import draw_run, in_pieces, one_call
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum
from schuss.method.state import State

SMALL = Network([7, 13, 5], "tanh", "cross_entropy")


def new(isa: str) -> engines.Engine:
    return engines.make_engine(f"native-{isa}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_calls_of_every_kind_in_turn(isa, dtype):
    """Gradients, outputs and steps of other rules, batches and dtypes in between change no bit."""
    used, plans = new(isa), [Plan(rule(), batch_size=b) for rule in RULES.values() for b in (1, 8, 300)]
    for plan in [*plans, *reversed(plans)]:
        for kind in (dtype, "float32"):
            samples, start = draw_run(SMALL, plan, 320, dtype=kind, weighted=plan.batch_size == 8)
            objective = plan.replace(clip=0.1).objective
            expected = one_call(new(isa), SMALL, start, samples, plan, 3)
            assert_same_bits(one_call(used, SMALL, start, samples, plan, 3).state, expected.state)
            for ask in (
                lambda e, s=samples, t=start.theta: e.outputs(SMALL, t, s.X),
                lambda e, s=samples, t=start.theta, o=objective: e.gradient(SMALL, t, s, o).gradient,
            ):
                assert ask(used).tobytes() == ask(new(isa)).tobytes()


@pytest.mark.parametrize("rule", RULES)
def test_what_diverged_leaves_nothing_behind(isa, rule):
    """After a run that ended in NaN everywhere, the next one is as on a new engine, and finite."""
    used, plan = new(isa), Plan(RULES[rule](), batch_size=8)
    samples, start = draw_run(SMALL, plan, 40)
    poisoned = State(np.full_like(start.theta, np.nan), np.full_like(start.memory, np.inf), 0)
    for step in (1, 5):
        assert used.advance(SMALL, poisoned, samples, plan, step).state.step == 1
    used.gradient(SMALL, poisoned.theta, samples, plan.objective)
    used.outputs(SMALL, poisoned.theta, samples.X)
    found = one_call(used, SMALL, start, samples, plan, 20, check_each_step=True)
    assert_same_bits(found.state, one_call(new(isa), SMALL, start, samples, plan, 20).state)
    assert found.state.finite


def test_what_was_interrupted_leaves_nothing_behind(isa):
    """After a run that was stopped in the middle of its steps, the next one is as on a new engine."""
    used, plan = new(isa), Plan(Momentum(1e-3), epochs=10**6, batch_size=8)
    samples, start = draw_run(SMALL, plan, 40)
    stopped = used.advance(SMALL, start, samples, plan, 10**6, poll=lambda *_: True)
    assert stopped.outcome == "interrupted"
    expected = one_call(new(isa), SMALL, start, samples, plan, 20).state
    assert_same_bits(one_call(used, SMALL, start, samples, plan, 20).state, expected)


def test_many_networks(isa):
    """More networks than are kept, each asked twice: equal networks are one, others are apart."""
    used = new(isa)
    for _ in range(2):
        for units in range(1, 40):
            network = Network([3, units, 2], "relu" if units % 2 else "tanh")
            theta, X = network.initial(units), np.ones((2, 3))
            assert used.outputs(network, theta, X).tobytes() == new(isa).outputs(network, theta, X).tobytes()


@pytest.mark.parametrize("name", engines.ALL)
@pytest.mark.parametrize("twin", [copy.deepcopy, copy.copy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301  # ours
def test_an_engine_with_a_history_can_be_copied(name, twin):
    """Copies and pickles have the same settings, and go on by themselves."""
    plan = Plan(batch_size=8, order=Shuffled.of(np.random.RandomState(1)))
    samples, start = draw_run(SMALL, plan, 40)
    engine = engines.make_engine(name)
    expected = one_call(engine, SMALL, start, samples, plan, 12)
    other = twin(engine)
    assert other is not engine
    assert other.info == engine.info
    assert_same_bits(one_call(other, SMALL, start, samples, plan, 12).state, expected.state)


@pytest.mark.parametrize("name", engines.ALL)
def test_shuffled_orders_in_any_order(name):
    """Steps of late epochs, early ones and other numbers of samples in turn: each order is its own."""
    engine, network = engines.make_engine(name), Network([3, 2])
    for seed, n, first in [
        (1, 20, 0),
        (1, 20, 9),
        (1, 20, 10),
        (2, 20, 3),
        (1, 21, 4),
        (1, 20, 2),
        (1, 20, 11),
    ]:
        plan = Plan(GradientDescent(0.1), batch_size=5, order=Shuffled.of(np.random.RandomState(seed)))
        samples, start = draw_run(network, plan, n)
        per_epoch = plan.steps_per_epoch(n)
        start = State(start.theta, start.memory, first * per_epoch + 1)
        stop = start.step + per_epoch + 1
        other = engines.make_engine(name)
        expected = in_pieces(other, network, start, samples, plan, range(start.step + 1, stop + 1))
        assert_same_bits(one_call(engine, network, start, samples, plan, stop).state, expected.state)
        by_hand = start.theta
        for step in range(start.step, stop):
            batch = samples.take(plan.batch(step, n))
            by_hand = by_hand - 0.1 * other.gradient(network, by_hand, batch, plan.objective).gradient
        np.testing.assert_allclose(expected.state.theta, by_hand, rtol=1e-12)


@pytest.mark.parametrize("name", engines.ALL)
def test_two_threads_train_step_by_step_on_one_engine(name):
    """Two trainings of one network at once on one engine, a call for each step: the bits of each alone."""
    engine, found, together = engines.make_engine(name), {}, threading.Barrier(2)
    jobs = {}
    for seed in (1, 2):
        plan = Plan(Momentum(0.01), epochs=30, batch_size=8, order=Shuffled.of(np.random.RandomState(seed)))
        jobs[seed] = plan, *draw_run(SMALL, plan, 40, seed)

    def train(seed: int) -> None:
        plan, samples, start = jobs[seed]
        together.wait()
        found[seed] = in_pieces(engine, SMALL, start, samples, plan, range(1, 151)).state

    threads = [threading.Thread(target=train, args=(seed,)) for seed in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, (plan, samples, start) in jobs.items():
        alone = one_call(engines.make_engine(name), SMALL, start, samples, plan, 150).state
        assert_same_bits(found[seed], alone)
    assert found[1].digest() != found[2].digest()

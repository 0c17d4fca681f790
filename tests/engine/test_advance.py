"""What `advance` promises on every engine: it is the gradient and the rule, however it is called."""

import numpy as np
import pytest

import worked_example as by_hand
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from runs import draw_run, in_pieces, one_call, step_by_step
from schuss.method.functions import LOSSES
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine, InverseScaling, Plateau

PLANS = {
    "short last batch": Plan(Momentum(0.05, 0.9), batch_size=8, seed=5),
    "penalties and sum": Plan(Nesterov(0.01, 0.8), batch_size=5, reduction="sum", l2=0.1, l1=0.01),
    "schedules": Plan(Momentum(Cosine(0.1, 0.01, 0.2), Cosine(0.9, 0.5)), epochs=4, batch_size=7),
    "sequential": Plan(GradientDescent(0.1), batch_size=10, order="sequential"),
    "one sample": Plan(Momentum(0.02, 0.5), batch_size=1),
    "all samples": Plan(Momentum(0.1, 1.0), batch_size=None),
    "more than all": Plan(Momentum(0.1, 0.9), batch_size=1000),
    "adam": Plan(Adam(0.01, epsilon=1e-6, age=3), batch_size=8),
    "adam, schedules": Plan(Adam(InverseScaling(0.1), Cosine(0.9, 0.5), Cosine(0.99, 0.9)), batch_size=9),
    "decay": Plan(Momentum(Plateau(0.1, drops=(2, 6)), 0.9), batch_size=8, weight_decay=0.5),
    "decay and penalties": Plan(Nesterov(0.05), batch_size=8, weight_decay=0.5, l2=0.1, l1=0.01),
    "decay under adam": Plan(Adam(0.01), batch_size=8, weight_decay=1.5, l2=0.1),
    "clipped": Plan(Momentum(0.1, 0.9), batch_size=8, clip=0.05),
    "clipped, all": Plan(Adam(0.1), batch_size=None, clip=0.05, weight_decay=0.1, l1=0.01),
    "loss per output": Plan(Momentum(0.1, 0.9), batch_size=8, as_scikit_learn=True, l2=0.1),
    "shuffled": Plan(Momentum(0.1, 0.9), batch_size=8, order=Shuffled.of(np.random.RandomState(3))),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PLANS)
def test_advance_is_gradient_and_update(engine, name, dtype):
    """Over two epochs and a bit, advance equals repeated gradient and update, bit for bit."""
    network, plan = Network([5, 9, 6, 3], "tanh"), PLANS[name]
    samples, start = draw_run(network, plan, 37, dtype=dtype)
    stop = 2 * plan.steps_per_epoch(37) + 1
    fast = one_call(engine, network, start, samples, plan, stop)
    slow = step_by_step(engine, network, start, samples, plan, stop)
    assert_same_bits(fast.state, slow.state)
    assert fast.losses.tobytes() == slow.losses.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weighted_samples(engine, reduction, dtype):
    """The same where samples count differently, and batches of one sample may count nothing at all."""
    network = Network([5, 9, 3], "tanh", "huber")
    plan = Plan(Momentum(0.05, 0.9), batch_size=2, reduction=reduction, l2=0.1, clip=0.5)
    samples, start = draw_run(network, plan, 37, dtype=dtype, weighted=True)
    fast = one_call(engine, network, start, samples, plan, 40)
    slow = step_by_step(engine, network, start, samples, plan, 40)
    assert_same_bits(fast.state, slow.state)
    assert fast.losses.tobytes() == slow.losses.tobytes()
    plain = one_call(engine, network, start, Samples(samples.X, samples.T, None), plan, 40)
    assert plain.state.digest() != fast.state.digest()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_all_samples_count_alike(engine, dtype):
    """Weights of 1 change no bit, and neither does a decay of 0 or a length that no gradient reaches."""
    network = Network([5, 9, 3], "relu", "cross_entropy")
    plan = Plan(Momentum(0.05, 0.9), batch_size=8)
    samples, start = draw_run(network, plan, 37, dtype=dtype)
    ones = Samples(samples.X, samples.T, None, np.ones(37, dtype))
    plain = one_call(engine, network, start, samples, plan, 12)
    for other, how in ((ones, plan), (samples, plan.replace(weight_decay=0.0, clip=1e9))):
        found = one_call(engine, network, start, other, how, 12)
        assert_same_bits(found.state, plain.state)
        assert found.losses.tobytes() == plain.losses.tobytes()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
def test_for_every_rule_and_loss(engine, rule, loss):
    """The same for every rule with every loss."""
    network = Network([5, 9, 3], "gelu", loss)
    plan = Plan(RULES[rule](learning_rate=0.01), batch_size=8, l2=0.01)
    samples, start = draw_run(network, plan, 20)
    fast = one_call(engine, network, start, samples, plan, 7)
    slow = step_by_step(engine, network, start, samples, plan, 7)
    assert_same_bits(fast.state, slow.state)
    assert fast.losses.tobytes() == slow.losses.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("stops", [[1, 2, 3, 11], [3, 7, 11], [5, 11], [10, 11], [11]])
def test_one_call_or_many(engine, stops, dtype):
    """Cut at any step, in mid-epoch or at its end, a run ends in the same bits."""
    network, plan = Network([5, 9, 3], "relu"), Plan(Momentum(0.05, 0.9), batch_size=8, seed=2)
    samples, start = draw_run(network, plan, 37, dtype=dtype)  # 5 steps an epoch
    whole = one_call(engine, network, start, samples, plan, 11)
    pieces = in_pieces(engine, network, start, samples, plan, stops)
    assert_same_bits(whole.state, pieces.state)
    assert whole.losses.tobytes() == pieces.losses.tobytes()


def test_watching_changes_nothing(engine):
    """With or without poll, with or without a check at each step: the same bits."""
    network, plan = Network([5, 9, 3], "relu"), Plan(Momentum(0.05, 0.9), batch_size=8)
    samples, start = draw_run(network, plan, 37)
    plain = one_call(engine, network, start, samples, plan, 500)
    for how in ({"poll": lambda *_: False}, {"check_each_step": True}):
        assert_same_bits(plain.state, one_call(engine, network, start, samples, plan, 500, **how).state)


def test_nothing_to_do(engine):
    """A stop at or before the state's step returns the state and no losses."""
    network, plan = Network([5, 3]), Plan()
    samples, start = draw_run(network, plan, 37)
    result = engine.advance(network, start, samples, plan, 0)
    assert_same_bits(result.state, start)
    assert (result.losses.tolist(), result.outcome, result.error) == ([], "done", None)


def test_what_goes_in_is_not_written_to(engine):
    """The state and the samples that go in are as they were."""
    network, plan = Network([5, 9, 3]), Plan(batch_size=8)
    samples, start = draw_run(network, plan, 37)
    before = start.digest(), samples.fingerprint()
    one_call(engine, network, start, samples, plan, 9)
    assert (start.digest(), samples.fingerprint()) == before


def test_the_loss_of_a_step_is_the_one_before_its_update(engine):
    """losses[n] is the loss of step n's batch under the weights that step n found, penalties included."""
    network, plan = Network([5, 9, 3]), Plan(Momentum(0.05, 0.9), batch_size=8, l2=0.5)
    samples, start = draw_run(network, plan, 37)
    result = one_call(engine, network, start, samples, plan, 6)
    at_five = one_call(engine, network, start, samples, plan, 5).state
    batch = samples.take(plan.batch(5, 37))
    assert result.losses[5] == engine.gradient(network, at_five.theta, batch, plan.objective).loss


def test_the_worked_example(engine):
    """The two steps worked by hand: losses, changes and weights to the last digits."""
    result = one_call(engine, by_hand.NETWORK, by_hand.start_state(), by_hand.samples(), by_hand.PLAN, 2)
    np.testing.assert_allclose(result.losses, by_hand.LOSSES, rtol=1e-14)
    np.testing.assert_allclose(result.state.theta, by_hand.END, rtol=1e-14)
    np.testing.assert_allclose(result.state.velocity, by_hand.CHANGES[1], rtol=1e-13)


def test_the_worked_example_in_float32(engine):
    """In float32 the same numbers come out to seven digits."""
    samples, state = by_hand.samples(), by_hand.start_state()
    narrow = type(samples)(samples.X.astype("f4"), samples.T.astype("f4"), None)
    first = type(state).start(state.theta.astype("f4"), slots=1)
    result = one_call(engine, by_hand.NETWORK, first, narrow, by_hand.PLAN, 2)
    np.testing.assert_allclose(result.state.theta, by_hand.END, rtol=1e-6)
    np.testing.assert_allclose(result.state.velocity, by_hand.CHANGES[1], rtol=1e-5)


def test_a_run_without_memory_is_rejected(engine):
    """The worked example rejects a second step that forgot the first one's velocity."""
    first = one_call(engine, by_hand.NETWORK, by_hand.start_state(), by_hand.samples(), by_hand.PLAN, 1).state
    forgetful = type(first)(first.theta, np.zeros((1, 9)), 1)
    end = one_call(engine, by_hand.NETWORK, forgetful, by_hand.samples(), by_hand.PLAN, 2).state
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(end.theta, by_hand.END, rtol=1e-14)

"""Divergence: noticed within its epoch, at the exact step when asked, and never where there is none."""

import numpy as np
import pytest

from engines import make_engine
from kinds_of_rules import KERNEL_RULES as RULES
from runs import draw_run
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum

REFERENCE = make_engine("reference")


def diverging(dtype: str, rule=None, **network):
    """Return a linear network at a rate that multiplies the weights at every step, 8 steps an epoch."""
    net = Network([3, 4, 2], "identity", **network)
    plan = Plan(rule or Momentum(2.0, 0.9), epochs=1000, batch_size=4)
    return net, plan, *draw_run(net, plan, 30, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_it_is_noticed_within_its_epoch(engine, rule, dtype):
    """The run ends as "not_finite", no later than the end of the epoch in which the weights went."""
    # Adam's steps are as long as its rate, however steep the slope
    rate = np.finfo(dtype).max ** 0.75 if RULES[rule].reads_memory else 2.0
    network, plan, samples, start = diverging(dtype, RULES[rule](learning_rate=float(rate)))
    result = engine.advance(network, start, samples, plan, 8000)
    assert result.outcome == "not_finite"
    assert result.error is None
    exact = engine.advance(network, start, samples, plan, 8000, check_each_step=True)
    assert exact.state.step <= result.state.step <= -(-exact.state.step // 8) * 8
    assert len(result.losses) == result.state.step


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_exact_step(engine, dtype):
    """With check_each_step, the last state but one is finite and the last is not."""
    network, plan, samples, start = diverging(dtype)
    result = engine.advance(network, start, samples, plan, 8000, check_each_step=True)
    assert result.outcome == "not_finite"
    assert not (result.state.finite and np.isfinite(result.losses[-1]))
    before = engine.advance(network, start, samples, plan, result.state.step - 1, check_each_step=True)
    assert before.outcome == "done"
    assert before.state.finite
    assert np.isfinite(before.losses).all()


def test_engines_name_the_same_step(native_engine):
    """In float64 the compiled engine and the reference diverge at the same step."""
    network, plan, samples, start = diverging("float64", Momentum(0.4, 0.9))
    steps = [
        engine.advance(network, start, samples, plan, 8000, check_each_step=True).state.step
        for engine in (native_engine, REFERENCE)
    ]
    assert steps[0] == steps[1] > 10


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 15, 16, 25])  # a weight, a bias, a weight, the last bias
def test_one_bad_weight_is_enough(engine, index, bad):
    """A single NaN or infinity, wherever it stands, ends the run after its first step."""
    network, plan, samples, start = diverging("float64", GradientDescent(1e-3))
    theta = start.theta.copy()
    theta[index] = bad
    poisoned = type(start)(theta, start.memory, 0)
    result = engine.advance(network, poisoned, samples, plan, 8, check_each_step=True)
    assert (result.outcome, result.state.step) == ("not_finite", 1)


def test_a_bad_velocity_is_noticed(engine):
    """An infinite velocity ends the run in its first epoch."""
    network, plan, samples, start = diverging("float64", Momentum(1e-3, 0.5))
    memory = start.memory.copy()
    memory[0, 3] = np.inf
    result = engine.advance(network, type(start)(start.theta, memory, 0), samples, plan, 8)
    assert result.outcome == "not_finite"


@pytest.mark.parametrize("row", [0, 1])
def test_a_bad_mean_is_noticed(engine, row):
    """So does either of Adam's two rows."""
    network, plan, samples, start = diverging("float64", Adam(1e-3))
    memory = start.memory.copy()
    memory[row, -1] = np.nan
    result = engine.advance(network, type(start)(start.theta, memory, 0), samples, plan, 8)
    assert result.outcome == "not_finite"


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "huber"])
def test_large_is_not_infinite(engine, loss):
    """Net inputs in the thousands are no divergence."""
    network = Network([3, 4, 2], "identity", loss)
    plan = Plan(GradientDescent(1e-6), batch_size=4)
    samples, start = draw_run(network, plan, 30)
    far = type(start)(start.theta * 1e3, start.memory, 0)
    result = engine.advance(network, far, samples, plan, 24, check_each_step=True)
    assert result.outcome == "done"
    assert np.abs(result.state.theta).max() > 500


def test_a_broken_check_is_noticed(engine):
    """Without a bad number the outcome is "done": the tests above do not pass by default."""
    network, plan, samples, start = diverging("float64", GradientDescent(1e-3))
    assert engine.advance(network, start, samples, plan, 8, check_each_step=True).outcome == "done"

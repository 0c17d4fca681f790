"""The compiled engine is judged by the readable one, on networks, plans and data that Hypothesis draws.

Hypothesis draws the shape of the problem and a seed; the numbers come from the seed. Numbers drawn one
by one would sit on corners (a net input of exactly 0), where both sides of a relu are right.
"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import engines
from cases import FREE_LOSSES, HIDDEN, Case, draw_case, problem_of
from comparisons import assert_near, assert_states_near
from oracles import kink_margin
from runs import draw_run
from schuss.engine.engine import Advance
from schuss.method.backprop import Objective
from schuss.method.functions import LOSSES, Loss
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum, Nesterov
from schuss.method.state import State

REFERENCE = engines.make_engine("reference")

# Several steps multiply the rounding of the first by the curvature of each, and a run on its way to
# divergence by more: of 20,000 drawn runs the worst reached 1e−10. The twins below miss by 1e−6 and more.
AFTER_STEPS = 1e-9

units = st.integers(1, 40)
rates = st.floats(1e-3, 0.05)
rules = st.one_of(
    st.builds(GradientDescent, rates),
    st.builds(Momentum, rates, st.floats(0, 0.95)),
    st.builds(Nesterov, rates, st.floats(0, 0.95)),
)
penalties = st.sampled_from([0.0, 0.0, 0.01, 0.3])


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network of up to three weight layers, each with an activation of its own."""
    sizes = draw(st.lists(units, min_size=2, max_size=4))
    name = draw(st.sampled_from(list(LOSSES)))
    last = LOSSES[name].partner or draw(st.sampled_from([*HIDDEN, "softmax"]))
    hidden = [draw(st.sampled_from(HIDDEN)) for _ in sizes[2:]]
    groups = draw(st.none() | partitions(sizes[-1])) if last == LOSSES[name].partner == "softmax" else None
    loss = Loss(name, draw(parameters(name, sizes[-1])))
    return Network(sizes, [*hidden, last], loss, biases=draw(st.booleans()), groups=groups)


def parameters(name: str, n_out: int) -> st.SearchStrategy:
    """Any parameter of a loss; for quantiles one, or one for each output."""
    shares = st.floats(0.1, 0.9)
    several = st.lists(shares, min_size=n_out, max_size=n_out)
    allowed = {"huber": shares, "quantile": shares | several, "focal": st.floats(0.5, 4.0)}
    return allowed.get(name, st.none())


def partitions(n: int) -> st.SearchStrategy[list[int]]:
    """Any sizes that add up to n."""
    cuts = st.sets(st.integers(1, n - 1)) if n > 1 else st.just(set())
    return cuts.map(lambda cuts: np.diff([0, *sorted(cuts), n]).tolist())


plans = st.builds(
    Plan,
    rules,
    batch_size=st.one_of(st.none(), st.integers(1, 40)),
    seed=st.integers(0, 2**64 - 1),
    order=st.sampled_from(["philox", "sequential"]),
    reduction=st.sampled_from(["mean", "mean", "sum"]),
    l2=penalties,
    l1=penalties,
    dropout=st.sampled_from([0.0, 0.0, 0.2, 0.7]),
)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=300)
@given(networks(), st.sampled_from(["mean", "sum"]), penalties, penalties, st.integers(1, 50), seeds)
def test_gradients(dtype, network, reduction, l2, l1, n, seed):
    """Losses, gradients and outputs agree to the rounding of their sums, in both dtypes."""
    case = draw_case(network, Objective(reduction, l2, l1), n, seed, dtype)
    # a corner decides by the last bit, and the two engines add in different orders
    assume(kink_margin(case.problem, case.theta, case.samples.X, case.targets) > margin(dtype))
    expected = REFERENCE.gradient(network, case.theta, case.samples, case.objective)
    outputs = REFERENCE.outputs(network, case.theta, case.samples.X)
    for name in engines.NATIVE:
        native = engines.make_engine(name)
        found = native.gradient(network, case.theta, case.samples, case.objective)
        # errors t − y and inputs are of order 1, and so are the terms of a sample, whatever is left
        least = 1.0 if reduction == "mean" else float(n)
        losses = np.array([found.loss]), np.array([expected.loss])
        assert_near(*losses, rounding(case), "losses", least)
        assert_near(found.gradient, expected.gradient, rounding(case), "gradients", least)
        assert_near(native.outputs(network, case.theta, case.samples.X), outputs, rounding(case))


def margin(dtype: str) -> float:
    return 1e-10 if dtype == "float64" else 3e-5


def rounding(case: Case) -> float:
    """Return how far two right answers may lie apart: a sum of k terms errs by about √k·ε of their size."""
    eps = float(np.finfo(case.theta.dtype).eps)
    longest = max(*case.network.layers, len(case.samples))
    return 300 * eps * np.sqrt(longest)


@settings(max_examples=400)
@given(networks(), plans, st.integers(1, 60), st.integers(1, 8), seeds)
def test_several_steps(network, plan, n, steps, seed):
    """After up to eight float64 steps of any plan, losses, weights and memory agree."""
    samples, start = draw_run(network, plan, n, seed)
    case = Case(network, start.theta, samples, plan.objective, problem_of(network, plan.objective))
    assume(kink_margin(case.problem, case.theta, samples.X, case.targets) > 1e-10)
    expected = REFERENCE.advance(network, start, samples, plan, steps)
    # A run that diverges magnifies the last bit without bound; divergence has its own tests.
    assume(expected.outcome == "done" and np.abs(expected.losses).max() < 1e3 * (1 + expected.losses[0]))
    for name in engines.NATIVE:
        found = engines.make_engine(name).advance(network, start, samples, plan, steps)
        assert_runs_near(found, expected)


def assert_runs_near(found: Advance, expected: Advance, tolerance: float = AFTER_STEPS) -> None:
    assert found.outcome == expected.outcome
    assert_near(found.losses, expected.losses, tolerance, "losses")
    assert_states_near(found.state, expected.state, tolerance)


def another(state: State, **changes) -> State:
    return State(**{"theta": state.theta, "memory": state.memory, "step": state.step, **changes})


@pytest.mark.parametrize("loss", FREE_LOSSES)
def test_broken_twins_are_rejected(native_engine, loss):
    """Another seed, rule, rate, penalty or step than the reference's is rejected by the same comparison."""
    network = Network([6, 9, 3], "tanh", loss)
    plan = Plan(Momentum(0.05, 0.9), batch_size=8, l2=0.01, seed=1)
    samples, start = draw_run(network, plan, 30)
    expected = REFERENCE.advance(network, start, samples, plan, 10)
    assert_runs_near(native_engine.advance(network, start, samples, plan, 10), expected)
    twins = [
        plan.replace(seed=2),
        plan.replace(l2=0.0),
        plan.replace(l1=0.01),
        plan.replace(reduction="sum"),
        plan.replace(rule=Nesterov(0.05, 0.9)),
        plan.replace(rule=Momentum(0.05, 0.0)),  # a forgotten velocity
        plan.replace(rule=Momentum(0.05001, 0.9)),
        plan.replace(batch_size=9),
    ]
    for twin in twins:
        found = native_engine.advance(network, start, samples, twin, 10)
        with pytest.raises(AssertionError, match="differ"):
            assert_runs_near(found, expected)
    stale = found._replace(state=another(expected.state, memory=start.memory), losses=expected.losses)
    with pytest.raises(AssertionError, match="memory differ"):
        assert_runs_near(stale, expected)

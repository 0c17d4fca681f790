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
from kinds_of_rules import KERNEL_RULES as RULES
from oracles import kink_margin
from runs import draw_run
from schuss.engine.engine import Advance
from schuss.method.backprop import Objective
from schuss.method.functions import LOSSES, Loss
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov
from schuss.method.samples import Samples
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
    # Adam divides small gradients by themselves, and their rounding by ε where that is as small
    st.builds(
        Adam, rates, st.floats(0, 0.95), st.floats(0.5, 0.999), st.floats(1e-3, 0.1), st.integers(0, 50)
    ),
)
penalties = st.sampled_from([0.0, 0.0, 0.01, 0.3])
lengths = st.sampled_from([None, None, 0.02, 1.0])


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
    order=st.sampled_from(["philox", "sequential", Shuffled.of(np.random.RandomState(7))]),
    reduction=st.sampled_from(["mean", "mean", "sum"]),
    l2=penalties,
    l1=penalties,
    dropout=st.sampled_from([0.0, 0.0, 0.2, 0.7]),
    weight_decay=penalties,
    clip=lengths,
    as_scikit_learn=st.booleans(),
)
objectives = st.builds(
    Objective, st.sampled_from(["mean", "sum"]), penalties, penalties, lengths, st.booleans()
)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=300)
@given(networks(), objectives, st.integers(1, 50), seeds, st.booleans())
def test_gradients(dtype, network, objective, n, seed, weighted):
    """Losses, gradients and outputs agree to the rounding of their sums, in both dtypes."""
    case = draw_case(network, objective, n, seed, dtype)
    # a corner decides by the last bit, and the two engines add in different orders
    assume(kink_margin(case.problem, case.theta, case.samples.X, case.targets) > margin(dtype))
    samples = case.samples
    if weighted:
        weights = np.random.default_rng(seed).choice([0.0, 0.5, 1.0], n)
        samples = Samples.check(network, samples.X, case.targets, dtype, weights)
    expected = REFERENCE.gradient(network, case.theta, samples, objective)
    outputs = REFERENCE.outputs(network, case.theta, case.samples.X)
    for name in engines.NATIVE:
        native = engines.make_engine(name)
        found = native.gradient(network, case.theta, samples, objective)
        # errors t − y and inputs are of order 1, and so are the terms of a sample, whatever is left
        least = 1.0 if objective.reduction == "mean" else float(n)
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
@given(networks(), plans, st.integers(1, 60), st.integers(1, 8), seeds, st.booleans())
def test_several_steps(network, plan, n, steps, seed, weighted):
    """After up to eight float64 steps of any plan, losses, weights and memory agree."""
    samples, start = draw_run(network, plan, n, seed, weighted=weighted)
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


def trained_with(rule: str, **changes) -> Plan:
    plan = Plan(RULES[rule](learning_rate=0.02), batch_size=8, weight_decay=2.0, clip=0.1, seed=1)
    return plan.replace(**changes)


@pytest.mark.parametrize("rule", RULES)
def test_a_forgotten_setting_is_rejected(native_engine, rule):
    """Weights, decay or length that one engine forgets: the same comparison sees it, for each rule."""
    network = Network([6, 9, 3], "tanh", "cross_entropy")
    samples, start = draw_run(network, trained_with(rule), 30, weighted=True)
    expected = REFERENCE.advance(network, start, samples, trained_with(rule), 10)
    assert_runs_near(native_engine.advance(network, start, samples, trained_with(rule), 10), expected)
    unweighted = Samples(samples.X, samples.T, None)
    twins = [
        (unweighted, {}),
        (samples, {"weight_decay": 0.0}),
        (samples, {"weight_decay": 2.001}),
        (samples, {"clip": None}),
        (samples, {"clip": 0.1001}),
        (samples, {"reduction": "sum"}),
    ]
    for others, changes in twins:
        found = native_engine.advance(network, start, others, trained_with(rule, **changes), 10)
        if rule == "adam" and "clip" in changes:
            assert_moments_differ(found, expected)
            continue
        with pytest.raises(AssertionError, match="differ"):
            assert_runs_near(found, expected)


def assert_moments_differ(found: Advance, expected: Advance) -> None:
    """Adam's steps hardly depend on the length of a gradient, but its memory does."""
    with pytest.raises(AssertionError, match="differ"):
        assert_near(found.state.memory[0], expected.state.memory[0], AFTER_STEPS)


def test_decay_of_the_biases_is_rejected(native_engine):
    """A twin that lets the biases decay as well is rejected after one step."""
    network, plan = Network([6, 9, 3], "tanh"), Plan(Momentum(0.05, 0.9), batch_size=8, weight_decay=2.0)
    samples, start = draw_run(network, plan, 30)
    start = another(start, theta=start.theta + 0.1)  # biases that there is something to take from
    found = native_engine.advance(network, start, samples, plan, 1).state
    gradient = REFERENCE.gradient(network, start.theta, samples.take(plan.batch(0, 30)), plan.objective)
    rates, (keep,) = plan.rates(0, 1, 30)[0].tolist(), plan.keeps(0, 1, 30).tolist()
    assert keep == 0.9
    for all_of_it, right in ((network.decayed(start.theta, keep), True), (start.theta * keep, False)):
        state = State(*plan.rule.update(all_of_it, start.memory, gradient.gradient, rates), 1)
        if right:
            assert_states_near(found, state, AFTER_STEPS)
        else:
            with pytest.raises(AssertionError, match="weights differ"):
                assert_states_near(found, state, AFTER_STEPS)


class UncorrectedAdam(Adam):
    """Adam whose means are not corrected for starting at zero."""

    def at(self, steps, span):  # noqa: ARG002  # rules share one signature
        return np.tile([0.02, 0.9, 0.999, 1e-8], (len(steps), 1))


def test_a_forgotten_correction_is_rejected(native_engine):
    """Adam without its correction is rejected, in the first steps where it counts and far from them."""
    network = Network([6, 9, 3], "tanh")
    for age in (0, 100):
        plan = Plan(Adam(0.02, age=age), batch_size=8)
        samples, start = draw_run(network, plan, 30)
        twin = plan.replace()
        object.__setattr__(twin, "rule", UncorrectedAdam(0.02, age=age))
        expected = REFERENCE.advance(network, start, samples, twin, 3)
        with pytest.raises(AssertionError, match="weights differ"):
            assert_states_near(
                native_engine.advance(network, start, samples, plan, 3).state, expected.state, 1e-6
            )
        assert_states_near(
            native_engine.advance(network, start, samples, twin, 3).state, expected.state, AFTER_STEPS
        )

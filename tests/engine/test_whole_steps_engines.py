"""Whole-step rules on networks: whichever engine runs, its own gradients make the steps, in every plan."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import plain_rules as plain
from comparisons import assert_same_bits
from engines import ALL, FUSED, NATIVE, make_engine
from kinds_of_rules import KERNEL_RULES, SEARCHED, WHOLE_RULES, batch_for
from plain_network import PlainNetwork
from problems import NETWORK, draw_data
from runs import draw_run, in_pieces, one_call
from schuss.engine.engine import DONE, INTERRUPTED, NOT_FINITE, Engine
from schuss.engine.reference import ReferenceEngine
from schuss.engine.stepping import BatchLandscape
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import (
    IRpropMinus,
    IRpropPlus,
    LineSearch,
    Momentum,
    Muon,
    NesterovLookAhead,
    Newton,
    Quickprop,
    Rprop,
)
from schuss.method.rules.rule import first_memory, make_step
from schuss.method.samples import Samples
from schuss.method.state import State, States

GENTLE: dict[str, Any] = {"newton": Newton(0.1, 1.0), "quickprop": Quickprop(0.05)}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalties, sum": {"l2": 0.01, "l1": 0.001, "reduction": "sum"},
    "dropout": {"dropout": 0.3},
    "as scikit-learn": {"as_scikit_learn": True, "l2": 0.1, "order": "sequential"},
}


def rule_for(name: str) -> Any:
    return GENTLE.get(name) or WHOLE_RULES[name]()


def plan_of(name: str, setting: str = "plain", epochs: int = 30) -> Plan:
    rule = rule_for(name)
    return Plan(rule, batch_size=batch_for(rule, 8), epochs=epochs, **SETTINGS[setting])


def by_hand(engine: Engine, start: State, samples: Samples, plan: Plan, stop: int) -> tuple[State, Any]:
    """Run to `stop` by what `advance` promises to equal: the rule's step on the engine's own gradients."""
    state, losses, n = start, [], len(samples)
    while state.step < stop:
        batch = samples.take(plan.batch(state.step, n))
        dropout = plan.dropout_at(state.step, NETWORK.depth - 1)
        derived = replace(plan.objective, as_scikit_learn=False)
        land = BatchLandscape(engine, NETWORK, batch, derived, dropout)
        (rates,) = plan.rates(state.step, state.step + 1, n).tolist()
        theta, memory, loss = make_step(plan.rule, land, state.theta, state.memory, rates)
        if plan.as_scikit_learn:
            loss = engine.gradient(NETWORK, state.theta, batch, plan.objective, dropout).loss
        losses.append(loss)
        state = State(theta, memory, state.step + 1)
    return state, np.array(losses)


@pytest.mark.parametrize(("setting", "dtype"), list(zip(SETTINGS, ("float32", "float64") * 2, strict=True)))
@pytest.mark.parametrize("name", WHOLE_RULES)
def test_advance_is_the_rules_own_step(engine: Engine, name: str, setting: str, dtype: str) -> None:
    """To the last bit; with a batch that is short, or all samples; another plan gives other bits."""
    plan = plan_of(name, setting)
    samples, start = draw_run(NETWORK, plan, 22, dtype=dtype, weighted=True)
    made = one_call(engine, NETWORK, start, samples, plan, 4)
    state, losses = by_hand(engine, start, samples, plan, 4)
    assert_same_bits(made.state, state)
    assert made.losses.tobytes() == losses.tobytes()
    other = one_call(engine, NETWORK, start, samples, plan.replace(l2=0.5), 4)
    assert other.state.digest() != made.state.digest()


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_one_call_or_many_watched_or_not(engine: Engine, name: str) -> None:
    """Cut anywhere, polled, checked, with norms taken, or with weights watched: the same bits."""
    plan = plan_of(name, "dropout")
    samples, start = draw_run(NETWORK, plan, 22)
    whole = one_call(engine, NETWORK, start, samples, plan, 4)
    pieces = in_pieces(engine, NETWORK, start, samples, plan, [1, 3, 4])
    polled = one_call(engine, NETWORK, start, samples, plan, 4, poll=lambda *_: False, check_each_step=True)
    normed = one_call(engine, NETWORK, start, samples, plan, 4, norms_every=2)
    seen = engine.observe(NETWORK, start, samples, plan, 4, np.arange(NETWORK.n_parameters))
    for other in (pieces, polled, normed, seen):
        assert_same_bits(whole.state, other.state)
        assert whole.losses.tobytes() == other.losses.tobytes()
    assert normed.norms.shape == (2, 3)
    assert (normed.norms[:, 0] > 0).all()
    change = engine.advance(NETWORK, start, samples, plan, 1).state.theta - start.theta
    assert normed.norms[0, 2] == pytest.approx(np.linalg.norm(change), rel=1e-12)


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_what_is_watched_is_the_gradient(engine: Engine, name: str) -> None:
    """−scale·sums is the engine's gradient where the rule takes it; θ and memory are the states'."""
    plan = plan_of(name)
    samples, start = draw_run(NETWORK, plan, 22, dtype="float32")
    seen = engine.observe(NETWORK, start, samples, plan, 3, np.arange(NETWORK.n_parameters))
    state = start
    for i in range(3):
        assert seen.theta[i].tobytes() == state.theta.tobytes()
        assert seen.memory[i].tobytes() == state.memory.tobytes()
        (rates,) = plan.rates(i, i + 1, 22).tolist()
        theta = plan.rule.place(state.theta, state.memory, rates)
        batch = samples.take(plan.batch(i, 22))
        gradient = engine.gradient(NETWORK, theta, batch, plan.objective).gradient
        scale = theta.dtype.type(plan.objective.scale(len(batch)))
        assert (scale * (0 - seen.sums[i])).tobytes() == gradient.tobytes()
        assert seen.rows[i][seen.rows[i] >= 0].tolist() == plan.batch(i, 22).tolist()
        state = engine.advance(NETWORK, state, samples, plan, i + 1).state


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_many_networks_are_each_by_itself(engine: Engine, name: str) -> None:
    """Of a sweep over penalties and seeds, to the last bit; one that differs is another."""
    plan = plan_of(name)
    plans = Plans(plan, {"l2": (0.0, 0.1, 0.0), "seed": (0, 1, 2)}, 3)
    samples, _ = draw_run(NETWORK, plan, 22)
    thetas = [NETWORK.initial(i) for i in range(3)]
    memory = np.stack([first_memory(plan.rule, theta) for theta in thetas])
    made = engine.advance_many(NETWORK, States(np.stack(thetas), memory), samples, plans, 4)
    assert made.finite.all()
    for i, theta in enumerate(thetas):
        alone = one_call(engine, NETWORK, plan.start(theta), samples, plans[i], 4)
        assert_same_bits(made.states[i], alone.state)
        assert made.losses[i].tobytes() == alone.losses.tobytes()
    assert made.states[0].digest() != made.states[2].digest()


RESILIENT = (1.2, 0.5, 0.1, 1e-6, 50.0)
SHAPES = [(3, 7), (7, 2)]
TWINS: dict[str, tuple[Any, Any, float]] = {
    "rprop": (Rprop(), plain.resilient("rprop", *RESILIENT), 1e-13),
    "irprop_plus": (IRpropPlus(), plain.resilient("irprop_plus", *RESILIENT), 1e-13),
    "irprop_minus": (IRpropMinus(), plain.resilient("irprop_minus", *RESILIENT), 1e-13),
    "quickprop": (Quickprop(0.05), plain.quickprop(0.05, 1.75), 1e-11),
    "muon": (Muon(), plain.muon(0.02, 0.95, 0.02, SHAPES), 1e-10),
    "nesterov_look_ahead": (NesterovLookAhead(), plain.look_ahead(0.01, 0.9), 1e-12),
}


def check_followed(engine: Engine, rule: Any, twin: Any, near: float, steps: int) -> None:
    """Fail unless the plain rule, with gradients by hand, makes of each θ the next one."""
    plan = Plan(rule, batch_size=None, epochs=steps, order="sequential")
    samples, state = draw_run(NETWORK, plan, 22)
    twin_network, known = PlainNetwork(samples.X, samples.T, hidden=7), dict[str, Any]()

    def ask(theta: list[float]) -> tuple[float, list[float]]:
        place = np.array(theta)
        return float(twin_network.loss(place)), twin_network.gradient(place).tolist()

    for n in range(steps):
        after = one_call(engine, NETWORK, state, samples, plan, n + 1).state
        change = np.array(twin(ask, state.theta.tolist(), known))
        size = max(float(np.abs(change).max()), 1e-3 * float(np.abs(state.theta).max()))
        np.testing.assert_allclose(after.theta - state.theta, change, atol=near * size, err_msg=f"step {n}")
        state = after


@pytest.mark.parametrize("name", sorted(set(WHOLE_RULES) - set(SEARCHED)))
def test_every_step_is_the_plain_rules(engine: Engine, name: str) -> None:
    """Three hundred of them on a network; and with other settings it is noticed."""
    rule, twin, near = TWINS[name]
    check_followed(engine, rule, twin, near, 300)
    rates = {rule.rates[0]: 1.01 * getattr(rule, rule.rates[0])}
    with pytest.raises(AssertionError, match="step"):
        check_followed(engine, replace(rule, **rates), twin, near, 6)


@pytest.mark.parametrize("rule", [LineSearch(), LineSearch(0.5, "momentum", "brent"), "conjugate_gradients"])
def test_searches_go_downhill(engine: Engine, rule: Any) -> None:
    """No step of a line search on all samples raises the loss; momentum's do."""
    rule = WHOLE_RULES[rule]() if isinstance(rule, str) else rule
    plan = Plan(rule, batch_size=None, epochs=60, order="sequential")
    samples, start = draw_run(NETWORK, plan, 22)
    losses = one_call(engine, NETWORK, start, samples, plan, 60).losses
    assert (np.diff(losses) <= 0).all()
    assert losses[-1] < 0.7 * losses[0]
    plain_run = Plan(Momentum(0.3, 0.95), batch_size=None, epochs=60, order="sequential")
    _, start = draw_run(NETWORK, plain_run, 22)
    losses = one_call(engine, NETWORK, start, samples, plain_run, 60).losses
    assert (np.diff(losses) > 0).any()


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("rule", WHOLE_RULES)
def test_the_compiled_engine_against_the_readable_one(rule: str, name: str) -> None:
    """A step from the same state; and it is the compiled engine that ran."""
    engine, plan = make_engine(name), plan_of(rule)
    assert engine.info.engine == "native"
    samples, state = draw_run(NETWORK, plan, 22)
    near = 1e-3 if rule in ("line_search", "conjugate_gradients") else 1e-6 if rule == "newton" else 1e-10
    for n in range(5):
        found = one_call(engine, NETWORK, state, samples, plan, n + 1)
        expected = one_call(ReferenceEngine(), NETWORK, state, samples, plan, n + 1)
        size = float(np.abs(expected.state.theta).max())
        np.testing.assert_allclose(found.state.theta, expected.state.theta, atol=near * size)
        assert found.losses[0] == pytest.approx(expected.losses[0], rel=1e-12)
        state = found.state


@pytest.mark.parametrize("rule", WHOLE_RULES)
def test_same_bits_on_fused_sets_and_threads(rule: str) -> None:
    """Whichever fused instruction set computes the gradients, with one thread or two."""
    plan = plan_of(rule, "dropout")
    samples, start = draw_run(NETWORK, plan, 600, dtype="float32")
    engines = [make_engine(name, threads) for name in FUSED for threads in (1, 2)]
    states = [one_call(engine, NETWORK, start, samples, plan, 4).state for engine in engines]
    assert len({state.digest() for state in states}) == len(states[:1])
    assert states[0].digest() != start.digest()


@pytest.mark.parametrize("name", ALL)
def test_it_stops_when_it_is_told(name: str) -> None:
    """By a poll that says so or raises, between whole steps, with the state of the last one."""
    engine, plan = make_engine(name), plan_of("newton", epochs=10_000)
    samples, start = draw_run(NETWORK, plan, 22)

    def raises(step: int, loss: float) -> bool:
        raise ZeroDivisionError(step, loss)

    for poll, error in ((lambda *_: True, None), (raises, ZeroDivisionError)):
        made = engine.advance(NETWORK, start, samples, plan, 10_000, poll=poll)
        assert made.outcome == INTERRUPTED
        assert error is None or isinstance(made.error, error)
        assert 0 < made.state.step == len(made.losses) < 10_000
        again = one_call(engine, NETWORK, start, samples, plan, made.state.step)
        assert_same_bits(again.state, made.state)


def test_a_step_that_is_not_finite_is_noticed(engine: Engine) -> None:
    """A rate far too large on a quadratic; with a small one all is well."""
    network = Network([3, 2], output="identity")
    for rate, outcome in ((30.0, NOT_FINITE), (1e-3, DONE)):
        plan = Plan(NesterovLookAhead(rate), batch_size=None, epochs=400)
        samples, start = draw_run(network, plan, 22)
        made = engine.advance(network, start, samples, plan, 400)
        assert made.outcome == outcome


def test_a_landscape_of_a_batch(engine: Engine) -> None:
    """Its loss is its gradient's, curvature products are differences of gradients, matrices are views."""
    X, T = draw_data()
    samples, theta = Samples.check(NETWORK, X, T), NETWORK.initial(0)
    land = BatchLandscape(engine, NETWORK, samples, Plan().objective)
    assert land.found is None
    loss, gradient = land.gradient(theta)
    assert land.loss(theta) == loss
    v = np.random.default_rng(1).standard_normal(theta.size)
    land.gradient(theta + v)
    assert land.place is theta
    nudged = [land.gradient(theta + s * 1e-4 * v).gradient for s in (-2, -1, 1, 2)]
    expected = (nudged[0] - 8 * nudged[1] + 8 * nudged[2] - nudged[3]) / 12e-4
    np.testing.assert_allclose(land.curvature_product(theta, v), expected, rtol=1e-5, atol=1e-7)
    assert not land.curvature_product(theta, 0 * v).any()
    assert [w.shape for w in land.matrices(theta)] == SHAPES
    assert all(np.shares_memory(w, theta) for w in land.matrices(theta))
    assert not np.allclose(gradient, expected)


def test_the_kernel_knows_none_of_them() -> None:
    """Each rule is of one kind."""
    assert not set(KERNEL_RULES) & set(WHOLE_RULES)

"""Every rule of the kernel against its source's own words, over 300 steps of a quadratic and of a network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import published_rules as published
from comparisons import assert_near
from engines import ALL, make_engine
from problems import NETWORK, draw_data
from schuss.method.plan import Plan
from schuss.method.rules import (
    ELEMENT_WISE,
    RULES,
    Adagrad,
    AggMo,
    AveragedMomentum,
    Lion,
    Lookahead,
    OuterMomentum,
    QuasiHyperbolic,
    RMSprop,
    Rule,
    ScheduleFree,
    result_of,
)
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine, Span
from schuss.method.state import State

STEPS = 300
RATE = Cosine(0.02, 0.002, warm_up=0.2)
RULES_HERE: dict[str, Rule] = {rule.name: rule(learning_rate=RATE) for rule in ELEMENT_WISE} | {
    "nesterov": RULES["nesterov"](0.01, 0.8),  # its two forms are one for constant rates alone
    "rmsprop": RMSprop(Cosine(0.002, 0.0002, warm_up=0.2)),  # at larger ones it swings, and roundings grow
}
SETTINGS: list[Any] = [
    *[pytest.param(rule, published.PUBLISHED[name], id=name) for name, rule in RULES_HERE.items()],
    pytest.param(OuterMomentum(RATE, Cosine(0.95, 0.5), 0.3), published.outer_momentum, id="outer, dampened"),
    pytest.param(OuterMomentum(RATE, 0.9, nesterov=True), published.outer_nesterov, id="outer, nesterov"),
    pytest.param(QuasiHyperbolic(RATE, Cosine(0.95, 0.5), Cosine(0.9)), published.quasi_hyperbolic, id="qhm"),
    pytest.param(AggMo(RATE, 0.5, 0.8, Cosine(0.95)), published.aggmo, id="aggmo, other betas"),
    pytest.param(Lookahead(RATE, 0.8, 0.7, 5), published.lookahead, id="lookahead, further"),
]


def rates_of(rule: Rule, step: int) -> published.Rates:
    """Return a rule's rates at a step by their names."""
    given = ((name, getattr(rule, name)) for name in rule.rates)
    steps, span = np.array([step]), Span(STEPS)
    return {n: rate if isinstance(rate, float) else float(rate.at(steps, span)[0]) for n, rate in given}


def follow(step: published.Step, rule: Rule, w: Any, slope: Callable[[Any, int], Any]) -> tuple[Any, Any]:
    """Return where the published rule is after all steps, and what it remembers."""
    remembered: dict[str, Any] = {}
    for n in range(STEPS):
        w = step(w, slope(w, n), n, rates_of(rule, n), remembered)
    return w, remembered


CURVATURES = np.geomspace(0.05, 5.0, 7)


def quadratic(w: Any, _n: int) -> Any:
    return CURVATURES * (w - 1.0)


def on_the_quadratic(rule: Rule) -> tuple[Any, Any]:
    """Return weights and memory of a rule after all steps from −1."""
    theta, memory = -np.ones(7), np.zeros((len(rule.memory), 7))
    rates = rule.at(np.arange(STEPS), Span(STEPS))
    for n in range(STEPS):
        theta, memory = rule.update(theta, memory, quadratic(theta, n), rates[n].tolist())
    return theta, memory


def check_on_the_quadratic(rule: Rule, step: published.Step) -> None:
    """Fail unless a rule ends where its source does, to rounding."""
    theta, memory = on_the_quadratic(rule)
    expected, remembered = follow(step, rule, -np.ones(7), quadratic)
    assert np.abs(expected + 1).max() > 0.1  # it went somewhere
    assert_near(theta, expected, 1e-12, "weights")
    if isinstance(rule, ScheduleFree):
        assert_near(result_of(rule, theta, memory), remembered["x"], 1e-12, "the weights to use")
    else:
        assert result_of(rule, theta, memory) is theta


@pytest.mark.parametrize(("rule", "step"), SETTINGS)
def test_on_a_quadratic(rule: Rule, step: published.Step) -> None:
    """With rates that change from step to step, and the weights to use where they are others."""
    check_on_the_quadratic(rule, step)


def without_first_step(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    m.setdefault("b", np.zeros_like(g))
    return published.outer_momentum(w, g, n, r, m)


def plain_sum(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.averaged_momentum(w, g / (1 - r["beta"]), n, r, m)


def shares_swapped(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.quasi_hyperbolic(w, g, n, r | {"nu": 1 - r["nu"]}, m)


def root_of_both(w: Any, g: Any, _n: int, r: Any, m: Any) -> Any:
    m["s"] = r.get("beta", 1.0) * m.get("s", 0.0) + (1 - r.get("beta", 0.0)) * g**2
    return w - r["learning_rate"] * g / np.sqrt(m["s"] + r["epsilon"])


def last_velocity_forgotten(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.aggmo(w, g, n, r | {"beta_3": r["beta_2"]}, m)


def betas_swapped(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.lion(w, g, n, r | {"beta_1": r["beta_2"], "beta_2": r["beta_1"]}, m)


def one_step_late(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.lookahead(w, g, n - 1, r, m)


def velocity_reset(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    w = published.lookahead(w, g, n, r, m)
    m["v"] = m["v"] * ((n + 1) % 5 != 0)
    return w


def plain_mean(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    m["largest"] = 1.0
    return published.schedule_free(w, g, n, r, m)


@pytest.mark.parametrize(
    ("rule", "twin"),
    [
        (OuterMomentum(0.01, 0.9, 0.3), without_first_step),
        (OuterMomentum(RATE, 0.9), published.momentum),
        (OuterMomentum(RATE, 0.9, nesterov=True), published.outer_momentum),
        (AveragedMomentum(RATE), plain_sum),
        (QuasiHyperbolic(RATE), shares_swapped),
        (RMSprop(RATE, epsilon=1e-4), root_of_both),
        (Adagrad(RATE, epsilon=1e-4), root_of_both),
        (AggMo(RATE), last_velocity_forgotten),
        (Lion(RATE), betas_swapped),
        (Lookahead(RATE), one_step_late),
        (Lookahead(RATE), velocity_reset),
        (ScheduleFree(RATE), plain_mean),
        (ScheduleFree(0.1, 0.8), published.schedule_free),
    ],
)
def test_broken_twins_are_rejected(rule: Rule, twin: published.Step) -> None:
    """Each convention that is easily mistaken shows in the same comparison."""
    with pytest.raises(AssertionError, match="weights"):
        check_on_the_quadratic(rule, twin)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("rule", "step"), SETTINGS)
def test_on_a_network(name: str, rule: Rule, step: published.Step) -> None:
    """Each engine ends where the source's rule does with the reference engine's gradients, batch by batch."""
    engine, judge = make_engine(name), make_engine("reference")
    X, T = draw_data()
    samples = Samples.check(NETWORK, X, T)
    plan = Plan(rule, epochs=STEPS, batch_size=len(X), order="sequential")
    start = NETWORK.initial(3, "float64")

    def slope(w: Any, _n: int) -> Any:
        return judge.gradient(NETWORK, w, samples, plan.objective).gradient

    made = engine.advance(NETWORK, State.start(start, len(rule.memory)), samples, plan, STEPS)
    assert engine.info.engine == name.split("-")[0]
    expected, _ = follow(step, rule, start, slope)
    assert_near(made.state.theta, expected, 1e-9, "weights")
    if name == "reference":
        slower = replace(plan, rule=replace(rule, learning_rate=0.0101))  # type: ignore[type-var]  # rules are
        other = engine.advance(NETWORK, State.start(start, len(rule.memory)), samples, slower, STEPS)
        with pytest.raises(AssertionError, match="weights"):
            assert_near(other.state.theta, expected, 1e-9, "weights")

"""Every rule of the kernel against its source's own words, over 300 steps of a quadratic and of a network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import published_rules as published
from comparisons import assert_near
from engines import ALL, make_engine
from plain_network import PlainNetwork
from problems import NETWORK, draw_data
from runs import one_call
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import (
    ELEMENT_WISE,
    RULES,
    Adagrad,
    Adam,
    AggMo,
    AveragedMomentum,
    GradientDescent,
    Lion,
    Lookahead,
    Momentum,
    Nesterov,
    OuterMomentum,
    QuasiHyperbolic,
    RMSprop,
    Rule,
    ScheduleFree,
    result_of,
)
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine, Span

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


def one_rate_late(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    before, m["rate"] = m.get("rate", r["learning_rate"]), r["learning_rate"]
    return published.gradient_descent(w, g, n, {"learning_rate": before}, m)


def rate_outside(w: Any, g: Any, _n: int, r: Any, m: Any) -> Any:
    m["v"] = r["momentum"] * m.get("v", 0.0) - g
    return w + r["learning_rate"] * m["v"]


def uncorrected(w: Any, g: Any, n: int, r: Any, m: Any) -> Any:
    return published.adam(w, g, n + 1000, r, m)


BROKEN: list[tuple[Rule, published.Step]] = [
    (GradientDescent(RATE), one_rate_late),
    (Momentum(RATE), rate_outside),
    (Momentum(RATE), published.nesterov),
    (Nesterov(0.01, 0.8), published.momentum),
    (Adam(RATE), uncorrected),
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
]


@pytest.mark.parametrize(("rule", "twin"), BROKEN)
def test_broken_twins_are_rejected(rule: Rule, twin: published.Step) -> None:
    """Each convention that is easily mistaken shows in the same comparison."""
    with pytest.raises(AssertionError, match="weights"):
        check_on_the_quadratic(rule, twin)


def test_every_rule_has_a_source_and_a_broken_twin() -> None:
    """A rule that is added to the table without them is missed."""
    names = {rule.name for rule in ELEMENT_WISE}
    assert set(published.PUBLISHED) == {rule.name for rule in RULES_HERE.values()} == names
    assert {rule.name for rule, _ in BROKEN} == names


class Place(NamedTuple):
    """A network on data, its slope by hand, where a training of it begins, and how near it must end."""

    network: Network
    X: Any
    T: Any
    slope: Callable[[Any, int], Any]
    start: Any
    near: float


def linear_unit() -> Place:
    """Return the same quadratic as one of a unit, with a sample along each axis; lowest at w = 1."""
    X = np.diag(np.sqrt(len(CURVATURES) * CURVATURES))
    network = Network([7, 1], output="identity", biases=False)
    return Place(network, X, X.sum(axis=1, keepdims=True), quadratic, -np.ones(7), 1e-11)


def small_network() -> Place:
    X, T = draw_data()
    plain = PlainNetwork(X, T, hidden=7)
    start = NETWORK.initial(3, "float64")
    return Place(NETWORK, X, T, lambda w, _n: plain.gradient(w), start, 1e-9)  # where roundings grow


PLACES = {"quadratic": linear_unit(), "network": small_network()}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("rule", "step"), SETTINGS)
def test_in_an_engine(name: str, place: str, rule: Rule, step: published.Step) -> None:
    """Each engine ends where the source's rule does with gradients by hand; at another rate it does not."""
    engine, (network, X, T, slope, start, near) = make_engine(name), PLACES[place]
    samples = Samples.check(network, X, T)

    def ends(rule: Rule) -> Any:
        plan = Plan(rule, epochs=STEPS, batch_size=len(X), order="sequential")
        return one_call(engine, network, plan.start(start), samples, plan, STEPS).state.theta

    assert engine.info.engine == name.split("-")[0]
    expected, _ = follow(step, rule, start, slope)
    assert_near(ends(rule), expected, near, "weights")
    if name == "reference":
        slower = replace(rule, learning_rate=0.0101)  # type: ignore[type-var]  # rules are dataclasses
        with pytest.raises(AssertionError, match="weights"):
            assert_near(ends(slower), expected, near, "weights")

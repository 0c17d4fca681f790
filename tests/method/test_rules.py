"""The update rules: their formulas, and what they add up to. In fractions, so that "equal" means equal."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds_of_rules import KERNEL_RULES as RULES
from schuss.errors import SettingError
from schuss.method.rules import (
    Adam,
    GradientDescent,
    Momentum,
    Nesterov,
    Rule,
    rule_from_dict,
    rule_to_dict,
)
from schuss.method.schedules import Cosine, Span

small = st.fractions(-4, 4, max_denominator=12)
rate = st.fractions(Fraction(1, 12), 1, max_denominator=12)
share = st.fractions(0, 1, max_denominator=12)


def exact(*values: Fraction) -> np.ndarray:
    return np.array([Fraction(v) for v in values], dtype=object)


def run(rule: Rule, gradients: list[Fraction], rates: list[tuple[Fraction, ...]]):
    """Return weight and velocity after each step from 0, the weight first, as lists of fractions."""
    theta, memory = exact(0), exact(0)[None]
    weights, velocities = [], []
    for gradient, at in zip(gradients, rates, strict=True):
        theta, memory = rule.update(theta, memory, exact(gradient), at)
        weights.append(theta[0])
        velocities.append(memory[0, 0])
    return weights, velocities


def check_unrolled(rule: Rule, gradients: list[Fraction], rates: list[tuple[Fraction, Fraction]]):
    """Fail unless each change is the sum of all pushes so far, each faded by every η since.

    Δw(n) = Σ_i (Π_{m=n−i+1}^{n} η_m)·α_{n−i}·(−g(n−i)), which is Σ_i η^i·push(n−i) for constant η.
    """
    weights, _ = run(rule, gradients, rates)
    changes = [b - a for a, b in zip([Fraction(0), *weights], weights, strict=False)]
    for n, change in enumerate(changes):
        expected, faded = Fraction(0), Fraction(1)
        for i in range(n + 1):
            learning_rate, momentum = rates[n - i]
            expected += faded * learning_rate * -gradients[n - i]
            faded *= momentum
        assert change == expected, f"step {n}: {change} against {expected}"


@given(st.lists(small, min_size=1, max_size=12), rate, share)
def test_momentum_unrolled(gradients, learning_rate, momentum):
    """With constant rates, Δw(n) = Σ_i η^i·push(n−i), exactly."""
    check_unrolled(Momentum(), gradients, [(learning_rate, momentum)] * len(gradients))


@given(st.lists(st.tuples(small, rate, share), min_size=1, max_size=12))
def test_momentum_unrolled_with_changing_rates(steps):
    """With changing rates each push keeps the rate it was given, and fades by each η that came after."""
    check_unrolled(Momentum(), [g for g, _, _ in steps], [(a, m) for _, a, m in steps])


class ForgottenVelocity:
    """Momentum that never stores its velocity."""

    def update(self, theta, memory, gradient, rates):
        return Momentum().update(theta, memory, gradient, rates)[0], memory


class RateOutside:
    """PyTorch's convention, which agrees as long as the rate is constant."""

    def update(self, theta, memory, gradient, rates):
        learning_rate, momentum = rates
        memory = momentum * memory - gradient
        return theta + learning_rate * memory[0], memory


@pytest.mark.parametrize("twin", [ForgottenVelocity(), RateOutside()])
def test_broken_twins_are_rejected(twin):
    """A forgotten velocity, and a rate outside the velocity, are rejected by the same comparison."""
    gradients = [Fraction(1), Fraction(2), Fraction(-1)]
    rates = [(Fraction(1, 2), Fraction(9, 10)), (Fraction(1, 3), Fraction(9, 10))]
    with pytest.raises(AssertionError, match="step"):
        check_unrolled(twin, gradients, [*rates, rates[1]])


def test_the_hand_formulas():
    """One step of each rule from θ = 2, v = 1 with g = 3, α = ½, η = ⅔."""
    theta, memory, g = exact(2), exact(1)[None], exact(3)
    rates = (Fraction(1, 2), Fraction(2, 3))
    new, _ = GradientDescent().update(theta, memory[:0], g, rates[:1])
    assert new[0] == Fraction(1, 2)  # 2 − 3/2
    new, after = Momentum().update(theta, memory, g, rates)
    assert (after[0, 0], new[0]) == (Fraction(-5, 6), Fraction(7, 6))  # v = 2/3 − 3/2
    new, after = Nesterov().update(theta, memory, g, rates)
    assert (after[0, 0], new[0]) == (Fraction(-5, 6), Fraction(-1, 18))  # 2 − 2/3·5/6 − 3/2


@given(st.lists(small, min_size=1, max_size=8), rate)
def test_momentum_zero_is_gradient_descent(gradients, learning_rate):
    """With η = 0, momentum and Nesterov take the steps of gradient descent."""
    plain, _ = run(GradientDescent(), gradients, [(learning_rate,)] * len(gradients))
    for rule in (Momentum(), Nesterov()):
        assert run(rule, gradients, [(learning_rate, Fraction(0))] * len(gradients))[0] == plain


@given(small, small, rate, share)
def test_nesterov_stores_the_look_ahead_point(start, curvature, learning_rate, momentum):
    """θ = φ + η·v, where φ takes Nesterov's steps: v ← η·v − α·g(φ + η·v), φ ← φ + v."""
    theta, memory = exact(start), exact(0)[None]
    phi, v = start, Fraction(0)
    for _ in range(6):
        v = momentum * v - learning_rate * (curvature * (phi + momentum * v))
        phi += v
        theta, memory = Nesterov().update(theta, memory, curvature * theta, (learning_rate, momentum))
        assert memory[0, 0] == v
        assert theta[0] == phi + momentum * v


def test_the_whole_way_of_one_push():
    """A single push moves the weight by α·δy/(1−η) in all: the effective rate."""
    gradients = [Fraction(-1)] + [Fraction(0)] * 200
    weights, _ = run(Momentum(), gradients, [(Fraction(1, 10), Fraction(3, 4))] * 201)
    assert weights[-1] == Fraction(4, 10) * (1 - Fraction(3, 4) ** 201)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES.values())
def test_an_update_keeps_the_dtype_and_writes_nothing(rule, dtype, rng):
    """A rule returns new arrays of the same dtype; a scalar rate does not widen float32."""
    theta, gradient = rng.standard_normal((2, 5)).astype(dtype)
    memory = rng.uniform(0.1, 1, (len(rule.memory), 5)).astype(dtype)
    before = theta.copy(), memory.copy(), gradient.copy()
    rates = rule().at(np.arange(1), Span(10))[0].tolist()
    new, after = rule().update(theta, memory, gradient, rates)
    assert (new.dtype, after.dtype, after.shape) == (theta.dtype, theta.dtype, memory.shape)
    for a, b in zip(before, (theta, memory, gradient), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_table_of_rules():
    """Every rule stands in the table under its own name, with its rates as fields."""
    for name, kind in RULES.items():
        assert kind.name == name
        assert all(hasattr(kind(), field) for field in kind.rates)
        assert kind.formula
        assert kind().at(np.arange(3), Span(10)).shape == (3, len(kind.numbers))
        theta, memory = kind().update(
            np.ones(2),
            np.ones((len(kind.memory), 2)),
            np.ones(2),
            kind().at(np.arange(1), Span(10))[0].tolist(),
        )
        assert (theta.shape, memory.shape) == ((2,), (len(kind.memory), 2))


@pytest.mark.parametrize(
    "rule",
    [
        *[
            GradientDescent(0.5),
            Momentum(0.5, 0.0),
            Nesterov(1, 1.0),
            Momentum(Cosine(0.1), Cosine(0.9, 0.5)),
        ],
        *[Adam(), Adam(0.01, 0.0, Cosine(0.9), 1e-4, age=12)],
    ],
)
def test_a_rule_survives_json(rule):
    """rule_from_dict(rule_to_dict) gives an equal rule, schedules included."""
    assert rule_from_dict(rule_to_dict(rule)) == rule


@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), float("inf"), "0.1", None, True])
@pytest.mark.parametrize("rule", RULES.values())
def test_a_bad_learning_rate(rule, value):
    """α is a finite number above 0."""
    with pytest.raises(SettingError, match="learning_rate"):
        rule(learning_rate=value)


@pytest.mark.parametrize(
    "value", [-0.1, 1.0001, float("nan"), "0.9", None, False, Cosine(1.5), Cosine(0.9, 1.5)]
)
@pytest.mark.parametrize("rule", [Momentum, Nesterov])
def test_a_bad_momentum(rule, value):
    """η lies in [0, 1], also where a schedule gives it."""
    with pytest.raises(SettingError, match="momentum"):
        rule(momentum=value)

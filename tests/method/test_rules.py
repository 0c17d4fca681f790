"""The update rules: their formulas, and what they add up to. In fractions, so that "equal" means equal."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.errors import SettingError
from schuss.method.rules import (
    RULES,
    Adam,
    GradientDescent,
    Momentum,
    Nesterov,
    Rule,
    rule_from_dict,
    rule_to_dict,
)
from schuss.method.schedules import Cosine, InverseScaling, Span

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


@mpmath.workdps(50)
def adam_in_fifty_digits(gradients: list[float], rule: Adam) -> list[tuple]:
    """Return weight and the two means after each step from 0, by the paper's formulas, as mpmath numbers.

    The means are corrected themselves, as the paper's algorithm 1 has it; its section 2 puts both corrections
    into the rate, where ε is then √(1−β₂^t) times as large.
    """
    rate, beta_1, beta_2 = (mpmath.mpf(x) for x in (rule.learning_rate, rule.beta_1, rule.beta_2))
    theta, mean, square, after = mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0), []
    for t, g in enumerate(gradients, start=1):
        mean = beta_1 * mean + (1 - beta_1) * mpmath.mpf(g)
        square = beta_2 * square + (1 - beta_2) * mpmath.mpf(g) ** 2
        epsilon = mpmath.mpf(rule.epsilon) / mpmath.sqrt(1 - beta_2**t)
        theta -= rate * (mean / (1 - beta_1**t)) / (mpmath.sqrt(square / (1 - beta_2**t)) + epsilon)
        after.append((theta, mean, square))
    return after


def check_adam(rule: Adam, gradients: list[float], oracle: Adam) -> None:
    """Fail unless steps in float64 agree with the paper's to a few units in the last place."""
    theta, memory = np.zeros(1), np.zeros((2, 1))
    rates = rule.at(np.arange(len(gradients)), Span(len(gradients)))
    for n, (g, expected) in enumerate(zip(gradients, adam_in_fifty_digits(gradients, oracle), strict=True)):
        theta, memory = rule.update(theta, memory, np.array([g]), rates[n].tolist())
        found = theta[0], memory[0, 0], memory[1, 0]
        np.testing.assert_allclose(found, [float(x) for x in expected], rtol=2e-14, err_msg=f"step {n}")


ADAM = Adam(0.3, 0.8, 0.9, 0.05)  # an ε that shows
GRADIENTS = [0.7, -0.2, 1.9]


def test_adam_is_the_papers():
    """Three steps equal the paper's in fifty digits, and so do the default settings' twelve."""
    check_adam(ADAM, GRADIENTS, ADAM)
    check_adam(Adam(), GRADIENTS * 4, Adam())


class UncorrectedAdam(Adam):
    """Adam that forgets that its means begin at zero."""

    def at(self, steps, span):
        rates = super().at(steps, span)
        rates[:, 0] = self.learning_rate
        return rates


class LateAdam(Adam):
    """Adam that counts its first update as the second."""

    def at(self, steps, span):
        return super().at(steps + 1, span)


class EpsilonUnderTheRoot(Adam):
    """Adam with ε inside the root."""

    def update(self, theta, memory, gradient, rates):
        _, after = super().update(theta, memory, gradient, rates)
        return theta - rates[0] * after[0] / np.sqrt(after[1] + rates[3]), after


class MeanOfSizes(Adam):
    """Adam that forgets to square."""

    def update(self, theta, memory, gradient, rates):
        theta, after = super().update(theta, memory, gradient, rates)
        after[1] = rates[2] * memory[1] + (1 - rates[2]) * np.abs(gradient)
        return theta, after


@pytest.mark.parametrize("twin", [UncorrectedAdam, LateAdam, EpsilonUnderTheRoot, MeanOfSizes])
def test_broken_adams_are_rejected(twin):
    """Each forgotten part of the formula is rejected by the same comparison."""
    with pytest.raises(AssertionError, match="step"):
        check_adam(twin(0.3, 0.8, 0.9, 0.05), GRADIENTS, ADAM)


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_adam_is_scikit_learns(steps, rng):
    """The same changes as scikit-learn's own optimizer makes, whose ε stands at the same place."""
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

    rule, theta, memory = Adam(0.01, 0.7, 0.95, 1e-3), np.zeros(5), np.zeros((2, 5))
    theirs = [np.zeros(5)]
    optimizer = AdamOptimizer(theirs, 0.01, 0.7, 0.95, 1e-3)
    for n in range(steps):
        gradient = rng.standard_normal(5)
        theta, memory = rule.update(theta, memory, gradient, rule.at(np.array([n]), Span(steps))[0].tolist())
        optimizer.update_params(theirs, [gradient])
        np.testing.assert_allclose(theta, theirs[0], rtol=1e-12)


def test_an_older_memory():
    """With an age the rates go on from where they were, by which a training in two parts is one."""
    whole = Adam(0.01).at(np.arange(50), Span(50))
    part = Adam(0.01, age=20).at(np.arange(30), Span(30))
    np.testing.assert_array_equal(part, whole[20:])


@pytest.mark.parametrize(
    "rule",
    [Adam(0.01), Adam(Cosine(0.1), 0.9, Cosine(0.99, 0.5)), Adam(0.1, 0.0, 0.0), Adam(InverseScaling(0.1))],
)
def test_rates_of_one_step_and_of_many(rule):
    """Step by step, from far in the run too, adam's rates have the bits that they have all at once."""
    steps = np.concatenate([np.arange(70), 2 ** np.arange(7, 31), [10**9 + 7]])
    span = Span(1000, 10, 100)
    one_by_one = [rule.at(steps[i : i + 1], span) for i in range(len(steps))]
    assert np.concatenate(one_by_one).tobytes() == rule.at(steps, span).tobytes()
    assert rule.at(steps[:0], span).shape == (0, 4)


@mpmath.workdps(50)
def test_adams_rates_near_the_correction():
    """α_t = α·√(1−β₂^t)/(1−β₁^t), with powers that fifty digits confirm."""
    t = [1, 2, 3, 10, 999, 12345, 10**6]
    found = Adam(0.5, 0.9, 0.999).at(np.array(t) - 1, Span(10**6))[:, 0]
    b1, b2 = mpmath.mpf(0.9), mpmath.mpf(0.999)
    expected = [float(mpmath.sqrt(1 - b2**n) / (1 - b1**n) / 2) for n in t]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


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
    assert list(RULES) == ["gradient_descent", "momentum", "nesterov", "adam"]
    for name, kind in RULES.items():
        assert kind.name == name
        assert all(hasattr(kind(), field) for field in kind.rates)
        assert kind.formula
        assert kind().at(np.arange(3), Span(10)).shape == (3, len(kind.rates))
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


@pytest.mark.parametrize(
    "value", [-0.1, 1.0, 2, float("nan"), "0.9", None, True, Cosine(1.0), InverseScaling(2.0)]
)
@pytest.mark.parametrize("name", ["beta_1", "beta_2"])
def test_a_bad_beta(name, value):
    """β lies in [0, 1): of 1 no mean would ever be made."""
    with pytest.raises(SettingError, match=name):
        Adam(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("epsilon", v) for v in (0.0, -1e-8, float("inf"), "1")],
        *[("age", v) for v in (-1, 1.0, None, True)],
    ],
)
def test_a_bad_epsilon_or_age(name, value):
    """ε is above 0, and an age a number of updates."""
    with pytest.raises(SettingError, match=name):
        Adam(**{name: value})

"""Adam: the paper's formulas in fifty digits, scikit-learn's optimizer, and rates that are the same bits."""

import mpmath
import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from schuss.errors import SettingError
from schuss.method.rules import Adam
from schuss.method.schedules import Cosine, InverseScaling, Span


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
        *[("epsilon", v) for v in (0.0, 1e-46, 2.0**-127, -1e-8, float("inf"), "1")],
        *[("age", v) for v in (-1, 1.0, None, True)],
    ],
)
def test_a_bad_epsilon_or_age(name, value):
    """ε is above 0 in float32 too, and an age a number of updates."""
    with pytest.raises(SettingError, match=name):
        Adam(**{name: value})
    assert np.float32(Adam(epsilon=2.0**-126).epsilon) > 0

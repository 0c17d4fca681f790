"""The update and the memory in a derivation: every rule's lines, and the memory unrolled."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from derived import assert_filled, lines_of, results_of

import worked_example as example
from kinds_of_rules import KERNEL_RULES as RULES
from schuss import (
    Adam,
    Cosine,
    Derivation,
    GradientDescent,
    Momentum,
    Nesterov,
    Plan,
    derive,
)
from schuss.insight.formulas.writer import TEXT
from schuss.method import backprop
from schuss.method.samples import Samples
from schuss.method.state import State

EPSILON = float(np.finfo(np.float64).eps)
SLOW = 1e-3  # a rate at which no case diverges


RATES = {"gradient_descent": GradientDescent(0.3), "momentum": Momentum(0.3, 0.9),
         "nesterov": Nesterov(0.3, 0.9), "adam": Adam(0.01)}  # fmt: skip
UNROLLED = {
    "adagrad": 0,
    "lookahead": 1,
    "schedule_free": 0,
}  # rows of the form M(n) = decay·M(n−1) + push(n)


def followed(rule: Any, steps: int) -> list[State]:
    """Return the states of a training on the worked example's first sample, by the rule's own update."""
    batch = Samples.check(example.NETWORK, example.X[:1], example.T[:1])
    plan = Plan(rule, epochs=steps, batch_size=1)
    states = [State.start(example.START, len(rule.memory))]
    for n in range(steps):
        g = backprop.gradient(example.NETWORK, states[-1].theta, batch.X, batch.targets(1)).gradient
        rates = plan.rates(n, n + 1, 1)[0].tolist()
        states.append(State(*rule.update(states[-1].theta, states[-1].memory, g, rates), n + 1))
    return states


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_its_lines(name: str) -> None:
    """Their numbers come to what the rule computes; the weights are those of a training as long."""
    rule = RATES.get(name, RULES[name]())
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=rule, theta=example.START, steps=4)
    states = followed(rule, 4)

    assert_filled(found)
    assert results_of(found, "New weight") == pytest.approx([s.theta[0] for s in states[1:]], rel=1e-13)
    unrolled = lines_of(found, "All terms")
    memory = states[-1].memory[: UNROLLED.get(name), 0].tolist()
    assert [line.result for line in unrolled] == pytest.approx(memory, rel=1e-12)


def exact_memory(found: Derivation, rate: float, momentum: float) -> Fraction:
    """Return Σ_i η^i·α·δ(n−i)·y(n−i) in exact arithmetic from the gradients shown, −δ·y each."""
    pushes = [Fraction(rate) * -Fraction(g) for g in results_of(found, "Gradient")]
    return sum((Fraction(momentum) ** i * push for i, push in enumerate(reversed(pushes))), Fraction(0))


def assert_unrolled(exact: Fraction, velocity: float, pushes: int, size: float) -> None:
    """Fail unless the rule's Δw is the exact sum but for its own roundings, three in each step."""
    assert abs(exact - Fraction(velocity)) <= Fraction(3 * pushes * EPSILON) * Fraction(size)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 1.0])
def test_the_unrolled_memory_is_the_change_of_the_rule(momentum: float) -> None:
    """In exact arithmetic, to the rounding of the rule itself; without one of its terms it is not."""
    rule = Momentum(0.5, momentum)
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=rule, theta=example.START, steps=4)
    velocity = float(followed(rule, 4)[-1].velocity[0])
    exact = exact_memory(found, 0.5, momentum)
    terms = results_of(found, "From")

    assert_unrolled(exact, velocity, 4, sum(map(abs, terms)))
    assert_unrolled(sum(map(Fraction, terms), Fraction(0)), velocity, 8, sum(map(abs, terms)))
    (whole,) = lines_of(found, "All terms")
    assert whole.check is not None
    assert whole.check.value == velocity
    (memory,) = lines_of(found, "The memory")
    assert memory.result == pytest.approx(velocity - terms[0], abs=1e-15)
    with pytest.raises(AssertionError):
        assert_unrolled(exact - Fraction(terms[0]), velocity, 4, sum(map(abs, terms)))


def test_terms_beyond_the_newest_are_counted_and_added_up() -> None:
    """Of 20 steps six terms are shown, the other 14 as one number, and the sum still balances."""
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=Momentum(0.1, 0.95), steps=20, seed=3)
    (whole,) = lines_of(found, "All terms")

    assert len(lines_of(found, "From")) == 6
    assert "[14 more: " in TEXT.write(whole.filled)
    assert "steps 1 to 16 likewise, not shown" in found.text()
    assert_filled(found)


def test_a_memory_from_before_has_a_term_of_its_own() -> None:
    """η^s·Δw(n−s), so that a recorded run can be looked at from any step on."""
    start = followed(Momentum(0.3, 0.9), 5)
    found = derive(
        *(example.NETWORK, example.X[0], example.T[0]),
        rule=Momentum(0.3, 0.9),
        theta=start[2].theta,
        memory=start[2].memory,
        steps=3,
        step=2,
    )
    (before,) = lines_of(found, "From all steps before")
    (whole,) = lines_of(found, "All terms")

    assert before.result == pytest.approx(0.9**3 * start[2].velocity[0], rel=1e-14)
    assert whole.result == pytest.approx(start[5].velocity[0], rel=1e-13)
    assert_filled(found)
    assert "Δw_kj(n−1) = 0" not in found.text()


def test_rates_that_change_are_taken_from_their_steps() -> None:
    """Each push keeps the rate that it was given, and fades by the momenta since."""
    plan = Plan(Momentum(Cosine(0.5), Cosine(0.9, 0.5)), epochs=4, batch_size=1)
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=plan, theta=example.START, steps=4)
    terms = lines_of(found, "From")

    assert TEXT.formula(terms[0].general) == "c_i·α(n−i)·δ_j(n−i)·y_k(n−i)"
    rates, gradients = plan.rates(0, 4, 1), results_of(found, "Gradient")
    for i, line in enumerate(terms):
        kept = math.prod(rates[4 - i :, 1])
        assert line.result == pytest.approx(-kept * rates[3 - i, 0] * gradients[3 - i], rel=1e-14)
    assert_filled(found)
    assert followed(plan.rule, 4)[-1].theta[0] == pytest.approx(
        results_of(found, "New weight")[-1], rel=1e-14
    )

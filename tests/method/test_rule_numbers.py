"""The numbers of the rules: those of a step alone, ages, equal rules under other names, what is refused."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparisons import assert_near
from kinds_of_rules import KERNEL_RULES as RULES
from schuss.errors import SettingError
from schuss.method.rules import (
    ELEMENT_WISE,
    Adam,
    AggMo,
    AveragedMomentum,
    Lion,
    Lookahead,
    Momentum,
    Nesterov,
    OuterMomentum,
    QuasiHyperbolic,
    RMSprop,
    Rule,
    ScheduleFree,
    rule_from_dict,
    rule_to_dict,
)
from schuss.method.rules.rule import LETTERS, LIMITS
from schuss.method.schedules import Cosine, Span

SPAN = Span(50)
FALLING = {
    name: Cosine(0.5, 0.1, warm_up=0.2) if name == "learning_rate" else Cosine(0.5, 0.4) for name in LIMITS
}


def falling(kind: Any) -> Rule:
    """Return a rule of which every rate is a schedule."""
    rule: Rule = kind(**{name: FALLING[name] for name in kind.rates})
    return rule


@pytest.mark.parametrize("kind", RULES.values())
def test_a_step_alone_has_the_numbers_that_it_has_among_others(kind: Any) -> None:
    """To the last bit, wherever the steps are cut; and what is no rate says so by its letter."""
    for rule in (kind(), falling(kind)):
        whole = rule.at(np.arange(50), SPAN)
        for step in (0, 1, 4, 31, 32, 49):
            np.testing.assert_array_equal(rule.at(np.array([step]), SPAN)[0], whole[step])
        np.testing.assert_array_equal(rule.at(np.arange(17, 40), SPAN), whole[17:40])
        assert whole.shape == (50, len(rule.numbers))
        assert len(set(whole[:, 0].tolist())) > 1 or isinstance(rule.learning_rate, float)
    for letter, values in zip(kind.numbers, kind().at(np.arange(9), SPAN).T, strict=True):
        assert letter.endswith("(n)") or letter in (*LETTERS.values(), "α_n")
        assert letter.endswith("(n)") or letter == "α_n" or len(set(values.tolist())) == 1


@pytest.mark.parametrize("kind", [kind for kind in RULES.values() if hasattr(kind(), "age")])
def test_an_age_stands_for_updates_before(kind: Any) -> None:
    """With constant rates, steps of an aged rule are later steps of a new one."""
    np.testing.assert_array_equal(kind(age=20).at(np.arange(30), SPAN), kind().at(np.arange(20, 50), SPAN))
    assert (kind(age=21).at(np.arange(30), SPAN) != kind().at(np.arange(20, 50), SPAN)).any() or (
        kind is OuterMomentum
    )
    with pytest.raises(SettingError, match="age must be an integer"):
        kind(age=-1)


def test_the_age_of_a_scheduled_mean_counts() -> None:
    """Updates of before weigh as much as the first: c = α²/Σα² of them all."""
    rates = np.array([0.1, 0.1, 0.2, 0.2, 0.4])
    rule = ScheduleFree(Cosine(0.4, warm_up=0.5), age=3)
    found = 1 - rule.at(np.arange(5), Span(10))[:, 1]
    largest = np.maximum.accumulate(rule.learning_rate.at(np.arange(5), Span(10)))
    weights = largest**2
    np.testing.assert_allclose(found, weights / (3 * weights[0] + np.cumsum(weights)), rtol=1e-12)
    assert len(set(found)) == len(rates)


def path(rule: Rule, numbers: list[float]) -> Any:
    """Return the weights that a rule goes through on a parabola with the same numbers in every step."""
    theta, memory, found = np.ones(1), np.zeros((len(rule.memory), 1)), []
    for _ in range(40):
        theta, memory = rule.update(theta, memory, 1.5 * theta + 0.2, numbers)
        found.append(theta[0])
    return np.array(found)


RATE, BETA = 0.2, 0.75
CLASSICAL = [RATE * (1 - BETA), BETA]


@pytest.mark.parametrize(
    ("rule", "numbers", "other", "same"),
    [
        (AveragedMomentum(), [RATE, BETA], Momentum(), CLASSICAL),
        (QuasiHyperbolic(), [RATE, BETA, 1.0], Momentum(), CLASSICAL),
        (QuasiHyperbolic(), [RATE, BETA, BETA], Nesterov(), CLASSICAL),
        (QuasiHyperbolic(), [RATE, BETA, 0.0], Momentum(), [RATE, 0.0]),
        (OuterMomentum(), [RATE, BETA, 1.0, 1.0, 0.0], Momentum(), [RATE, BETA]),
        (OuterMomentum(), [RATE, BETA, 1.0, BETA, 1.0], Nesterov(), [RATE, BETA]),
        (AggMo(), [RATE, BETA, BETA, BETA], Momentum(), [RATE, BETA]),
        (Lookahead(), [RATE, BETA, 0.0, 0.0], Momentum(), [RATE, BETA]),
        (ScheduleFree(), [RATE, 0.0, 0.0, 1.0], Momentum(), [RATE, 0.0]),
    ],
)
def test_rules_that_are_others_by_another_name(
    rule: Rule, numbers: list[float], other: Rule, same: list[float]
) -> None:
    """As docs/rules.md says; a rate that is a little larger parts them."""
    assert_near(path(rule, numbers), path(other, same), 1e-14, "weights")
    with pytest.raises(AssertionError, match="weights"):
        assert_near(path(rule, [1.001 * RATE, *numbers[1:]]), path(other, same), 1e-14, "weights")


def test_lion_moves_every_weight_by_its_rate() -> None:
    """And leaves one alone that has no gradient and remembers none."""
    g = np.array([1e-9, -7.0, 0.0])
    theta, memory = Lion().update(np.ones(3), np.zeros((1, 3)), g, [0.25, 0.9, 0.99])
    assert theta.tolist() == [0.75, 1.25, 1.0]
    np.testing.assert_allclose(memory[0], 0.01 * g, rtol=1e-12)


@pytest.mark.parametrize("kind", RULES.values())
def test_every_rule_survives_json(kind: Any) -> None:
    """With every rate a schedule, and with every plain setting another than the default."""
    plain = {"nesterov": True, "every": 3, "age": 7, "beta": 0.5}
    given = {name: value for name, value in plain.items() if hasattr(kind(), name)}
    for rule in (falling(kind), kind(**given)):
        assert rule_from_dict(rule_to_dict(rule)) == rule
    assert falling(kind) != kind()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: OuterMomentum(dampening=1.0), r"dampening must lie in \[0, 1\); got 1.0"),
        (lambda: OuterMomentum(0.1, 0.9, 0.3, nesterov=True), "nesterov goes without dampening alone"),
        (lambda: OuterMomentum(nesterov=1), "nesterov must be True or False; got 1"),
        (lambda: AveragedMomentum(beta=1.0), r"beta must lie in \[0, 1\)"),
        (lambda: QuasiHyperbolic(nu=1.5), r"nu must lie in \[0, 1\]; got 1.5"),
        (lambda: QuasiHyperbolic(beta=Cosine(1.2)), "beta"),
        (lambda: RMSprop(epsilon=0.0), r"epsilon must lie in \[1.17549e-38, inf\)"),
        (lambda: AggMo(beta_3=float("nan")), "beta_3"),
        (lambda: Lookahead(share=0.0), r"share must lie in \(0, 1\]"),
        (lambda: Lookahead(every=0), "every must be an integer of at least 1; got 0"),
        (lambda: ScheduleFree(beta=1.0), r"beta must lie in \[0, 1\)"),
        (lambda: ScheduleFree(beta=Cosine(0.5)), "beta"),
        (lambda: Adam(age=1.5), "age"),
    ],
)
def test_what_no_rule_can_be(make: Any, words: str) -> None:
    """The sentence names the setting, what was given and what is allowed."""
    with pytest.raises(SettingError, match=words):
        make()


def test_the_page_names_every_rule() -> None:
    """docs/rules.md: name, class, formula and rows of memory in the table, every setting below it."""
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    table = {row[0]: row[1:] for row in reversed(rows)}  # the first table of a name counts
    for rule in ELEMENT_WISE:
        assert table[f"`{rule.name}`"][:3] == [f"`{rule.__name__}`", rule.formula, str(len(rule.memory))]
    for kind in RULES.values():
        assert f"`{kind.name}`" in page
        for field in fields(kind):
            assert f"`{field.name}`" in page, f"{field.name} of {kind.name}"

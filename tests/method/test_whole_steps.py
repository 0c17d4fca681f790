"""Whole-step rules against plain ones written from their sources, and what each is known to do."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plain_rules as plain
from schuss.errors import SettingError
from schuss.method.plan import Plan
from schuss.method.rules import (
    WHOLE_STEPS,
    ConjugateGradients,
    IRpropMinus,
    IRpropPlus,
    LineSearch,
    Momentum,
    Muon,
    Nesterov,
    NesterovLookAhead,
    Newton,
    Quickprop,
    Rprop,
    rule_from_dict,
    rule_to_dict,
)
from schuss.method.rules.muon import orthogonalised
from schuss.method.rules.rule import WholeStep, first_memory
from schuss.method.schedules import Cosine, Span
from surfaces import Quadratic, SixPoints, descend

EIGENVALUES = (0.02, 0.1, 0.3, 0.7, 1.0, 1.9)
BOWL = Quadratic(EIGENVALUES, shape=(2, 2))  # four of a matrix and two biases
RESILIENT = (1.2, 0.5, 0.1, 1e-6, 50.0)
# A rule, its plain twin, how near a step is, and in how many steps.
TWINS: dict[str, tuple[Any, Any, float, int]] = {
    "rprop": (Rprop(), plain.resilient("rprop", *RESILIENT), 1e-14, 300),
    "irprop_plus": (IRpropPlus(), plain.resilient("irprop_plus", *RESILIENT), 1e-14, 300),
    "irprop_minus": (IRpropMinus(), plain.resilient("irprop_minus", *RESILIENT), 1e-14, 300),
    "quickprop": (Quickprop(0.1), plain.quickprop(0.1, 1.75), 1e-12, 300),
    "line_search": (LineSearch(method="brent", tolerance=1e-8), plain.line_search(0.0), 1e-6, 300),
    "golden": (LineSearch(tolerance=1e-8), plain.line_search(0.0), 1e-6, 300),
    "momentum": (LineSearch(0.5, "momentum", "brent", 1e-8), plain.line_search(0.5), 1e-6, 300),
    "conjugate_gradients": (ConjugateGradients(1e-8), plain.conjugate_gradients(), 1e-5, 6),
    "newton": (Newton(0.1, 0.05), plain.newton(0.1, 0.05), 1e-9, 300),
    "muon": (Muon(), plain.muon(0.02, 0.95, 0.02, [(2, 2)]), 1e-11, 300),
    "look_ahead": (NesterovLookAhead(0.1), plain.look_ahead(0.1, 0.9), 1e-13, 300),
}


def check_followed(rule: Any, twin: Any, near: float, steps: int, land: Any = BOWL) -> None:
    """Fail unless the twin, which remembers for itself, makes of each θ that the rule comes to the next one.

    So a difference in the last place does not grow from step to step.
    """
    thetas, _ = descend(rule, land, land.start, steps)
    known: dict[str, Any] = {}

    def ask(theta: list[float]) -> tuple[float, list[float]]:
        loss, gradient = land.gradient(np.array(theta))
        return loss, gradient.tolist()

    size = np.abs(thetas[0]).max()
    for n in range(steps):
        lowest = float(np.abs(thetas[n]).max())
        if lowest < 1e-6 * size:
            break  # it has arrived; searches find rounding there
        change = np.array(twin(ask, thetas[n].tolist(), known))
        largest = max(lowest, float(np.abs(change).max()))
        np.testing.assert_allclose(
            thetas[n + 1] - thetas[n], change, atol=near * largest, err_msg=f"step {n}"
        )


@pytest.mark.parametrize("name", TWINS)
def test_every_step_is_the_plain_rules(name):
    """On a quadratic, with the memory of three hundred steps, or until the bottom is reached."""
    check_followed(*TWINS[name])


def test_every_rule_has_a_plain_twin_and_a_broken_one():
    """A rule that is added to the table without them is missed."""
    assert {rule.name for rule, *_ in TWINS.values()} == {kind.name for kind in WHOLE_STEPS}
    assert set(BROKEN) == set(TWINS)


class WithoutGoingBack(Rprop):
    """RPROP+ that stays instead of taking a step back."""

    def step(self, land, theta, memory, rates):
        return IRpropMinus.step(self, land, theta, memory, rates)


class AlwaysBack(IRpropPlus):
    """iRPROP+ that takes back each step too far, whether the loss rose or not."""

    def step(self, land, theta, memory, rates):
        memory = memory.copy()
        memory[3] = -1.0
        return super().step(land, theta, memory, rates)


class WithoutPush(Quickprop):
    """Quickprop without the gradient's own term."""

    def step(self, land, theta, memory, rates):
        learning_rate = rates[0] if not memory.any() else 0.0
        return super().step(land, theta, memory, (learning_rate, rates[1]))


class Unconjugated(ConjugateGradients):
    """Conjugate gradients that forget the direction."""

    def step(self, land, theta, memory, rates):
        memory = memory.copy()
        memory[0] = 0
        return super().step(land, theta, memory, rates)


class HalfRidge(Newton):
    """Newton with half the ridge."""

    def step(self, land, theta, memory, rates):
        return super().step(land, theta, memory, (rates[0], rates[1] / 2))


class NotAhead(Muon):
    """Muon that does not look ahead."""

    def step(self, land, theta, memory, rates):
        return super().step(land, theta, memory, (rates[0], rates[1] ** 2, rates[2]))


BROKEN = {
    "rprop": WithoutGoingBack(),
    "irprop_plus": AlwaysBack(),
    "irprop_minus": Rprop(),
    "quickprop": WithoutPush(0.1),
    "line_search": LineSearch(0.5, "momentum", "brent", 1e-8),
    "golden": LineSearch(tolerance=0.1),
    "momentum": LineSearch(0.4, "momentum", "brent", 1e-8),
    "conjugate_gradients": Unconjugated(1e-8),
    "newton": HalfRidge(0.1, 0.05),
    "muon": NotAhead(),
    "look_ahead": Nesterov(0.1),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_is_rejected(name):
    """By the same comparison."""
    _, twin, near, steps = TWINS[name]
    with pytest.raises(AssertionError, match="step"):
        check_followed(BROKEN[name], twin, near, steps)


def test_conjugate_gradients_need_as_many_steps_as_there_are_weights():
    """On a quadratic, with exact searches; one step less, or forgetting the direction, is not enough."""
    thetas, _ = descend(ConjugateGradients(1e-9), BOWL, BOWL.start, 6)
    lengths = np.linalg.norm(thetas, axis=1) / np.linalg.norm(thetas[0])
    assert lengths[6] < 1e-4 < 1e-2 < lengths[5]
    forgetful, _ = descend(Unconjugated(1e-9), BOWL, BOWL.start, 6)
    assert np.linalg.norm(forgetful[6]) > 1e-2


def test_golden_and_brent_find_what_the_formula_says():
    """Along the gradient of a quadratic α is g·g/(g·H·g), at every step."""
    for method in ("golden", "brent"):
        rule = LineSearch(method=method, tolerance=1e-8)
        thetas, memories = descend(rule, BOWL, BOWL.start, 20)
        g = thetas[:-1] @ BOWL.H
        exact = (g * g).sum(axis=1) / ((g @ BOWL.H) * g).sum(axis=1)
        np.testing.assert_allclose(memories[1:, 1, 0], exact, rtol=1e-5)


def test_the_look_ahead_form_is_nesterovs():
    """θ = φ + η·v, step for step, for constant rates; momentum is not."""
    stored, _ = descend(Nesterov(0.1, 0.8), BOWL, BOWL.start, 300)
    phi, memories = descend(NesterovLookAhead(0.1, 0.8), BOWL, BOWL.start, 300)
    np.testing.assert_allclose(phi + 0.8 * memories[:, 0], stored, atol=1e-14)
    classical, _ = descend(Momentum(0.1, 0.8), BOWL, BOWL.start, 300)
    assert np.abs(classical - stored).max() > 1e-3


def test_muon_brings_singular_values_near_one():
    """Those of a random 6×4 matrix end within .6 to 1.3, in either orientation; its own share is P's."""
    U = np.random.default_rng(0).standard_normal((6, 4))
    for matrix in (U, U.T):
        X, share = orthogonalised(matrix)
        values = np.linalg.svd(X, compute_uv=False)
        assert 0.6 < values.min() <= values.max() < 1.3
        P = X @ np.linalg.pinv(matrix) if matrix.shape[0] < matrix.shape[1] else np.linalg.pinv(matrix) @ X
        np.testing.assert_allclose(share.ravel(), np.diagonal(P), atol=1e-9)
    assert np.linalg.svd(U, compute_uv=False).max() > 3


def test_where_the_loss_is_flat_the_weights_stay():
    """No slope and no lower place: a whole step of every rule, and it is at the same place."""
    flat = Quadratic((0.0,) * 6, shape=(2, 2))
    for kind in WHOLE_STEPS:
        thetas, memories = descend(kind(), flat, flat.start, 3)
        np.testing.assert_array_equal(thetas[0], thetas[-1])
        assert np.isfinite(memories).all()
    thetas, _ = descend(Momentum(), BOWL, BOWL.start, 3)
    assert (thetas[0] != thetas[-1]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", WHOLE_STEPS)
def test_a_step_keeps_the_dtype_and_writes_nothing(kind, dtype):
    """Also the first memory has the dtype of θ and the rows that the rule names; all numbers are finite."""
    land, rule = SixPoints(dtype), kind()
    theta = np.array(land.start, dtype)
    memory = first_memory(rule, theta)
    assert isinstance(rule, WholeStep)
    assert (memory.shape, memory.dtype) == ((len(rule.memory), 2), theta.dtype)
    for n in range(3):
        before = theta.copy(), memory.copy()
        (rates,) = rule.at(np.arange(n, n + 1), Span(3)).tolist()
        new, after, loss = rule.step(land, theta, memory, rates)
        assert (new.dtype, after.dtype, after.shape) == (theta.dtype, theta.dtype, memory.shape)
        assert np.isfinite([*new, *after.ravel(), loss]).all()
        np.testing.assert_array_equal(before[0], theta)
        np.testing.assert_array_equal(before[1], memory)
        theta, memory = new, after


@pytest.mark.parametrize(
    "rule",
    [*(kind() for kind in WHOLE_STEPS), Rprop(1.3, 0.4, 0.2, 0.01, 3), Muon(Cosine(0.1), 0.5, 0.3)],
    ids=lambda rule: rule.name,
)
def test_a_whole_step_rule_survives_json(rule):
    """With all its settings."""
    assert rule_from_dict(rule_to_dict(rule)) == rule


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Rprop(increase=1.0), "increase must lie in"),
        (lambda: Rprop(decrease=1.0), "decrease must lie in"),
        (lambda: IRpropPlus(first_step=1e-7), "first_step must lie in"),
        (lambda: IRpropMinus(smallest=2.0, largest=1.0), "largest must lie in"),
        (lambda: Quickprop(max_growth=0), "max_growth must lie in"),
        (lambda: LineSearch(along="gradent"), "did you mean 'gradient'"),
        (lambda: LineSearch(method="armijo"), "golden, brent"),
        (lambda: LineSearch(tolerance=1.0), "tolerance must lie in"),
        (lambda: ConjugateGradients(first_step=0), "first_step must lie in"),
        (lambda: Newton(ridge=-1.0), "ridge must lie in"),
        (lambda: Muon(bias_rate=0.0), "bias_rate must lie in"),
    ],
)
def test_bad_settings_are_named(make, words):
    """With what is allowed."""
    with pytest.raises(SettingError, match=words):
        make()


@pytest.mark.parametrize("kind", WHOLE_STEPS)
def test_a_plan_says_what_a_rule_cannot_do(kind):
    """Mini-batches where it compares steps, weight decay, clipping; those who can take mini-batches do."""
    whole = {"batch_size": None}
    if kind.full_batch:
        with pytest.raises(SettingError, match="batch_size=None"):
            Plan(kind())
    else:
        assert Plan(kind()).batch_size == 32
    for name in ("weight_decay", "clip"):
        with pytest.raises(SettingError, match=name):
            Plan(kind(), **whole, **{name: 0.1})
    assert Plan(kind(), **whole, l2=0.1, dropout=0.2).rule == kind()
    assert Plan(Momentum(), clip=0.1, weight_decay=0.1).clip == 0.1


def test_the_page_names_every_rule_and_setting():
    """docs/rules-full-batch.md: name and class in the table, every setting somewhere below it."""
    page = (Path(__file__).parents[2] / "docs" / "rules-full-batch.md").read_text()
    for kind in WHOLE_STEPS:
        assert f"| `{kind.name}` | `{kind.__name__}` |" in page
        for field in fields(kind):
            assert f"`{field.name}`" in page or f"`{field.name}=" in page, f"{field.name} of {kind.name}"

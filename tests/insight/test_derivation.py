"""The derivation with one's own numbers: every line is right."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derived import assert_filled, lines_of, results_of

import oracles
import worked_example as example
from cases import CASES, PAIRS, Case, case_of
from comparisons import assert_near
from schuss import (
    Derivation,
    Momentum,
    Nesterov,
    Network,
    Plan,
    derive,
)
from schuss.insight.derivation import scene
from schuss.insight.derivation.value import Check
from schuss.insight.formulas.expressions import Number
from schuss.insight.formulas.writer import TEXT
from schuss.method import backprop

EPSILON = float(np.finfo(np.float64).eps)
SLOW = 1e-3  # a rate at which no case diverges


# --- against numbers from elsewhere ---


def test_the_worked_example_line_by_line() -> None:
    """Net inputs, outputs, error, error signals and change are those that were worked out by hand."""
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=example.PLAN.rule, theta=example.START)

    assert_near(np.array(results_of(found, "Net input")), np.array(example.NET_INPUTS[0]), 1e-14)
    assert_near(np.array(results_of(found, "Output")), np.array(example.OUTPUTS[0]), 1e-14)
    assert results_of(found, "Error of the sample") == [pytest.approx(example.LOSSES[0], rel=1e-14)]
    output, hidden = results_of(found, "Error signal of")
    assert (hidden, output) == pytest.approx((example.DELTAS[0][0], example.DELTAS[0][2]), rel=1e-14)
    assert results_of(found, "Change") == [pytest.approx(example.CHANGES[0][0], rel=1e-14)]
    assert results_of(found, "New weight") == [pytest.approx(0.1 + example.CHANGES[0][0], rel=1e-14)]


@pytest.mark.parametrize("index", range(9))
def test_the_second_step_of_the_worked_example_remembers_the_first(index: int) -> None:
    """From the state after step 0, every weight changes as worked out, and ends where it should."""
    found = derive(
        *(example.NETWORK, example.X[1], example.T[1]),
        rule=example.PLAN,
        theta=example.START + example.CHANGES[0],
        memory=example.CHANGES[:1],
        weight=index,
        step=1,
        n_samples=2,
    )

    assert found.weight == example.NETWORK.weight_name(index)
    assert results_of(found, "Change") == [pytest.approx(example.CHANGES[1][index], rel=1e-13)]
    assert results_of(found, "New weight") == [pytest.approx(example.END[index], rel=1e-14)]
    assert_filled(found)


def of_case(case: Case, weight: int, **how: Any) -> Derivation:
    """Derive the first sample of a case."""
    how = {"rule": Momentum(SLOW, 0.9), "theta": case.theta} | how
    return derive(case.network, case.samples.X[0], case.targets[0], weight=weight, **how)


def complex_gradient(case: Case) -> Any:
    """Return the gradient of the first sample alone, as the complex step finds it."""
    problem = replace(case.problem, l2=0.0, l1=0.0)
    return oracles.complex_step(problem, case.theta, case.samples.X[:1], case.targets[:1])


def assert_right(found: Derivation, error: float, slope: float, size: float) -> None:
    """Fail unless error and gradient are what the complex step finds, but for rounding of `size`."""
    assert results_of(found, "Error of the sample") == [pytest.approx(error, rel=1e-12, abs=1e-13)]
    assert abs(results_of(found, "Gradient")[0] - slope) <= 1e-13 * max(size, 1.0)


@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_every_activation_and_loss(activation: str, loss: str) -> None:
    """Error and gradient are the complex step's, and each line's numbers come to its result."""
    case = case_of(activation, loss, 2)
    error, slopes = complex_gradient(case)
    for weight in (0, int(np.abs(slopes).argmax()), case.network.n_parameters - 1):
        found = of_case(case, weight)
        assert_right(found, error, slopes[weight], np.abs(slopes).max())
        assert_filled(found)


def test_a_wrong_gradient_and_a_wrong_number_in_a_line_are_noticed() -> None:
    """The comparisons above can fail."""
    case = case_of("logistic", "squared_error", 2)
    error, slopes = complex_gradient(case)
    weight = int(np.abs(slopes).argmax())
    found = of_case(case, weight)
    with pytest.raises(AssertionError):
        assert_right(found, error, -slopes[weight], 1.0)
    line = found.lines[0]
    twin = replace(found, lines=(replace(line, filled=Number(line.result + 1e-6)), *found.lines[1:]))
    with pytest.raises(AssertionError):
        assert_filled(twin)


def test_softmax_with_cross_entropy_is_target_minus_output() -> None:
    """Its δ is shown as t − y, in one line and without a slope."""
    network = Network([2, 3, 3], "tanh", "cross_entropy")
    found = derive(network, [1.0, -2.0], 1)
    shown = lines_of(found, "Error signal of output")

    assert [TEXT.formula(line.general) for line in shown] == ["δ_j = −∂E/∂x_j = t_j − y_j"] * 3
    assert sum(line.result for line in shown) == pytest.approx(0.0, abs=1e-15)
    assert not lines_of(found, "Slope of output")


# --- the numerical check ---


def reversed_hidden(*args: Any) -> Any:
    """Return error signals whose hidden ones have the wrong sign, the slip that the-rule.md warns of."""
    *hidden, output = backprop.error_signals(*args)
    return [*(-delta for delta in hidden), output]


def reversed_output(*args: Any) -> Any:
    *hidden, output = backprop.error_signals(*args)
    return [*hidden, -output]


@pytest.mark.parametrize(
    ("twin", "weight"),
    [(reversed_hidden, "hidden1[0] <- input[0]"), (reversed_output, "output[0] <- hidden1[0]")],
)
def test_a_wrong_sign_is_rejected_by_the_numerical_derivative(
    monkeypatch: pytest.MonkeyPatch, twin: Callable[..., Any], weight: str
) -> None:
    """The derivation's own check finds it, says so in every form, and without it agrees."""
    given = {"rule": example.PLAN.rule, "theta": example.START, "weight": weight}
    assert derive(example.NETWORK, example.X[0], example.T[0], **given).agrees

    monkeypatch.setattr(scene, "error_signals", twin)
    found = derive(example.NETWORK, example.X[0], example.T[0], **given)
    assert not found.agrees
    (line,) = lines_of(found, "Gradient")
    assert line.check is not None
    assert line.check.difference == pytest.approx(2.0, rel=1e-6)
    assert "NOT all" in repr(found)
    for form in (found.text(), found.latex(), found.markdown(), found.html()):
        assert "do NOT agree" in form


def test_a_check_says_how_far_apart_two_numbers_are() -> None:
    """Relative to the larger; NaN never agrees, two zeros do."""
    assert Check.of("", 1.0, 1.0 + 1e-7, 1e-6).agrees
    assert not Check.of("", 1.0, 1.0 + 1e-5, 1e-6).agrees
    assert Check.of("", 0.0, 0.0, 1e-6) == Check("", 0.0, 0.0, agrees=True)
    assert not Check.of("", math.nan, 1.0, 1e-6).agrees
    assert Check.of("", 2.0, 1.0, 0.0, 1.0).difference == 0.5


# --- batches, penalties, dropout, size ---


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 0.0, 2.0, 1.0, 1.0, 3.0]])
def test_a_batch_adds_up_its_samples(reduction: str, weights: list[float] | None) -> None:
    """With penalties and weights: the gradient is that of the engine, one sample is shown in full."""
    case = case_of("tanh", "huber", 3)
    plan = Plan(Nesterov(SLOW), reduction=reduction, l2=0.3, l1=0.2)
    found = derive(
        *(case.network, case.samples.X, case.targets),
        rule=plan,
        theta=case.theta,
        weight=3,
        sample=6,
        weights=weights,
    )
    given = None if weights is None else np.array(weights)
    expected = backprop.gradient(
        *(case.network, case.theta, case.samples.X, case.targets), plan.objective, weights=given
    )

    trace = backprop.forward(case.network, case.theta, case.samples.X)
    assert results_of(found, "Gradient of the batch") == [pytest.approx(expected.gradient[3], rel=1e-13)]
    assert_near(np.array(results_of(found, "Net input of output")), trace.x[-1][6], 1e-14)
    assert "[3 more: " in TEXT.write(lines_of(found, "Gradient of the batch")[0].filled)
    assert_filled(found)


def test_clipping_and_weight_decay_have_their_place() -> None:
    """The gradient is cut to the length allowed, and the old weight shrinks before the change."""
    case = case_of("logistic", "squared_error", 2)
    plan = Plan(Momentum(0.1), clip=1e-3, weight_decay=0.5)
    found = of_case(case, 2, rule=plan)
    full = backprop.gradient(case.network, case.theta, case.samples.X[:1], case.targets[:1]).gradient
    clipped = full[2] * 1e-3 / np.linalg.norm(full)

    assert results_of(found, "Clipped") == [pytest.approx(clipped, rel=1e-13)]
    assert results_of(found, "New weight") == [pytest.approx(0.95 * case.theta[2] - 0.1 * clipped, rel=1e-14)]
    assert_filled(found)


def test_steps_of_which_some_are_clipped_still_add_up() -> None:
    """The pushes unrolled are those of the clipped gradients, also where the last one is not clipped."""
    plan = Plan(Momentum(0.9, 0.9), clip=0.135, batch_size=1)
    found = derive(example.NETWORK, example.X[0], example.T[0], rule=plan, theta=example.START, steps=4)

    assert 0 < len(lines_of(found, "Clipped")) < 4
    assert lines_of(found, "Clipped")[-1].step < 3
    assert_filled(found)


def test_dropout_shows_what_it_multiplies_by() -> None:
    """Silent units have output 0 and get no error signal; the numerical check sees the same units silent."""
    network = Network([3, 4, 4, 2], "tanh")
    plan = Plan(Momentum(0.1), dropout=0.5, seed=5, batch_size=1)
    for weight in range(0, network.n_parameters, 5):
        found = derive(network, [1.0, -1.0, 0.5], [0.2, -0.3], rule=plan, weight=weight, steps=3, seed=1)
        assert_filled(found)
    assert "y_j = μ_j·f(x_j)" in found.text()
    assert 0.0 in results_of(found, "Output of hidden1")


def test_a_large_network_shows_what_matters_for_the_weight() -> None:
    """A few terms of long sums, the weight's own among them, and a few units; the rest is counted."""
    network = Network([64, 128, 10], "tanh", "cross_entropy")
    found = derive(network, np.linspace(-1, 1, 64), 3, weight="hidden1[77] <- input[33]")
    (net_input,) = lines_of(found, "Net input of hidden1")
    told = TEXT.write(net_input.filled)

    assert len(found.lines) < 30
    assert "[60 more: " in told
    assert TEXT.value(network.initial(0)[network.weight_index("hidden1[77] <- input[33]")], 6) in told
    assert "the other 127 units of hidden1 likewise" in found.text()
    assert_filled(found)


def test_groups_of_outputs_have_their_own_softmax() -> None:
    """The sum below the fraction bar runs over the group alone."""
    network = Network([2, 5], "tanh", "cross_entropy", groups=[2, 3])
    found = derive(network, [1.0, 2.0], [0, 1, 1, 0, 0], weight="output[4] <- input[1]")

    assert_filled(found)
    assert TEXT.write(lines_of(found, "Output of output[4]")[0].filled).count("exp") == 4


@pytest.mark.parametrize(("activation", "loss", "depth"), CASES[::5])
def test_later_steps_are_right_too(activation: str, loss: str, depth: int) -> None:
    """Over three steps, for networks of every depth, no line's numbers miss its result."""
    case = case_of(activation, loss, depth)
    assert_filled(of_case(case, case.network.n_parameters // 2, steps=3))


def test_a_bias_is_a_weight_from_a_unit_whose_output_is_one() -> None:
    """Its lines have b_j and no y_k."""
    found = derive(Network([2, 2, 1], "logistic"), [1, 0], [1], weight="output[0] <- bias", steps=2)

    assert TEXT.formula(lines_of(found, "Gradient")[0].general) == "∂E/∂b_j = −δ_j"
    assert TEXT.formula(lines_of(found, "Change")[0].general) == "Δb_j(n) = α·δ_j(n) + η·Δb_j(n−1)"
    assert "Δw" not in found.text()


def test_the_same_input_gives_the_same_derivation() -> None:
    """Line by line; another seed another one."""
    network = Network([2, 2, 1], "logistic")

    assert derive(network, [1, 0], [1], steps=3) == derive(network, [1, 0], [1], steps=3)
    assert derive(network, [1, 0], [1], seed=1) != derive(network, [1, 0], [1])
    assert derive(network, [1, 0], [1], seed=1) == derive(network, [1, 0], [1], rule=Plan(seed=1))

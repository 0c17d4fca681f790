"""Accounts of whole-step rules: they balance to the last bit, and say what came from elsewhere."""

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from engines import ALL, make_engine
from kinds_of_rules import WHOLE_RULES, batch_for
from problems import NETWORK, draw_data
from schuss import train
from schuss.insight.account import Account, Pushes
from schuss.method.rules import Muon, NesterovLookAhead, Newton, Quickprop, Rprop
from schuss.training.run import Run

STEPS = 24
PLANS: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalties": {"l2": 0.3, "l1": 0.05},
    "dropout, sum": {"dropout": 0.3, "reduction": "sum"},
}


def run_of(rule: Any, plan: str = "plain", dtype: str = "float64", engine: Any = "auto", **how: Any) -> Run:
    """Train the small problem with sample weights, one of them zero, for so many steps."""
    X, T = draw_data()
    weights = np.where(np.arange(len(X)) == 3, 0.0, 1.0 + np.arange(len(X)) % 3)
    size = batch_for(rule, 11)
    how = {"batch_size": size, "weights": weights, "dtype": dtype, **PLANS[plan], **how}
    return train(NETWORK, X, T, rule=rule, engine=engine, epochs=STEPS if size is None else STEPS // 2, **how)


def rule_for(name: str) -> Any:
    """Return a rule that neither diverges nor stands still here."""
    gentle = {"newton": Newton(0.1, 1.0), "quickprop": Quickprop(0.02)}
    return gentle.get(name) or WHOLE_RULES[name]()


def exact(account: Account, split: Pushes) -> Fraction:
    """Return the sum of a split's lines in rational numbers."""
    return sum(map(Fraction, account.lines(split)), Fraction(0))


DTYPES = {"plain": "float64", "penalties": "float32", "dropout, sum": "float64"}
KINDS = [(rule, plan, dtype) for rule in WHOLE_RULES for plan, dtype in DTYPES.items()]
RANGES = ((0, 1, None), (7, 8, None), (15, 16, 15), (3, STEPS, 2))


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_lines_are_the_change_to_the_last_bit(kind: Any) -> None:
    """For weights and biases of each layer, single steps and ranges; and a falsified line is noticed."""
    run = run_of(rule_for(kind[0]), *kind[1:])
    for weight, (start, stop, back) in itertools.product((11, 33, 43), RANGES):
        account = run.account(weight, start, stop, back=back)
        change = Fraction(float(run.at(stop).theta[weight])) - Fraction(float(run.at(start).theta[weight]))
        assert exact(account, account.steps) == exact(account, account.samples) == change == account.change
        assert account.balances, (weight, start, stop)
    false = account.steps.contribution.copy()
    i = int(np.abs(false).argmax())
    false[i] = np.nextafter(false[i], np.inf)
    assert not replace(account, steps=replace(account.steps, contribution=false)).balances


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_what_is_missing_cannot_hide_in_the_rounding(name: str) -> None:
    """A step's contribution moved into the rounding is more than the rounding may be."""
    account = run_of(rule_for(name), "penalties").account(11, 3, 20, back=3)
    pushes = account.steps
    false = pushes.contribution.copy()
    i = int(np.abs(false).argmax())
    taken, false[i] = false[i], 0.0
    hidden = replace(pushes, contribution=false, rounding=(*pushes.rounding, float(taken)))
    assert exact(account, hidden) == account.change
    assert account.balances
    assert not replace(account, steps=hidden).balances


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("name", WHOLE_RULES)
def test_every_engine_keeps_books(name: str, engine: str) -> None:
    """Each run is accounted for by the arithmetic that made it."""
    run = run_of(rule_for(name), "plain", "float32", make_engine(engine))
    assert run.replay.engine.info.arithmetic == make_engine(engine).info.arithmetic
    assert run.account(11, 5, 20).balances


def test_rprop_takes_back_a_step() -> None:
    """Where a slope has changed its sign, the account is the change before, taken back; its words say so."""
    run = run_of(Rprop())
    line = "taking back the step before"
    taken = [run.account(11, step) for step in range(STEPS)]
    back = [account for account in taken if account.others[line]]
    assert 0 < len(back) < STEPS // 2
    for account in back:
        before = run.account(11, account.start - 1)
        assert float(account.change) == pytest.approx(-float(before.change), rel=1e-12)
        assert account.others[line] == pytest.approx(float(account.change), rel=1e-12)
        assert account.now == 0
        assert line in account.text()
    forward = next(account for account in taken[1:] if not account.others[line])
    assert forward.now == pytest.approx(float(forward.change), rel=1e-12)


def test_newton_names_what_came_from_the_other_weights() -> None:
    """A weight's own part is −α·(H + r)⁻¹ᵢᵢ·gᵢ; the rest is a line of its own."""
    run = run_of(Newton(0.1, 1.0))
    state, after = run.at(7), run.at(8)
    account = run.account(11, 7)
    own = -0.1 * after.memory[2, 11] * after.memory[1, 11]
    assert account.now == pytest.approx(own, rel=1e-9)
    assert account.others["the other weights"] == pytest.approx(after.theta[11] - state.theta[11] - own)
    assert abs(account.others["the other weights"]) > 1e-3 * abs(own)


def test_muon_names_what_came_from_the_other_weights() -> None:
    """Of a matrix some does, of a bias nothing."""
    run = run_of(Muon())
    line = "the other weights of the layer"
    assert run.account(11, 7).others[line] != 0
    bias = NETWORK.weight_index("output[0] <- bias")
    assert run.account(bias, 7).others[line] == 0


def test_penalties_are_those_where_the_gradient_was_taken() -> None:
    """The look-ahead form takes it at θ + η·v, and the account of l2 is of that place."""
    run = run_of(NesterovLookAhead(0.05, 0.9), "penalties")
    state = run.at(7)
    place = float(state.theta[11] + 0.9 * state.memory[0, 11])
    rows = run.plan.batch(7, run.n_samples)
    scale = 1 / float(run.replay.samples.weights[rows].sum())  # type: ignore[index]  # they are there
    found = run.account(11, 7, back=0).others["l2 penalty"]
    assert found == pytest.approx(-0.05 * 0.3 * scale * place, rel=1e-9)
    assert found != pytest.approx(-0.05 * 0.3 * scale * float(state.theta[11]), rel=1e-3)

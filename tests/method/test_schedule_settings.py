"""Schedules as settings: through JSON, in words, refused where they are wrong; and functions, checked."""

import json
import math

import numpy as np
import pytest

from schedules import EACH, values
from schuss.errors import SettingError
from schuss.method.plan import Plan
from schuss.method.rules import Adam, Momentum
from schuss.method.schedules import (
    SCHEDULES,
    Custom,
    Inverse,
    Listed,
    Nesterov1983,
    OneCycle,
    Plateau,
    Restart,
    Step,
    WarmUp,
    check_rate,
    rate_from_json,
    rate_to_json,
)


@pytest.mark.parametrize("schedule", EACH, ids=repr)
def test_through_json(schedule):
    """Through JSON text it comes back equal, nested ones and points included, also as a rate of a plan."""
    assert rate_from_json(json.loads(json.dumps(rate_to_json(schedule)))) == schedule
    plan = Plan(Momentum(0.1, schedule) if isinstance(schedule, Restart) else Adam(schedule))
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert hash(schedule) == hash(rate_from_json(rate_to_json(schedule)))


@pytest.mark.parametrize("schedule", EACH, ids=repr)
def test_words(schedule):
    """Each says in words what it is, in one line that names a number."""
    assert "\n" not in schedule.words
    assert any(letter.isdigit() for letter in schedule.words)


def test_words_of_some():
    """To the letter, one epoch in the singular."""
    assert Step(0.1, every=1).words == "0.1, divided by 10 every 1 epoch"
    assert Step(0.1, after=(30, 60)).words == "0.1, divided by 10 after 30, 60 epochs"
    assert WarmUp(Inverse(0.3, 0.1), 5, "step").words == "rising over 5 steps, then 0.3/(1 + 0.1·n) in step n"
    assert OneCycle(0.95, 0.85).words == "one cycle from 0.95 to 0.85 and to 0.95"
    assert Listed(((0, 0.1), (9, 0.2))).words == "on straight lines through 2 points from 0.1 to 0.2"


BAD = {
    "Step": [{"initial": 0.0, "every": 1}, {"initial": 1.0}, {"initial": 1.0, "every": 1, "after": (2,)}],
    "Step ": [{"initial": 1.0, "every": 0}, {"initial": 1.0, "factor": 1.0, "every": 1}],
    "Step  ": [{"initial": 1.0, "after": a} for a in (5, "30", (0,), (3, 3), (4, 2), (1.5,))],
    "Exponential": [{"initial": 1.0, "factor": f} for f in (0.0, 1.1, float("nan"), "1")],
    "Exponential ": [{"initial": 0.0, "factor": 0.5}, {"initial": 1.0, "factor": 0.5, "per": "sample"}],
    "Inverse": [{"initial": 1.0, "decay": -0.1}, {"initial": -1.0, "decay": 1.0}],
    "WarmUp": [{"then": 0.0}, {"then": Plateau(0.1)}, {"then": "cosine"}, {"then": 0.1, "length": -1}],
    "WarmUp ": [{"then": 0.1, "per": "batch"}, {"then": None}],
    "OneCycle": [{"first": -1, "turn": 1}, {"first": 0.1, "turn": float("inf")}],
    "OneCycle ": [{"first": 0.1, "turn": 1, **more} for more in ({"share": 0}, {"share": 1}, {"last": -1})],
    "OneCycle  ": [{"first": 0.1, "turn": 1, "shape": "square"}],
    "Sutskever": [{"highest": 0.0}, {"highest": 1.1}, {"period": 0}, {"period": 2.5}],
    "Nesterov1983": [{"highest": 0.0}, {"highest": 1.1}, {"highest": None}],
    "Demon": [{"initial": 0.0}, {"initial": 1.0}, {"initial": "0.9"}],
    "Restart": [{"then": -0.1}, {"then": Plateau(0.1)}, {"then": Restart()}, {"when": "loss"}],
    "Restart ": [{"restarts": r} for r in (5, "30", (-1,), (1.5,))],
    "Listed": [{"values": v} for v in ((), 0.1, "0.1", (0.1, -0.1), (float("nan"),), (0.1, (2, 0.1)))],
    "Listed ": [{"values": v} for v in (((2, 0.1), (2, 0.2)), ((2, 0.1), (1, 0.2)), ((1, 2, 3),))],
    "Listed  ": [{"values": v} for v in (((-1, 0.1),), ((1, -0.1),), ((1, 0.1), 0.2))],
    "Custom": [{"function": 0.1, "high": 1.0}, {"function": abs, "high": -1.0}],
    "Custom ": [{"function": abs, "high": 0.5, "low": 0.6}, {"function": abs, "high": float("inf")}],
}


@pytest.mark.parametrize(("kind", "settings"), [(k.strip(), s) for k, rows in BAD.items() for s in rows])
def test_a_bad_setting(kind, settings):
    """Each setting outside what is allowed is a SettingError that says what was given."""
    kinds = {k.__name__: k for k in SCHEDULES.values()}
    with pytest.raises(SettingError, match=r"got|cannot follow"):
        kinds[kind](**settings)


@pytest.mark.parametrize(
    "schedule", [Step(1.5, every=1), WarmUp(1.5), OneCycle(0.9, 1.5), Listed((0.1, 1.5)), Custom(abs, 1.5)]
)
def test_the_limits_of_a_rate_hold(schedule):
    """A schedule that may go beyond a rate's limits is refused where it is given."""
    assert check_rate("momentum", schedule, low=0.0, high=1.5) is schedule
    with pytest.raises(SettingError, match="momentum"):
        Momentum(0.1, schedule)


def test_momentum_of_one_is_too_much_for_adam():
    """β₁ must stay below 1, which Nesterov's momentum does with a highest value."""
    with pytest.raises(SettingError, match="beta_1"):
        Adam(0.01, Nesterov1983())
    assert Adam(0.01, Nesterov1983(0.99)).beta_1.bounds == (pytest.approx(0.4), 0.99)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda n: math.nan if n == 7 else 0.1, "of step 7 must lie in"),
        (lambda n: 0.1 * n, "of step 4 must lie in"),
        (lambda n: 0.1 - 0.05 * n, "of step 3 must lie in"),
        (lambda n: None if n == 2 else 0.1, "of step 2 must be a number"),
        (lambda n: np.full(2, n / 100), "of step 0 must be a number"),
    ],
)
def test_a_functions_values_are_checked(function, told):
    """NaN, a value outside the limits, or no number: the message names the step."""
    with pytest.raises(SettingError, match=told):
        values(Custom(function, 0.35))


def test_any_function():
    """A lambda, one of NumPy's, one for arrays, an object that can be called."""

    class Rate:
        def __call__(self, n):
            return 0.1 / (n + 1)

    expected = [0.1 / (n + 1) for n in range(100)]
    for function in (
        Rate(),
        lambda n: np.float64(0.1) / (n + 1),
        lambda n: np.where(n >= 0, 0.1, 0) / (n + 1),
    ):
        assert values(Custom(function, 1.0)) == expected
    assert "Rate" in Custom(Rate(), 1.0).words


def test_a_function_is_not_written_to_json():
    """The error says which schedule is: a table of its values, which are the same."""
    custom = Custom(lambda n: 0.1 / (n + 1), 0.1)
    for what in (
        lambda: rate_to_json(custom),
        lambda: rate_to_json(WarmUp(custom)),
        Plan(Adam(custom)).to_dict,
    ):
        with pytest.raises(SettingError, match=r"Listed\(\[function\(n\) for n in range\(steps\)\]\)"):
            what()
    assert values(Listed([custom.function(n) for n in range(100)])) == values(custom)
    with pytest.raises(SettingError, match="callable"):
        rate_from_json({"schedule": "custom", "function": "exp", "high": 1.0})

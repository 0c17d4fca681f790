"""Races down surfaces: the article's numbers, trails that are the rules' own, honest counts, honest ends."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schuss import Adam, GradientDescent, Lbfgs, Momentum, Nesterov, Race, ScheduleFree, SettingError, race
from schuss.insight.race.descend import descend
from schuss.insight.race.value import settings_of
from schuss.insight.race.window import window_of
from schuss.method.backprop import Gradient
from schuss.method.rules import IRpropMinus, IRpropPlus, LineSearch, Newton, Rprop, Rule, WholeStep
from schuss.method.surfaces import SURFACES, Surface

ARTICLE = {"gradient_descent": 797, "momentum": 92, "rprop": 20, "irprop_plus": 17, "line_search": 2}
# Where those whose arithmetic is given to the last step end; the article's text says it in fewer digits.
ENDS = {
    "gradient_descent": ((2.3766131, -3.0325909), 0.12497966),
    "momentum": ((2.4885618, -2.9898064), 0.12498131),
    "rprop": ((2.6257475, -3.5046660), 0.120425),
    "irprop_plus": ((2.4545584, -3.0887794), 0.124151),
}
ETAS = {0.0: 797, 0.5: 401, 0.8: 166, 0.9: 92, 0.95: 80, 0.97: 91, 0.99: None}


def counts(made: Race) -> dict[str, int]:
    return {racer.rule.name: racer.steps for racer in made.racers}


def steps_of(rule: Rule | WholeStep, dtype: str = "float64") -> int | None:
    (racer,) = race(rules=[rule], dtype=dtype).racers
    return racer.steps if racer.reached else None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_article_is_reproduced(dtype: str) -> None:
    """797, 92, 20, 17 and 2 steps, in either precision, all at the goal, ranked from 2 to 797."""
    made = race("six-points", dtype=dtype)

    assert counts(made) == ARTICLE
    assert all(racer.reached for racer in made.racers)
    assert [racer.steps for racer in made.ranked] == [2, 17, 20, 92, 797]
    near = 2e-5 if dtype == "float32" else 1e-7
    for name, (end, loss) in ENDS.items():
        racer = made.racer(name)
        assert racer.trail[-1] == pytest.approx(end, rel=near)
        assert racer.loss[-1] == pytest.approx(loss, rel=5e-6)
        assert racer.trail.dtype == dtype


def test_the_half_in_the_loss_would_be_noticed() -> None:
    """With ½ before the squares, as losses often have it, gradient descent needs other steps."""
    good = SURFACES["six-points"]()
    halved = replace(good, slope=lambda theta: 0.5 * good.slope(theta))
    (racer,) = race(halved, rules=[GradientDescent(0.3)]).racers

    assert racer.steps != ARTICLE["gradient_descent"]


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        (GradientDescent(10.0), 25),
        (Nesterov(0.3, 0.9), 91),
        (Newton(ridge=0.01), 3),
        (Rprop(first_step=0.3), 18),
        (IRpropPlus(first_step=0.3), 16),
        (Rprop(smallest=0.1), 20),
        (IRpropPlus(smallest=0.1), 17),
        (LineSearch(method="brent"), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_is_said_of_the_article_is_so(rule: Rule | WholeStep, steps: int) -> None:
    """The numbers of the notes below the table, and others of the same surface."""
    assert steps_of(rule) == steps


@pytest.mark.parametrize(("farthest", "steps"), [(50.0, 6), (350.0, 2)])
def test_a_line_search_needs_more_steps_where_it_may_not_go_far(farthest: float, steps: int) -> None:
    """Golden section over [0, farthest] gradients, written out once more: 6 steps up to 50, 2 up to 350."""
    surface, keep = SURFACES["six-points"](), (np.sqrt(5) - 1) / 2
    theta, made = np.array(surface.start), 0
    while surface.loss(theta) > surface.goal:
        slope, low, high = surface.slope(theta), 0.0, farthest
        while high - low > 0.5:
            near, far = high - keep * (high - low), low + keep * (high - low)
            if surface.loss(theta - near * slope) < surface.loss(theta - far * slope):
                high = far
            else:
                low = near
        theta, made = theta - (low + high) / 2 * slope, made + 1

    assert made == steps


def test_rprop_turns_at_the_twelfth_step() -> None:
    """Eleven steps one way, as the article's figure shows: the proof that step sizes began at 0.1."""
    trail = race(rules=[Rprop()]).racers[0].trail
    first = np.diff(trail, axis=0)[:, 0] > 0
    second = np.diff(trail, axis=0)[:, 1] > 0

    assert first[:11].all()
    assert second[:11].all()
    assert not (first[11] and second[11])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_best_momentum_is_a_valley(dtype: str) -> None:
    """797 steps at η = 0, 80 at 0.95, 91 at 0.97, none within 5,000 at 0.99."""
    steps = 5000 if dtype == "float64" else 1000
    made = race(rules=[Momentum(0.3, eta) for eta in ETAS], dtype=dtype, steps=steps)

    assert [racer.steps if racer.reached else None for racer in made.racers] == list(ETAS.values())
    assert made.ranked[0].rule == Momentum(0.3, 0.95)
    assert made.ranked[-1].rule == Momentum(0.3, 0.99)


def by_hand(surface: Surface, kind: str, dtype: str, steps: int) -> list[Any]:
    """Return the places of some steps of a rule, written out once more."""
    theta, velocity, found = np.array(surface.start, dtype), np.zeros(2, dtype), []
    for _ in range(steps + 1):
        found.append(theta)
        slope = surface.slope(theta)
        velocity = 0.9 * velocity - 0.001 * slope if kind == "momentum" else -0.001 * slope
        theta = theta + velocity
    return found


def assert_trail(trail: Any, expected: Sequence[Any]) -> None:
    assert (trail[: len(expected)] == np.array(expected)).all(), "another trail"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_trail_is_every_step_of_the_rule(dtype: str) -> None:
    """To the last bit those of the formula, and the losses those of the places; a wrong η is noticed."""
    surface = SURFACES["rosenbrock"]()
    made = race(surface, rules=[GradientDescent(0.001), Momentum(0.001, 0.9)], dtype=dtype, steps=50)
    for racer in made.racers:
        expected = by_hand(surface, racer.rule.name, dtype, 50)
        assert_trail(racer.trail, expected)
        assert racer.loss.tolist() == [surface.loss(theta) for theta in expected]
        assert racer.at.tolist() == list(range(51))
        assert (racer.path == racer.trail).all()
    other = race(surface, rules=[Momentum(0.001, 0.9000001)], steps=50).racers[0]
    with pytest.raises(AssertionError, match="another trail"):
        assert_trail(other.trail, by_hand(surface, "momentum", "float64", 50))


def test_a_race_is_the_same_every_time_and_a_longer_one_begins_as_it() -> None:
    """Trails and counts; time alone is a measurement."""
    one, same, longer = (race("beale", goal=0.0, steps=n) for n in (40, 40, 70))
    for a, b, c in zip(one.racers, same.racers, longer.racers, strict=True):
        assert (a.trail == b.trail).all()
        assert_trail(c.trail, a.trail)
        assert (a.evaluations == b.evaluations).all()


def test_a_trail_is_of_the_weights_to_use() -> None:
    """Schedule-free descent takes its gradients elsewhere; its trail is x, as published."""
    surface, theta = SURFACES["himmelblau"](), np.array([-0.5, -1.0])
    z = x = theta
    expected = [x]
    for t in range(1, 21):
        z = z - 0.01 * surface.slope(0.1 * z + 0.9 * x)
        x = x + (z - x) / t
        expected.append(x)
    (racer,) = race(surface, rules=[ScheduleFree(0.01, beta=0.9)], steps=20, goal=0.0).racers

    assert racer.trail == pytest.approx(np.array(expected), rel=1e-10)


class Tally:
    """A surface that writes down every question, whoever asks."""

    def __init__(self, surface: Surface) -> None:
        self.surface, self.gradients, self.losses = surface, 0, 0

    def loss(self, theta: Any) -> float:
        self.losses += 1
        return self.surface.loss(theta)

    def gradient(self, theta: Any) -> Gradient:
        self.gradients += 1
        return self.surface.gradient(theta)

    def curvature_product(self, theta: Any, vector: Any) -> Any:
        return self.surface.curvature_product(theta, vector)

    def matrices(self, theta: Any) -> Any:
        return self.surface.matrices(theta)


@pytest.mark.parametrize("rule", [Adam(0.01), LineSearch(), IRpropMinus()], ids=lambda rule: rule.name)
def test_every_question_of_the_rule_is_counted_and_no_other(rule: Rule | WholeStep) -> None:
    """The judge looks once at each point of the trail, and that is not the rule's."""
    tally = Tally(SURFACES["beale"]())
    racer = descend(rule, tally, np.array([1.0, 1.5]), 30, None)

    assert racer.gradients[-1] == tally.gradients == 30
    assert racer.losses[-1] == tally.losses - 31
    assert (racer.losses[-1] > 30) == (rule.name == "line_search")
    assert racer.evaluations[0] == 0
    assert (np.diff(racer.evaluations) >= 1).all()
    assert racer.seconds[0] == 0
    assert (np.diff(racer.seconds) > 0).all()


def test_curvature_is_counted_by_itself() -> None:
    """Newton's rule asks for a product per weight and step."""
    (racer,) = race("rosenbrock", rules=[Newton()]).racers
    assert racer.products[-1] == 2 * racer.steps
    assert racer.gradients[-1] == racer.steps


def test_an_impossible_goal_stops_at_the_limit_with_the_best_so_far() -> None:
    """And says where that was; nobody is first."""
    rules = [rule for rule in SURFACES["beale"]().racers if not isinstance(rule, Lbfgs)]  # it ends by itself
    made = race("beale", goal=-1.0, steps=200, rules=rules)

    assert [racer.stopped for racer in made.racers] == ["steps"] * len(made.racers)
    assert all(racer.steps == 200 for racer in made.racers)
    for racer in made.racers:
        assert racer.loss[racer.best] == racer.loss.min()
        assert f"best at step {racer.at[racer.best]}" in made.text()
    assert "nobody at the goal" in repr(made)
    losses = [racer.loss.min() for racer in made.ranked]
    assert losses == sorted(losses)


def test_a_start_at_the_goal_needs_no_step() -> None:
    """And costs no evaluation."""
    (racer,) = race("beale", start=(3.0, 0.5), rules=[Adam()]).racers
    assert (racer.reached, racer.steps, racer.evaluations.tolist()) == (True, 0, [0])


def test_a_rule_that_diverges_is_data() -> None:
    """The others go on; its trail ends with what was finite, and its picture stays in reach."""
    made = race("rosenbrock", rules=[GradientDescent(1.0), Momentum(0.001, 0.9)])
    lost, good = made.racers

    assert (lost.stopped, good.stopped) == ("diverged", "goal")
    assert np.isfinite(lost.trail).all()
    assert np.isfinite(lost.loss).all()
    assert "diverged; best at step 0" in made.text()
    assert made.window[0][1] < 6
    assert made.ranked == (good, lost)


@pytest.mark.parametrize("name", SURFACES)
def test_nothing_diverges_by_default(name: str) -> None:
    """On any surface; all arrive."""
    assert {racer.rule.name: racer.stopped for racer in race(name).racers if not racer.reached} == {}


def test_the_clock_ranks() -> None:
    """By steps the line search is first, by evaluations it is behind RPROP."""
    by_steps, by_evaluations = (race(clock=clock) for clock in ("steps", "evaluations"))

    assert by_steps.ranked[0].rule.name == "line_search"
    assert [racer.rule.name for racer in by_evaluations.ranked][:3] == ["irprop_plus", "rprop", "line_search"]
    assert by_evaluations.by_clock(by_evaluations.racers[0]).dtype == np.int64
    assert by_steps.racer("momentum").rule == Momentum(0.3, 0.9)
    assert race(clock="time", rules=[Adam(0.3)]).by_clock(by_steps.racers[0]).dtype == np.float64


def test_settings_are_told_in_letters() -> None:
    """Rates of the equation always, others where they are not the rule's own."""
    assert settings_of(Momentum(0.3, 0.9)) == "α=0.3 η=0.9"
    assert settings_of(Adam(0.05)) == "α=0.05"
    assert settings_of(Adam(0.05, beta_1=0.5)) == "α=0.05 β₁=0.5"
    assert settings_of(LineSearch()) == ""
    assert settings_of(LineSearch(method="brent")) == "method=brent"


def test_notes_belong_to_the_articles_own_race() -> None:
    """They stand below its table, and not below another."""
    assert "An earlier version of the article has 798, 202 and 19." in race().text()
    assert race(rules=[Momentum(0.3, 0.9)]).notes == ()
    assert race("beale").notes == ()


def test_json_holds_what_was_found() -> None:
    """Plain values: counts, ends, trails."""
    told = race().to_dict()
    racer = told["racers"][4]

    assert (told["name"], told["goal"], told["start"], told["dtype"]) == (
        "six-points",
        0.125,
        [-4, -4],
        "float64",
    )
    assert (racer["steps"], racer["reached"], racer["gradient_evaluations"]) == (2, True, 2)
    assert len(racer["path"]) == len(racer["losses"]) == 3
    assert racer["end"] == racer["path"][-1]


def test_a_window_holds_the_trails_within_reason() -> None:
    """With a margin, not beyond three times the surface's own, and never a slit."""
    trail = np.array([[0.0, 0.0], [2.0, -1.0]])
    (x0, x1), (y0, y1) = window_of([trail], ((-1.0, 1.0), (-1.0, 1.0)))
    assert (x0, y1) == (-1.0, 1.0)
    assert x1 > 2.0
    assert y0 == -1.0
    far = window_of([np.array([[1e9, -1e30]])], ((-1.0, 1.0), (-1.0, 1.0)))
    assert far == ((-1.0, 3.0), (-3.0, 1.0))
    (x0, x1), (y0, y1) = window_of([np.zeros((3, 2))])
    assert x0 < 0 < x1
    assert y0 < 0 < y1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"ground": "rosenbrok"},
            r"surface must be one of .*; got 'rosenbrok' \(did you mean 'rosenbrock'\?\)",
        ),
        ({"ground": 3}, "surface must be one of"),
        ({"start": (1.0, 2.0, 3.0)}, "start must be two finite numbers"),
        ({"start": (1.0,)}, "start must be two finite numbers"),
        ({"start": (float("nan"), 0.0)}, "start must be two finite numbers"),
        ({"start": "ab"}, "start must be two finite numbers"),
        ({"rules": []}, "at least one rule"),
        ({"rules": ["momentum"]}, "a rule must be one of .*lbfgs; got 'momentum'"),
        ({"goal": float("nan")}, "goal must"),
        ({"steps": 0}, "steps must be an integer of at least 1"),
        ({"clock": "hours"}, "clock must be one of steps, evaluations, time"),
        ({"dtype": "float16"}, "dtype must be float32 or float64; got 'float16'"),
        ({"dtype": "nonsense"}, "dtype must be float32 or float64"),
        ({"X": [[1.0]]}, "a surface has no network and no data; leave out X"),
    ],
)
def test_bad_input_is_refused(given: dict[str, Any], sentence: str) -> None:
    """In a sentence that says what is allowed."""
    with pytest.raises(SettingError, match=sentence):
        race(**given)


def test_who_took_no_part_is_named() -> None:
    """And who did."""
    with pytest.raises(SettingError, match="no rule 'adam' took part; there were gradient_descent, momentum"):
        race().racer("adam")

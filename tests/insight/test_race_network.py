"""Races down a network: trainings through the one loop, looked at from outside; slices of its loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from problems import NETWORK, draw_data
from schuss import (
    Adam,
    DataError,
    GradientDescent,
    Momentum,
    Nesterov,
    Network,
    Plan,
    SettingError,
    race,
    train,
)
from schuss.engine.engine import Engine
from schuss.engine.stepping import BatchLandscape
from schuss.insight.race.counted import CountedEngine
from schuss.insight.race.train_down import MOST_POINTS
from schuss.method.backprop import Objective
from schuss.method.rules import IRpropPlus, LineSearch, Newton, Rprop
from schuss.method.samples import Samples
from schuss.method.surfaces.plane import Plane

X, T = draw_data()
RULES = (GradientDescent(0.1), Momentum(0.03, 0.9), Nesterov(0.03, 0.9), Adam(0.01))
PAIR = ("hidden1[2] <- input[0]", "output[1] <- bias")


def loss_at(theta: Any) -> float:
    """Return the loss over all samples, from the formula."""
    (w1, b1), (w2, b2) = NETWORK.views(theta)
    y = np.tanh(X @ w1 + b1) @ w2 + b2
    return float(0.5 * ((T - y) ** 2).sum() / len(X))


def assert_trail_of_trainings(trail: Any, at: Any, plan: Plan, engine: Engine) -> None:
    """Fail unless each point is where a training of so many epochs ends."""
    per_epoch = plan.steps_per_epoch(len(X))
    for step, theta in zip(at[1:], trail[1:], strict=True):
        run = train(NETWORK, X, T, plan.replace(epochs=int(step) // per_epoch), engine=engine)
        assert (run.theta == theta).all(), "another trail"


@pytest.mark.parametrize("batch_size", [None, 5])
def test_a_trail_is_the_training_itself(engine: Engine, batch_size: int | None) -> None:
    """On every engine, full batches or not: the bits of `train`, from the same first weights."""
    plan = Plan(batch_size=batch_size, seed=4, epochs=1)
    made = race(NETWORK, X, T, rules=RULES, plan=plan, steps=15, engine=engine)
    assert made.engine == engine.info
    for racer in made.racers:
        assert (racer.trail[0] == NETWORK.initial(4)).all()
        assert_trail_of_trainings(racer.trail, racer.at, plan.replace(rule=racer.rule, epochs=15), engine)
        assert racer.loss == pytest.approx([loss_at(theta) for theta in racer.trail], rel=1e-12)
    other = plan.replace(rule=Momentum(0.03, 0.9), seed=5)
    with pytest.raises(AssertionError, match="another trail"):
        assert_trail_of_trainings(made.racers[1].trail, made.racers[1].at, other, engine)


def test_whole_steps_are_counted_as_trained(engine: Engine) -> None:
    """A line search asks for more gradients than it makes steps; RPROP for one each; bits stay."""
    made = race(NETWORK, X, T, rules=[LineSearch(), Rprop(first_step=0.01)], steps=6, engine=engine)
    search, signs = made.racers

    assert search.gradients[-1] > 3 * search.steps == 18
    assert signs.gradients.tolist() == signs.at.tolist()
    for racer in made.racers:
        plan = Plan(rule=racer.rule, batch_size=None, epochs=6)
        assert (train(NETWORK, X, T, plan, engine=engine).theta == racer.trail[-1]).all()


@pytest.mark.parametrize(
    "rule", [Momentum(0.03, 0.9), IRpropPlus(first_step=0.01)], ids=lambda rule: rule.name
)
def test_a_counted_engine_is_the_engine_behind(engine: Engine, rule: Any) -> None:
    """State for state; its answers to questions are those of the engine behind."""
    plan = Plan(rule=rule, batch_size=None, epochs=7)
    counted = CountedEngine(engine)
    run, same = (train(NETWORK, X, T, plan, engine=each) for each in (counted, engine))

    assert_same_bits(run.state, same.state)
    assert counted.gradients == 7
    assert counted.info == engine.info
    assert (counted.outputs(NETWORK, run.theta, X) == engine.outputs(NETWORK, run.theta, X)).all()
    assert (counted.predictor(NETWORK, run.theta)(X[0]) == engine.predictor(NETWORK, run.theta)(X[0])).all()


def test_a_goal_stops_a_training() -> None:
    """After the epoch whose end is at or below it; those who do not arrive are told with their best."""
    free = race(NETWORK, X, T, rules=RULES, steps=60)
    goal = float(free.racer("momentum").loss[33])
    made = race(NETWORK, X, T, rules=[*RULES[1:], GradientDescent(0.001)], steps=60, goal=goal)
    racer = made.racer("momentum")

    assert (racer.reached, racer.steps) == (True, 33)
    assert (racer.trail == free.racer("momentum").trail[:34]).all()
    assert not made.racer("gradient_descent").reached
    assert made.ranked[0].reached
    assert "reached" in made.text()
    assert "no; best at step" in made.text()


def test_the_plane_is_that_of_the_trails() -> None:
    """Paths are the trails seen from above; losses of the plane those of the network there."""
    made = race(NETWORK, X, T, rules=RULES, steps=30)
    assert isinstance(made.land, Plane)
    for racer in made.racers:
        assert np.allclose(racer.path, made.land.project(racer.trail), rtol=0, atol=0)
        (x0, x1), (y0, y1) = made.window
        assert (racer.path > [x0, y0]).all()
        assert (racer.path < [x1, y1]).all()
    assert all(name.startswith("principal component") for name in made.axes)
    _, _, found = made.grid
    assert found.shape == (33, 33)
    corner = made.land.lift(np.array([made.window[0][0], made.window[1][0]]))
    assert found[0, 0] == pytest.approx(loss_at(corner), rel=1e-12)


def test_a_network_of_two_weights_is_seen_in_its_plane() -> None:
    """Its trail has two numbers too, but not the plane's."""
    net = Network([2, 1], "identity", biases=False)
    made = race(net, X[:, :2], T[:, :1], rules=RULES[:2], steps=20)

    assert not (made.racers[0].path == made.racers[0].trail).any()
    assert_near_distances(made.racers[0].path, made.racers[0].trail)


def assert_near_distances(path: Any, trail: Any) -> None:
    """Fail unless two trails are one, turned and moved."""
    a, b = (np.linalg.norm(np.diff(points, axis=0), axis=1) for points in (path, trail))
    assert a == pytest.approx(b, rel=1e-9)


def test_a_long_trail_is_thinned() -> None:
    """At most some two hundred points are kept, the last one among them."""
    made = race(NETWORK, X, T, rules=[Momentum(0.01, 0.5)], steps=451)
    (racer,) = made.racers

    assert len(racer.at) <= MOST_POINTS + 2
    assert racer.steps == 451
    assert racer.gradients[-1] == 451


def test_steps_are_whole_epochs() -> None:
    """Five steps an epoch: twelve become fifteen."""
    made = race(NETWORK, X, T, rules=[Momentum()], plan=Plan(batch_size=5), steps=12)
    assert made.limit == made.racers[0].steps == 15
    assert made.racers[0].at.tolist() == [0, 5, 10, 15]
    assert "batches of 5" in made.words


def test_a_training_that_diverges_is_data() -> None:
    """The others go on; what it had before is kept."""
    made = race(NETWORK, X, T, rules=[GradientDescent(1e6), Momentum(0.03, 0.9)], steps=40)
    lost, good = made.racers

    assert (lost.stopped, good.stopped) == ("diverged", "steps")
    assert np.isfinite(lost.loss).all()
    assert "diverged" in made.text()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_slice_moves_two_weights_alone(dtype: str) -> None:
    """From their own values, by their own part of the gradient."""
    made = race(NETWORK, X, T, slice_of=PAIR, rules=[GradientDescent(0.1)], steps=5, dtype=dtype)
    places = [NETWORK.weight_index(name) for name in PAIR]
    theta = NETWORK.initial(0, dtype)
    land = BatchLandscape(
        engines.make_engine("reference"), NETWORK, Samples.check(NETWORK, X, T, dtype), Objective()
    )
    for p in made.racers[0].trail:
        assert p == pytest.approx(theta[places], rel=1e-4 if dtype == "float32" else 1e-12)
        step = np.zeros_like(theta)
        step[places] = 0.1 * land.gradient(theta).gradient[places]
        theta = theta - step
    assert made.axes == PAIR
    assert made.start.dtype == dtype


def test_a_slice_begins_where_it_is_told() -> None:
    """Weights by their places too; Newton's rule can race there."""
    made = race(NETWORK, X, T, slice_of=(4, 30), start=(0.5, -2.0), rules=[Newton(), LineSearch()], steps=20)

    assert made.start.tolist() == [0.5, -2.0]
    assert made.axes == (NETWORK.weight_name(4), NETWORK.weight_name(30))
    assert made.racer("newton").products[-1] == 2 * 20
    assert made.racer("line_search").loss[-1] < made.racer("line_search").loss[0]


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            {"rules": [Rprop()], "plan": Plan(batch_size=5)},
            SettingError,
            "rule 'rprop' compares .*batch_size=5",
        ),
        ({"start": (0.0, 1.0)}, SettingError, "a network starts from theta="),
        ({"theta": np.zeros(3)}, DataError, r"theta of this network has shape"),
        ({"theta": np.full(44, np.nan)}, DataError, "NaN"),
        ({"slice_of": ("nonsense", PAIR[0])}, SettingError, "a weight is named like"),
        ({"slice_of": (PAIR[0], PAIR[0])}, SettingError, "two different weights"),
        ({"slice_of": (1, 44)}, SettingError, "weight must be an integer of at least 0 and at most 43"),
        ({"slice_of": (1, 2, 3)}, SettingError, "a slice is of two weights"),
        ({"slice_of": (1, 2), "start": (1.0,)}, SettingError, "start must be two finite numbers"),
    ],
)
def test_bad_input_is_refused(given: dict[str, Any], error: type[Exception], sentence: str) -> None:
    """In a sentence that says what is allowed."""
    with pytest.raises(error, match=sentence):
        race(NETWORK, X, T, **{"rules": RULES, "steps": 5, **given})


def test_newton_refuses_a_large_network() -> None:
    """With the size that it can do."""
    net = Network([3, 300, 2])
    with pytest.raises(SettingError, match=r"at most 1,000 weights; this network has 1,802"):
        race(net, X, T, rules=[Newton()], steps=2)


def test_the_race_by_default_does_not_diverge(native_engine: Engine) -> None:
    """On data of unit size, whatever the batch."""
    make: Callable[..., Any] = race
    for plan in (None, Plan(batch_size=5)):
        made = make(NETWORK, X, T, plan=plan, steps=100, engine=native_engine)
        assert [racer.stopped for racer in made.racers] == ["steps"] * 4
        assert all(racer.loss[-1] < racer.loss[0] for racer in made.racers)

"""Races down a network: trainings through the one loop, looked at from outside; slices of its loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import engines
from comparisons import assert_same_bits
from problems import NETWORK, draw_data
from schuss import (
    Adam,
    DataError,
    GradientDescent,
    Lbfgs,
    Momentum,
    Nesterov,
    Network,
    Plan,
    Race,
    ScheduleFree,
    SettingError,
    race,
    train,
)
from schuss.engine.engine import Engine
from schuss.engine.stepping import BatchLandscape
from schuss.insight.race.counted import CountedEngine
from schuss.insight.race.train_down import MOST_POINTS
from schuss.insight.race.value import settings_of
from schuss.method.backprop import Objective
from schuss.method.rules import RULES as RULE_TABLE
from schuss.method.rules import IRpropPlus, LineSearch, Newton, Rprop
from schuss.method.samples import Samples
from schuss.method.surfaces.plane import Plane

X, T = draw_data()
RULES = (GradientDescent(0.1), Momentum(0.03, 0.9), Nesterov(0.03, 0.9), Adam(0.01))
FREE = ScheduleFree(0.2)  # trains at other weights than those to use
PENALISED = Plan(batch_size=None, l2=0.7, l1=0.1)
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
    made = race(NETWORK, X, T, rules=[*RULES, FREE], plan=plan, steps=15, engine=engine)
    assert made.engine == engine.info
    for racer in made.racers:
        assert (racer.trail[0] == NETWORK.initial(4)).all()
        assert_trail_of_trainings(racer.trail, racer.at, plan.replace(rule=racer.rule, epochs=15), engine)
        assert racer.loss == pytest.approx([loss_at(theta) for theta in racer.trail], rel=1e-12)
    other = plan.replace(rule=Momentum(0.03, 0.9), seed=5)
    with pytest.raises(AssertionError, match="another trail"):
        assert_trail_of_trainings(made.racers[1].trail, made.racers[1].at, other, engine)


def test_whole_steps_are_counted_as_trained(engine: Engine) -> None:
    """A line search asks for a gradient each step and for losses besides; RPROP for gradients; bits stay."""
    made = race(NETWORK, X, T, rules=[LineSearch(), Rprop(first_step=0.01)], steps=6, engine=engine)
    search, signs = made.racers

    assert search.gradients.tolist() == search.at.tolist()
    assert search.losses[-1] > 2 * search.steps == 12
    assert not signs.losses.any()
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


def test_lbfgs_races_over_all_samples(engine: Engine) -> None:
    """Its losses are those of the network at its trail, and SciPy reaches the same ones on the formula."""
    made = race(NETWORK, X, T, rules=[Lbfgs(), Momentum(0.03, 0.9)], steps=30, engine=engine, dtype="float64")
    racer = made.racer("lbfgs")
    expected = minimize(
        *(loss_at, NETWORK.initial(0)), method="L-BFGS-B", jac="3-point", options={"maxiter": 10}
    )

    assert (made.engine, racer.stopped, racer.steps) == (engine.info, "steps", 30)
    assert (racer.trail[0] == NETWORK.initial(0)).all()
    assert racer.loss == pytest.approx([loss_at(theta) for theta in racer.trail], rel=1e-12)
    assert racer.loss[10] == pytest.approx(expected.fun, rel=1e-4)
    assert racer.loss[11] != pytest.approx(expected.fun, rel=1e-3)
    assert 30 < racer.gradients[-1] < 60
    assert racer.path.shape == (31, 2)


def test_a_long_trail_of_lbfgs_is_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last point stays, whatever its number."""
    monkeypatch.setattr("schuss.insight.race.race.MOST_POINTS", 10)
    (racer,) = race(NETWORK, X, T, rules=[Lbfgs()], steps=45).racers
    assert racer.at.tolist() == [*range(0, 45, 5), 45]


def test_lbfgs_races_on_a_slice() -> None:
    """Two weights alone vary; it gets at least as low as Newton's rule."""
    made = race(NETWORK, X, T, slice_of=PAIR, rules=[Lbfgs(), Newton()], steps=30)
    assert made.racer("lbfgs").loss.min() <= made.racer("newton").loss.min() + 1e-9


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


def test_contours_of_many_samples_are_those_of_some_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Penalties keep their share of the mean; a sum is left whole."""

    def twice(plan: Plan) -> Race:
        rules = [GradientDescent(0.001), Momentum(0.001, 0.5)]
        return race(
            NETWORK, np.repeat(X, 2, axis=0), np.repeat(T, 2, axis=0), plan=plan, rules=rules, steps=5
        )

    plans = PENALISED, PENALISED.replace(reduction="sum")
    whole = [twice(plan) for plan in plans]
    monkeypatch.setattr("schuss.insight.race.race.MOST_DRAWN", len(X))
    for plan, one in zip(plans, whole, strict=True):
        some, p = twice(plan), np.array([0.3, -0.2])
        assert (some.racers[0].path == one.racers[0].path).all()
        assert (some.racers[0].loss == one.racers[0].loss).all()
        assert some.land.loss(p) == pytest.approx(one.land.loss(p), rel=1e-12)


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
        (
            {"rules": [Lbfgs()], "plan": Plan(batch_size=5)},
            SettingError,
            "lbfgs compares one step with the next, so each must see all .*batch_size=5",
        ),
        ({"rules": [Lbfgs()], "plan": Plan(batch_size=None, clip=1.0)}, SettingError, "clip: lbfgs has no"),
        (
            {"rules": [Lbfgs()], "plan": Plan(batch_size=None, dropout=0.5)},
            SettingError,
            "dropout: lbfgs has",
        ),
        ({"plan": Plan(patience=3)}, SettingError, "its own goal or step limit; patience is for `train`"),
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


@pytest.mark.parametrize("name", RULE_TABLE)
def test_every_rule_can_race(name: str) -> None:
    """Down a surface, and down a network in full batches, by its own settings; its settings can be told."""
    rule = RULE_TABLE[name]()
    (down,) = race("himmelblau", rules=[rule], steps=6).racers
    (trained,) = race(NETWORK, X, T, rules=[rule], steps=4).racers

    assert down.steps >= 2
    assert trained.steps == 4
    assert trained.gradients[-1] >= 4
    assert np.isfinite(trained.loss).all()
    assert isinstance(settings_of(rule), str)


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

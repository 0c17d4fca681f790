"""The door to races: rules down a surface, down a slice of a network's loss, or down the network itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.engine.stepping import BatchLandscape
from schuss.errors import SettingError
from schuss.insight.race.descend import descend
from schuss.insight.race.descend_lbfgs import check_plan, descend_lbfgs
from schuss.insight.race.train_down import MOST_POINTS, train_down
from schuss.insight.race.value import CLOCKS, Race, Racer
from schuss.insight.race.window import window_of
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.racers import RACERS, Lbfgs, OnCourse
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov, Rule, WholeStep
from schuss.method.samples import Samples
from schuss.method.surfaces import SURFACES, Surface
from schuss.method.surfaces.plane import plane_of_weights, principal_plane
from schuss.training.setup import first_state, fitting_plan

__all__ = ["NETWORK_RACERS", "race"]

STEPS_DOWN_SURFACE, STEPS_DOWN_NETWORK = 5000, 500
MOST_DRAWN = 4000  # samples that contours are computed from

# The rules that race down a network if nothing else is said.
NETWORK_RACERS: tuple[Rule | WholeStep, ...] = (
    GradientDescent(0.1),
    Momentum(0.03, 0.9),
    Nesterov(0.03, 0.9),
    Adam(0.003),
)


def race(
    ground: str | Surface | Network = "six-points",
    X: Any = None,
    T: Any = None,
    *,
    rules: Sequence[OnCourse] | None = None,
    start: Sequence[float] | None = None,
    theta: Array | None = None,
    slice_of: tuple[int | str, int | str] | None = None,
    goal: float | None = None,
    steps: int | None = None,
    clock: str = "steps",
    plan: Plan | None = None,
    dtype: Any = None,
    engine: str | Engine = "auto",
    threads: int | None = None,
) -> Race:
    """Race update rules down one surface or one network, all from one start.

    Parameters
    ----------
    ground : str, Surface or Network
        A key of ``schuss.method.surfaces.SURFACES``, a surface made by one of its functions, or a network,
        with `X` and `T`.
    X, T : array_like
        As for `train`.
    rules : sequence of Rule or Lbfgs, optional
        The same one may take part several times, with other settings. By default those of the surface.
    start : (float, float), optional
        Where a race down a surface or a slice begins.
    theta : ndarray, shape (n_parameters,), optional
        The network's first weights; by default what its init draws for the plan's seed.
    slice_of : pair of int or str, optional
        Two weights of the network, by place or name: they alone vary, all others stay as in `theta`.
    goal : float, optional
        The loss at which a rule has arrived; by default that of the surface, and none for a network.
    steps : int, optional
        At most so many updates; by default 5,000, and 500 for a network, in whole epochs.
    clock : {"steps", "evaluations", "time"}, default "steps"
        What those who arrive are ranked by.
    plan : Plan, optional
        What the trainings have in common beside rule and epochs: batch size, seed, penalties. By default
        full batches.
    dtype : {"float32", "float64"}, optional
        By default float64; for a network as in `train`.
    engine, threads
        As for `train`.

    Returns
    -------
    Race
        A rule that does not arrive, or diverges, is told with the best that it had.

    Raises
    ------
    SettingError, DataError
        Unknown surface, a start of another length or not finite, a racer that needs full batches
        without them.
    """
    course = Course(
        rules=None if rules is None else _checked(rules),
        goal=None if goal is None else check_number("goal", goal),
        steps=None if steps is None else check_integer("steps", steps, low=1),
        clock=check_choice("clock", clock, CLOCKS),
    )
    number = None if dtype is None else _float_type(dtype)
    if not isinstance(ground, Network):
        given = {"X": X, "T": T, "theta": theta, "plan": plan, "slice_of": slice_of}
        names = [name for name, value in given.items() if value is not None]
        if names:
            raise SettingError(f"a surface has no network and no data; leave out {', '.join(names)}.")
        return _down_surface(_surface(ground), course, start, number or np.dtype(np.float64))
    samples, chosen = Samples.check(ground, X, T, number), engine_named(engine, threads)
    plan = fitting_plan(_to_the_end(plan or Plan(batch_size=None)), {}, len(samples))
    training = Training(
        ground, samples, plan, chosen, first_state(ground, plan, samples.X.dtype, theta).theta
    )
    if slice_of is not None:
        return _down_slice(training, course, slice_of, start)
    if start is not None:
        raise SettingError("a network starts from theta=; start= is for a surface or a slice of it.")
    return _down_network(training, course)


class Course(NamedTuple):
    """What a race has whatever it goes down; None where the ground decides."""

    rules: tuple[OnCourse, ...] | None
    goal: float | None
    steps: int | None
    clock: str


class Training(NamedTuple):
    """A network, its data, what its trainings have in common, and where they start."""

    network: Network
    samples: Samples
    plan: Plan
    engine: Engine
    theta: Array

    @property
    def land(self) -> BatchLandscape:
        """The loss over all samples."""
        return BatchLandscape(self.engine, self.network, self.samples, self.plan.objective)

    @property
    def drawn(self) -> BatchLandscape:
        """The same for contours, which ask a thousand times: of many samples some, evenly spaced, suffice."""
        n, objective = len(self.samples), self.plan.objective
        if n <= MOST_DRAWN or objective.reduction == "sum":
            return self.land
        rows = np.linspace(0, n - 1, MOST_DRAWN).astype(np.int32)
        share = MOST_DRAWN / n  # penalties stand inside the mean
        smaller = replace(objective, l2=share * objective.l2, l1=share * objective.l1)
        return BatchLandscape(self.engine, self.network, self.samples.take(rows), smaller)


def _down_surface(surface: Surface, course: Course, start: Any, dtype: Any) -> Race:
    begin = _two_numbers(surface.start if start is None else start, dtype)
    goal = surface.goal if course.goal is None else course.goal
    limit = course.steps or STEPS_DOWN_SURFACE
    racers = tuple(_down(rule, surface, begin, limit, goal) for rule in course.rules or surface.racers)
    return Race(
        name=surface.name,
        words=surface.words,
        land=surface,
        axes=("first weight", "second weight"),
        window=window_of([racer.trail for racer in racers], surface.window),
        start=begin,
        goal=goal,
        limit=limit,
        clock=course.clock,
        racers=racers,
        minima=surface.minima,
        notes=surface.notes if course.rules is None and start is None else (),
    )


def _down_slice(training: Training, course: Course, weights: tuple[int | str, int | str], start: Any) -> Race:
    """Race down the loss over all samples as a function of two weights."""
    network, theta = training.network, training.theta
    places = _places(network, weights)
    land = plane_of_weights(
        training.land, theta, places, (network.weight_name(places[0]), network.weight_name(places[1]))
    )
    begin = _two_numbers(theta[list(places)] if start is None else start, theta.dtype)
    limit = course.steps or STEPS_DOWN_NETWORK
    rules = course.rules or NETWORK_RACERS
    racers = tuple(_down(rule, land, begin, limit, course.goal) for rule in rules)
    return Race(
        name="slice",
        words=f"two weights of {network!r} on {len(training.samples):,} samples, all others held",
        land=land,
        axes=land.names,
        window=window_of([racer.trail for racer in racers]),
        start=begin,
        goal=course.goal,
        limit=limit,
        clock=course.clock,
        racers=racers,
        engine=training.engine.info,
    )


def _down_network(training: Training, course: Course) -> Race:
    """Race trainings of one network, and look at them in the plane in which their trails spread most."""
    network, samples, plan, _, theta = training
    per_epoch = plan.steps_per_epoch(len(samples))
    epochs = -(-(course.steps or STEPS_DOWN_NETWORK) // per_epoch)
    rules = course.rules or NETWORK_RACERS
    ways = [_way_of(rule, training, plan.replace(epochs=epochs), course.goal) for rule in rules]
    racers = tuple(way() for way in ways)
    land = principal_plane(training.drawn, _spread([racer.trail for racer in racers]))
    racers = tuple(replace(racer, path=land.project(racer.trail)) for racer in racers)
    size = plan.batch_of(len(samples))
    batches = "full batches" if size == len(samples) else f"batches of {size}"
    return Race(
        name="network",
        words=f"{network!r} on {len(samples):,} samples, {batches}",
        land=land,
        axes=land.names,
        window=window_of([racer.path for racer in racers]),
        start=theta,
        goal=course.goal,
        limit=epochs * per_epoch,
        clock=course.clock,
        racers=racers,
        engine=training.engine.info,
    )


def _down(rule: OnCourse, land: Landscape, begin: Array, limit: int, goal: float | None) -> Racer:
    if isinstance(rule, Lbfgs):
        return descend_lbfgs(rule, land, begin, limit, goal)
    return descend(rule, land, begin, limit, goal)


def _way_of(rule: OnCourse, training: Training, plan: Plan, goal: float | None) -> Callable[[], Racer]:
    """Return what makes a racer's way down a network; a plan that it cannot follow is refused now."""
    network, samples, _, engine, theta = training
    if not isinstance(rule, Lbfgs):
        return partial(train_down, network, samples, plan.replace(rule=rule), theta, goal, engine)
    check_plan(plan, len(samples))
    return partial(descend_lbfgs, rule, training.land, theta, plan.epochs, goal, MOST_POINTS)


def _spread(trails: Sequence[Array], most: int = 60) -> Array:
    """Return at most so many points of each trail, as far apart in steps as can be, in one array."""
    chosen = [np.unique(np.linspace(0, len(t) - 1, min(most, len(t))).astype(np.int64)) for t in trails]
    return np.concatenate([t[rows] for t, rows in zip(trails, chosen, strict=True)])


def _checked(rules: Sequence[OnCourse]) -> tuple[OnCourse, ...]:
    if not rules:
        raise SettingError("a race needs at least one rule.")
    for rule in rules:
        if type(rule) not in RACERS.values():
            raise SettingError(f"a rule must be one of {', '.join(RACERS)}; got {rule!r}.")
    return tuple(rules)


def _to_the_end(plan: Plan) -> Plan:
    """Return a plan unless it would stop by itself, or use other weights than a trail ends with."""
    given = [name for name in ("loss_goal", "patience", "average") if getattr(plan, name)]
    if given:
        raise SettingError(f"a race ends at its own goal or step limit; {given[0]} is for `train`.")
    return plan


def _surface(ground: Any) -> Surface:
    return ground if isinstance(ground, Surface) else SURFACES[check_choice("surface", ground, SURFACES)]()


def _float_type(dtype: Any) -> Any:
    try:
        chosen = np.dtype(dtype)
    except TypeError:
        chosen = np.dtype(object)
    if chosen not in (np.float32, np.float64):
        raise SettingError(f"dtype must be float32 or float64; got {dtype!r}.")
    return chosen


def _two_numbers(start: Any, dtype: Any) -> Array:
    try:
        begin = np.array(start, dtype)
    except (TypeError, ValueError):
        begin = np.empty(0)
    if begin.shape != (2,) or not np.isfinite(begin).all():
        raise SettingError(f"start must be two finite numbers, as (-4, -4); got {start!r}.")
    return begin


def _places(network: Network, weights: tuple[int | str, int | str]) -> tuple[int, int]:
    if isinstance(weights, str) or len(weights) != 2:
        raise SettingError(f"a slice is of two weights; got {weights!r}.")
    found = [network.weight_index(w) if isinstance(w, str) else w for w in weights]
    for place in found:
        check_integer("weight", place, low=0, high=network.n_parameters - 1)
    return int(found[0]), int(found[1])

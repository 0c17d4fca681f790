"""What comes of a race: the rules with their trails, what each step cost, and who got there. Values only."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import EngineInfo
from schuss.errors import SettingError
from schuss.insight.race.window import heights
from schuss.insight.shown import as_html, plain
from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.racers import OnCourse
from schuss.method.rules import rule_to_dict
from schuss.method.rules.rule import LETTERS
from schuss.method.schedules import Schedule
from schuss.method.surfaces.plane import Plane
from schuss.method.surfaces.surface import Window

__all__ = ["CLOCKS", "DIVERGED", "ENDED", "GOAL", "LIMIT", "Race", "Racer", "settings_of"]

# How far a racer is, by each clock: the field of `Racer` that counts it, and its unit.
CLOCKS = {"steps": "at", "evaluations": "evaluations", "time": "seconds"}

GOAL, LIMIT, DIVERGED, ENDED = "goal", "steps", "diverged", "ended"

# Points along each side of a grid: on a surface, and in a network, where each of them takes long.
FINE, COARSE = 81, 33


@dataclass(frozen=True, eq=False)
class Racer:
    """One rule's way down.

    Attributes
    ----------
    rule : Rule or Lbfgs
    at : int64 ndarray, shape (points,)
        The numbers of updates made at each point of the trail; the first is 0.
    trail : ndarray, shape (points, n)
        The weights to use there, in the dtype of the race: θ, or what the rule makes of it.
    path : ndarray, shape (points, 2)
        The trail in the coordinates of what is drawn: itself, or for a network its shadow on the plane.
    loss : float64 ndarray, shape (points,)
        E there.
    gradients, losses : int64 ndarray, shape (points,)
        How often the rule had asked for a gradient, which comes with a loss, or for a loss alone. The
        losses by which a race is judged are not the rule's.
    products : int64 ndarray, shape (points,)
        How often it had asked for the curvature along a vector.
    seconds : float64 ndarray, shape (points,)
        Time spent in its steps.
    stopped : str
        ``"goal"``, ``"steps"`` (the limit), ``"diverged"``, or ``"ended"``: SciPy found no lower loss.
    """

    rule: OnCourse
    at: NDArray[np.int64]
    trail: Array
    path: Array
    loss: NDArray[np.float64]
    gradients: NDArray[np.int64]
    losses: NDArray[np.int64]
    products: NDArray[np.int64]
    seconds: NDArray[np.float64]
    stopped: str

    @property
    def name(self) -> str:
        """The rule's name in words."""
        return self.rule.name.replace("_", " ")

    @property
    def reached(self) -> bool:
        """Whether it got to the goal."""
        return self.stopped == GOAL

    @property
    def steps(self) -> int:
        """Updates made."""
        return int(self.at[-1])

    @property
    def best(self) -> int:
        """The point of its trail where the loss was lowest."""
        return int(np.argmin(self.loss))

    @property
    def evaluations(self) -> NDArray[np.int64]:
        """How often the rule had asked for a gradient, a loss or a curvature, shape (points,)."""
        return self.gradients + self.losses + self.products

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; of its trail, the path in the picture."""
        best = self.best
        return {
            "rule": rule_to_dict(self.rule),
            "steps": self.steps,
            "gradient_evaluations": int(self.gradients[-1]),
            "loss_evaluations": int(self.losses[-1]),
            "curvature_products": int(self.products[-1]),
            "seconds": float(self.seconds[-1]),
            "reached": self.reached,
            "stopped": self.stopped,
            "best_step": int(self.at[best]),
            "loss": float(self.loss[best]),
            "end": self.path[best],
            "at": self.at,
            "path": self.path,
            "losses": self.loss,
        }


@dataclass(frozen=True, eq=False)
class Race:
    """Some rules down one surface or one network, from one start.

    Attributes
    ----------
    name, words : str
        What they went down.
    land : Landscape
        Of two weights: the surface, the slice, or the plane in which the trails spread most.
    axes : (str, str)
        What its coordinates are called.
    window : ((float, float), (float, float))
        What of it a picture shows.
    start : ndarray, shape (n,)
    goal : float or None
    limit : int
        Steps, at most.
    clock : str
        What they are compared by: one of `CLOCKS`.
    racers : tuple of Racer
        In the order in which they were named.
    minima : tuple of (float, float)
        Where the surface is lowest, as far as that is known.
    notes : tuple of str
        What must be known of published numbers, where the rules are those that race by default.
    engine : EngineInfo or None
        Which engine ran; a surface has none.
    """

    name: str
    words: str
    land: Landscape
    axes: tuple[str, str]
    window: Window
    start: Array
    goal: float | None
    limit: int
    clock: str
    racers: tuple[Racer, ...]
    minima: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()
    engine: EngineInfo | None = None

    @cached_property
    def grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates over the window, (across,) and (up,), and E there, (up, across), for pictures."""
        of_network = isinstance(self.land, Plane)
        return heights(self.land, self.window, COARSE if of_network else FINE, self.start.dtype)

    def by_clock(self, racer: Racer) -> NDArray[Any]:
        """Return what the race's clock shows at each point of a racer's trail, shape (points,)."""
        return getattr(racer, CLOCKS[self.clock])

    @property
    def ranked(self) -> tuple[Racer, ...]:
        """The racers: first who reached the goal, by the clock; then the others, by their lowest loss."""

        def place(racer: Racer) -> tuple[bool, float, float]:
            seen = float(self.by_clock(racer)[-1]) if racer.reached else 0.0
            return not racer.reached, seen, float(racer.loss[racer.best])

        return tuple(sorted(self.racers, key=place))

    def racer(self, name: str) -> Racer:
        """Return the first racer by the rule of that name.

        Raises
        ------
        SettingError
            No such rule took part.
        """
        for racer in self.racers:
            if racer.rule.name == name:
                return racer
        there = ", ".join(dict.fromkeys(racer.rule.name for racer in self.racers))
        raise SettingError(f"no rule {name!r} took part; there were {there}.")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        told = {
            "name": self.name,
            "words": self.words,
            "start": self.start if self.start.size == 2 else None,
            "goal": self.goal,
            "limit": self.limit,
            "clock": self.clock,
            "dtype": self.start.dtype.name,
            "racers": [racer.to_dict() for racer in self.racers],
            "notes": self.notes,
            "engine": None if self.engine is None else self.engine.to_dict(),
        }
        answer: dict[str, Any] = plain(told)
        return answer

    def text(self) -> str:
        """Return it as lines of text."""
        from schuss.insight.race.told import told

        return told(self)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        first = self.ranked[0]
        from schuss.insight.race.told import clocked

        end = f"{first.name} first after {clocked(self, first)}" if first.reached else "nobody at the goal"
        return f"Race({self.name}, {len(self.racers)} rules, {end})"


def settings_of(rule: OnCourse) -> str:
    """Return the settings that tell a rule from others, in the letters of its formula, as ``α=0.3 η=0.9``.

    Left out is what is as the rule has it by itself, save the two rates of the equation.
    """
    told = ("learning_rate", "momentum") if rule.keeps_by == "momentum" else ("learning_rate",)
    words = []
    for field in fields(rule):  # type: ignore[arg-type]  # all are dataclasses
        value = getattr(rule, field.name)
        if field.name in told or value != field.default:
            words.append(f"{LETTERS.get(field.name, field.name)}={_shown(value)}")
    return " ".join(words)


def _shown(value: Any) -> str:
    if isinstance(value, Schedule):
        return value.words
    return f"{value:.6g}" if isinstance(value, float) else str(value)

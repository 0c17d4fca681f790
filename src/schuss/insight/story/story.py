"""The story of a range of steps: the run is walked through once more, and sums are kept, never states."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.insight.story.batch_terms import BatchTerms, batch_terms
from schuss.insight.story.parts import Parts, parts_of
from schuss.insight.story.steps import Step, walk
from schuss.insight.story.told import Story, Timeline
from schuss.method.checks import check_integer
from schuss.method.network import Network
from schuss.method.rules.rule import element_wise
from schuss.training.replay import Replay
from schuss.training.run import Run

__all__ = ["Unit", "story", "unit_named"]

Numbers = NDArray[np.float64]
SPANS = 200  # points of the timeline, at most


class Unit(NamedTuple):
    """A unit by its layer of weights, counted from 0, and its place in it."""

    layer: int
    place: int


def story(run: Run, start: int = 0, stop: int | None = None, *, unit: str | None = None) -> Story:
    """Tell what happened in the steps [start, stop) of a run.

    Parameters
    ----------
    run : Run
        Whose states can be made again.
    start, stop : int
        By default all steps; of a fork, all since it parted.
    unit : str, optional
        A unit, as ``"hidden1[3]"`` or ``"output[0]"``, to ask which samples pushed most on it.

    Returns
    -------
    Story

    Raises
    ------
    SettingError
        Steps that the run has not, no step at all, or a unit that the network has not.
    ReplayError
        The run cannot be made again here.
    """
    element_wise(run.plan.rule, "a story")
    replay = run.replay
    stop = check_integer("stop", replay.stop if stop is None else stop, low=1, high=replay.stop)
    start = check_integer("start", start or replay.first, low=0, high=stop - 1)
    told = _Telling(replay, start, stop, unit)
    for step in walk(replay, replay.at(start), stop):
        told.hear(step)
    return told.story()


def unit_named(network: Network, name: str) -> Unit:
    """Return the unit called `name`; SettingError if there is none."""
    match = re.fullmatch(r"\s*(\w+)\[(\d+)\]\s*", str(name))
    layers = network.layer_names[1:]
    if not match or match[1] not in layers:
        raise SettingError(f"a unit is named like 'hidden1[3]' or 'output[0]'; got {name!r}.")
    layer, place = layers.index(match[1]), int(match[2])
    if place >= network.layers[layer + 1]:
        raise SettingError(f"no unit {name!r}: {match[1]} has {network.layers[layer + 1]} units.")
    return Unit(layer, place)


class _Telling:
    """Sums that grow with each step heard of."""

    def __init__(self, replay: Replay, start: int, stop: int, unit: str | None) -> None:
        self.replay, self.start, self.stop, self.name = replay, start, stop, unit
        self.unit = None if unit is None else unit_named(replay.network, unit)
        n = len(replay.samples)
        self.path = np.zeros(replay.network.n_parameters)
        self.met = np.zeros(n, np.int64)
        self.push, self.against, self.on_unit = np.zeros(n), np.zeros(n), np.zeros(n)
        self.span = -(-(stop - start) // SPANS)
        self.sums = np.zeros((-(-(stop - start) // self.span), 10))

    def hear(self, step: Step) -> None:
        """Add what one step did."""
        replay = self.replay
        if step.number == self.start:
            self.first = step.before.theta.astype(np.float64)
        self.last = step.after.theta
        terms = batch_terms(
            replay.network,
            step.before.theta,
            replay.samples.take(step.rows),
            replay.plan.objective,
            replay.plan.dropout_at(step.number, replay.network.depth - 1),
        )
        parts = parts_of(replay.plan.rule, step)
        self.path += np.abs(parts.change)
        gradient = terms.gradient()
        self._count_samples(step, terms, gradient)
        self._count_step(step, parts, gradient)

    def _count_samples(self, step: Step, terms: BatchTerms, gradient: Numbers) -> None:
        rate, squares = step.rates[0], terms.squares()
        self.met[step.rows] += 1  # a row comes once in a step
        self.push[step.rows] += rate * np.sqrt(squares)
        self.against[step.rows] -= rate * (terms.inner(gradient) - squares)
        if self.unit is not None:
            self.on_unit[step.rows] += rate * np.sqrt(terms.squares_on(*self.unit))

    def _count_step(self, step: Step, parts: Parts, gradient: Numbers) -> None:
        change, memory, fresh = parts.change, parts.memory, parts.fresh
        g, m = (float(np.linalg.norm(a)) for a in (gradient, memory))
        squared = float(change @ change)
        cosine = (float(memory @ gradient) / (g * m), 1.0) if g * m > 0 else (0.0, 0.0)
        of_step = (1, step.loss, g, m, np.sqrt(squared), memory @ change, fresh @ change, squared, *cosine)
        self.sums[(step.number - self.start) // self.span] += of_step

    def story(self) -> Story:
        """Return what was heard."""
        return Story(
            network=self.replay.network,
            start=self.start,
            stop=self.stop,
            net=np.abs(self.last.astype(np.float64) - self.first),
            path=self.path,
            met=self.met,
            push=self.push,
            against=self.against,
            unit=self.name,
            on_unit=self.on_unit,
            timeline=self._timeline(),
        )

    def _timeline(self) -> Timeline:
        steps, loss, g, m, change, memory, fresh, squared, cosine, met = self.sums.T
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = memory / squared, fresh / squared, cosine / met
        first = self.start + self.span * np.arange(len(steps), dtype=np.int64)
        return Timeline(first, loss / steps, g / steps, m / steps, change / steps, *shares)

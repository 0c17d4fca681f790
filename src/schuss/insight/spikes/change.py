"""The change of one step beside the loss: what calculus predicts of it, and which past steps it came from.

    E(θ+Δ) − E(θ) ≈ g·Δ + ½·Δᵀ·H·Δ,    H·d by central differences of the gradient, in float64

The memory's part of g·Δ is unfolded by past step: each step added something to the memory, faded since by the
rule's factor per step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.curvature.stability import largest_stable_rate
from schuss.insight.spikes.scene import Scene
from schuss.insight.story.batch_terms import batch_terms
from schuss.insight.story.parts import expansion_of, measure_of, parts_of
from schuss.insight.story.steps import Step, walk
from schuss.method import backprop
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.rules.rule import AnyRule
from schuss.method.samples import Samples
from schuss.training.replay import Replay

__all__ = ["Change", "Past", "change_at"]

Numbers = NDArray[np.float64]

FADED = 1e-3  # what is left of a push that is no longer told by itself
FURTHEST = 1000  # steps back
NUDGE = 1e-4  # length of a difference, of that of the weights


class Past(NamedTuple):
    """What one past step had in the memory's g·Δ, and how much of its push was left."""

    step: int
    left: float
    first: float


@dataclass(frozen=True)
class Change:
    """The change of the loss that one step made, and what is to be known of that step.

    Attributes
    ----------
    step : int
    data : str
        Whose loss: ``"the batch of step 7"`` or ``"256 samples drawn of all"``.
    actual, first, second : float
        What the loss changed by; g·Δ and ½ΔᵀHΔ.
    fresh_first, fresh_second, memory_first, memory_second : float
        The same of the two parts alone; the second ones do not add up, as there is a mixed term.
    past : tuple of Past
        The memory's g·Δ by past step, the latest first; `older` is that of all steps before.
    older : float
    gradient, velocity : (float, float)
        Lengths of the batch's gradient and of the memory before and after the step.
    curvature, fresh_curvature : float
        Of the batch's own loss along the change and along the fresh gradient, in the rule's own scale.
    learning_rate, momentum : float
        As the rule was given them.
    largest_stable_rate : float
        At this momentum and the larger of the two curvatures.
    """

    step: int
    data: str
    actual: float
    first: float
    second: float
    fresh_first: float
    fresh_second: float
    memory_first: float
    memory_second: float
    past: tuple[Past, ...]
    older: float
    gradient: tuple[float, float]
    velocity: tuple[float, float]
    curvature: float
    fresh_curvature: float
    learning_rate: float
    momentum: float
    largest_stable_rate: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, past steps as dictionaries."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "past": [past._asdict() for past in self.past]}


def change_at(scene: Scene) -> Change:
    """Describe the step that raised the probe's loss most, or the one before the peak if none did."""
    replay, worse = scene.replay, scene.weights_are_worse
    number = _steepest(scene) if worse else scene.jump.peak - 1
    (step,) = walk(replay, replay.at(number), number + 1)
    rows = scene.probe if worse else scene.peak_rows
    data = f"{len(rows)} samples drawn of all" if worse else f"the batch of step {scene.jump.peak}"
    silent = None if worse else _silent(replay, scene.jump.peak)
    judged = _Surface(replay, replay.samples.take(rows), silent)
    own = _Surface(replay, replay.samples.take(step.rows), _silent(replay, number))
    return _described(replay, step, judged, own, data)


def _steepest(scene: Scene) -> int:
    """Return the step after the lowest loss of the probe that raised it most."""
    place = scene.low + int(np.argmax(np.diff(scene.curve[scene.low :])))
    first, last = scene.marks[place : place + 2].tolist()
    replay = scene.replay
    steps = walk(replay, replay.at(first), last)
    losses = [float(scene.curve[place]), *(scene.loss_of(step.after.theta, scene.probe) for step in steps)]
    return first + int(np.argmax(np.diff(losses)))


def _described(replay: Replay, step: Step, judged: _Surface, own: _Surface, data: str) -> Change:
    rule, parts = replay.plan.rule, parts_of(replay.plan.rule, step)
    theta = step.before.theta.astype(np.float64)
    g = judged.gradient(theta)
    through = g * parts.through
    past, older = _past(replay, step, through)
    bends = [judged.bend(theta, d) for d in (parts.change, parts.fresh, parts.memory)]
    expansion = expansion_of(rule, step)
    measure = measure_of(rule, step)
    curvatures = [_ratio(2 * own.bend(theta, d), d @ (measure * d)) for d in (parts.change, parts.fresh)]
    return Change(
        step=step.number,
        data=data,
        actual=judged.loss(theta + parts.change) - judged.loss(theta),
        first=float(g @ parts.change),
        second=bends[0],
        fresh_first=float(g @ parts.fresh),
        fresh_second=bends[1],
        memory_first=float(g @ parts.memory),
        memory_second=bends[2],
        past=past,
        older=older,
        gradient=_gradients(replay, step, own),
        velocity=(_length(step.before.velocity), _length(step.after.velocity)),
        curvature=curvatures[0],
        fresh_curvature=curvatures[1],
        learning_rate=step.rates[0],
        momentum=_kept(expansion.keep[0]),
        largest_stable_rate=largest_stable_rate(rule, step.rates, max(curvatures)),
    )


class _Surface:
    """The loss of some samples as a function of theta, in float64."""

    def __init__(self, replay: Replay, samples: Samples, silent: Dropout | None) -> None:
        self.replay, self.samples, self.silent = replay, samples, silent
        self.objective = replay.plan.objective

    def loss(self, theta: Array) -> float:
        """Return the loss, penalties included."""
        return batch_terms(self.replay.network, theta, self.samples, self.objective, self.silent).loss

    def gradient(self, theta: Array) -> Numbers:
        """Return its gradient, penalties included, unclipped."""
        network = self.replay.network
        terms = batch_terms(network, theta, self.samples, self.objective, self.silent)
        g = terms.gradient()
        for into, layer in zip(network.views(g), network.views(theta), strict=True):
            into.w[...] += terms.scale * backprop.penalty_slope(layer, self.objective)
        return g

    def bend(self, theta: Numbers, d: Numbers) -> float:
        """Return ½·dᵀ·H·d."""
        length = _length(d)
        if not length > 0:
            return 0.0
        e = NUDGE * max(_length(theta), 1.0) / length
        slope = self.gradient(theta + e * d) - self.gradient(theta - e * d)
        return float(d @ slope) / (4 * e)


def _past(replay: Replay, step: Step, through: Numbers) -> tuple[tuple[Past, ...], float]:
    """Return the memory's g·Δ by past step, the latest first, and what all older ones had in it."""
    rule = replay.plan.rule
    if not len(through):
        return (), 0.0
    kept = _kept(_keep(rule, step))
    back = FURTHEST if kept >= 1 else math.ceil(math.log(FADED) / math.log(max(kept, 1e-9)))
    first = max(replay.first, step.number - min(max(back, 1), FURTHEST))
    pieces, state = list[tuple[int, Numbers, Numbers]](), replay.at(first)
    before = older = through @ state.memory[: len(through)].T  # of each row by each row
    for past in walk(replay, state, step.number):
        after, keep = through @ past.after.memory[: len(through)].T, _keep(rule, past)
        pieces.append((past.number, keep, after - before @ keep.T))
        before = after
    told, left = list[Past](), np.eye(len(through))
    for number, keep, push in reversed(pieces):
        told.append(Past(number, float(np.abs(left).max()), float((left * push).sum())))
        left = left @ keep
    return tuple(told), float((left * older).sum())


def _keep(rule: AnyRule, step: Step) -> Numbers:
    """Return what a step keeps of the memory, shape (rows, rows)."""
    return rule.expansion(np.array([step.rates]), None, np.float64).keep[0]


def _kept(keep: Numbers) -> float:
    """Return the factor by which such steps let the memory fade in the long run."""
    return float(np.abs(np.linalg.eigvals(keep)).max(initial=0.0))


def _gradients(replay: Replay, step: Step, own: _Surface) -> tuple[float, float]:
    """Return the lengths of the gradients of this step's batch and of the next one's."""
    after = own.gradient(step.after.theta.astype(np.float64))
    if step.number + 1 < replay.stop:
        (following,) = walk(replay, step.after, step.number + 2)
        samples = replay.samples.take(following.rows)
        after = _Surface(replay, samples, _silent(replay, step.number + 1)).gradient(step.after.theta)
    return _length(own.gradient(step.before.theta.astype(np.float64))), _length(after)


def _silent(replay: Replay, step: int) -> Dropout | None:
    return replay.plan.dropout_at(step, replay.network.depth - 1)


def _length(values: Array) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))


def _ratio(above: float, below: Any) -> float:
    return above / float(below) if below > 0 else 0.0

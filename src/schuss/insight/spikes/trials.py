"""What would have happened otherwise: the steps around a jump made again with one thing changed.

A trial is judged by the probe of the scene, so that the luck of the draw does not count, and where it is long
by the median of neighbouring batches too. Its height is the largest climb above the lowest before, on a scale
that is linear for small climbs and logarithmic for large ones: 1 for the climb that really happened, or for
150 times the level of before, if that is less.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import DONE, INTERRUPTED, Advance
from schuss.insight.spikes.scene import Scene
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.forking import changed_samples
from schuss.training.replay import Replay

__all__ = ["height", "height_without", "height_without_memory", "made_again", "with_rates"]

MOST = 5.0  # after an explosion, a climb of many times the level is not a cure
NEIGHBOURS = 5  # batches whose median tells of the weights more than of themselves
LONG = 300  # steps that are looked at too seldom for the probe to tell all
POINTS = 32  # at which a trial's probe is looked at


def with_rates(plan: Plan, **rates: float) -> Plan:
    """Return the plan with other rates in its rule."""
    rule: Any = plan.rule
    return plan.replace(rule=replace(rule, **rates))


def made_again(replay: Replay, state: State, stop: int, plan: Plan, samples: Samples) -> Advance:
    """Return what steps [state.step, stop) make of `state` under another plan or with other samples."""
    made = replay.engine.advance(replay.network, state, samples, plan, stop)
    if made.outcome == INTERRUPTED:
        raise made.error or KeyboardInterrupt
    return made


def height(scene: Scene, state: State, stop: int, plan: Plan, without: NDArray[Any] | None = None) -> float:
    """Return how high the loss of the probe climbs from `state` to `stop` under `plan`; 1: as it really did.

    Parameters
    ----------
    without : int ndarray, optional
        Rows to leave out, of the training and of the probe.
    """
    replay, probe, samples = scene.replay, scene.probe, scene.replay.samples
    if without is not None:
        samples, probe = changed_samples(samples, without, None), np.setdiff1d(probe, without)
    long = stop - state.step > LONG
    lowest, climb, batches = scene.loss_of(state.theta, probe), 0.0, list[NDArray[np.float64]]()
    for mark in np.unique(np.linspace(state.step, stop, POINTS + 1).round().astype(int))[1:].tolist():
        made = made_again(replay, state, mark, plan, samples)
        loss = scene.loss_of(made.state.theta, probe) if made.outcome == DONE else math.inf
        if not math.isfinite(loss):
            return math.inf
        state, lowest, climb = made.state, min(lowest, loss), max(climb, loss - lowest)
        batches.append(made.losses)
    if long:  # the probe alone would miss a short climb
        climb = max(climb, _climb(np.concatenate(batches)))
    return _scaled(climb, scene) / min(_scaled(scene.worse, scene), MOST)


def _climb(losses: NDArray[np.float64]) -> float:
    """Return how far the median of neighbouring batches' losses climbs above its lowest before."""
    if len(losses) < NEIGHBOURS:
        return 0.0
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(losses, NEIGHBOURS), axis=1)
    return float((smooth - np.minimum.accumulate(smooth)).max())


def height_without(scene: Scene, rows: NDArray[Any]) -> float:
    """Return the same for the run without some rows, from before the lowest loss to the peak."""
    start = max(scene.start.step, scene.lowest.step - 2)
    return height(scene, scene.replay.at(start), scene.jump.peak, scene.replay.plan, rows)


def height_without_memory(scene: Scene, rate: str | None) -> float:
    """Return the same for the run from its lowest loss on, with an empty memory and the memory's `rate` at 0.

    The fresh gradient alone then makes the steps; 1 for a rule that has no memory.
    """
    if rate is None:
        return 1.0
    low = scene.lowest
    plan = with_rates(scene.replay.plan, **{rate: 0.0})
    rates = plan.rates(low.step, low.step + 1, len(scene.replay.samples))
    memory = low.memory.copy()
    memory[: plan.rule.expansion(rates, None, np.float64).take.shape[1]] = 0
    bare = State.of(low.theta, memory, low.step)
    return height(scene, bare, scene.jump.peak + 20, plan)


def _scaled(climb: float, scene: Scene) -> float:
    return math.log1p(climb / scene.level)

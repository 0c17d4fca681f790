"""Why the loss jumped: the worst jumps of a run are found, looked at closely, and each is given its cause."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from schuss.errors import SettingError
from schuss.insight.spikes.causes import HEALED, Verdict, judge
from schuss.insight.spikes.change import change_at
from schuss.insight.spikes.jumps import Jump, find_jumps
from schuss.insight.spikes.scene import Scene, scene_of
from schuss.insight.spikes.spike import Carried, Confirmed, Spike
from schuss.insight.spikes.trials import height, made_again, with_rates
from schuss.method.checks import check_integer
from schuss.method.rules.rule import element_wise
from schuss.training.forking import changed_samples
from schuss.training.replay import Replay
from schuss.training.run import Run

__all__ = ["confirm", "spikes"]

LOOKED_AT = 24  # jumps, beyond which the rest is taken for noise
CARRIED = 32  # rows told of a batch


def spikes(run: Run, count: int = 3) -> list[Spike]:
    """Return the worst jumps of a run's loss with their causes, at most `count`.

    The worst first, after those that are beyond doubt; what lies within the luck of the draw is not listed.

    Raises
    ------
    SettingError
        A count below 1.
    ReplayError
        The run cannot be made again here.
    """
    check_integer("count", count, low=1)
    element_wise(run.plan.rule, "finding the causes of spikes")
    replay = _whole(run.replay)
    first = replay.first
    jumps = [jump for jump in find_jumps(replay.losses) if jump.onset >= first < jump.peak][:LOOKED_AT]
    in_time = sorted(jumps, key=lambda jump: jump.onset)  # each state is then near the one before
    seen = {jump: scene_of(replay, jump) for jump in in_time}
    found = list[Spike]()
    for jump in sorted(jumps, key=lambda jump: not seen[jump].is_clear):  # keeps their order beyond that
        verdict = judge(seen[jump])
        if verdict:
            found.append(_spike(seen[jump], verdict))
        if len(found) == count:
            break
    return found


def confirm(run: Run, spike: Spike) -> Confirmed:
    """Make the fork that a spike asks for, up to the jump, and say whether it is gone.

    Raises
    ------
    SettingError
        The spike has no single cause, so there is nothing to change.
    ReplayError
        The run cannot be made again here.
    """
    if not spike.changes:
        raise SettingError(f"the spike at step {spike.step} has no single cause; there is no fork to try.")
    replay = _whole(run.replay)
    samples, plan = replay.samples, replay.plan
    rows = None
    if "without" in spike.changes:
        rows = np.array(spike.changes["without"], np.int64)
        samples = changed_samples(samples, rows, None)
    else:
        plan = with_rates(plan, **spike.changes)
    state = replay.at(spike.fork_from)
    made = made_again(replay, state, spike.step + 1, plan, samples)
    loss = float(made.losses[-1]) if len(made.losses) == spike.step + 1 - spike.fork_from else math.inf
    scene = scene_of(replay, spike.jump)
    left = height(scene, state, spike.step, plan, rows) if scene.weights_are_worse else math.nan
    gone = loss - spike.before < 0.5 * (spike.loss - spike.before) and not left >= HEALED
    return Confirmed(spike, loss, left, gone)


def _whole(replay: Replay) -> Replay:
    """Return a replay that has all losses: those that a recording has lost are computed again."""
    missing = np.flatnonzero(np.isnan(replay.losses))
    if not len(missing):
        return replay
    first, losses = int(missing[0]), replay.losses.copy()
    losses[first:] = replay.run(replay.at(first), replay.stop).losses
    return replace(replay, losses=losses)


def _spike(scene: Scene, verdict: Verdict) -> Spike:
    jump: Jump = scene.jump
    errors, order = scene.batch.errors, np.argsort(-scene.batch.errors, kind="stable")
    total = float(errors.sum()) or 1.0
    carried = [
        Carried(int(scene.peak_rows[i]), float(errors[i]), float(errors[i]) / total)
        for i in order[:CARRIED].tolist()
    ]
    return Spike(
        step=jump.peak,
        onset=jump.onset,
        before=jump.before,
        loss=jump.loss,
        cause=verdict.cause,
        rows=verdict.rows,
        why=verdict.why,
        changes=verdict.changes,
        fork_from=verdict.fork_from,
        trials=verdict.trials,
        hardness=(scene.batch.loss - float(scene.curve[-1])) / jump.rise,
        carried=tuple(carried),
        change=change_at(scene),
        jump=jump,
    )

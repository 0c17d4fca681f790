"""Which cause a jump of the loss has: the rule by which it is named, with the evidence in a sentence.

1. Samples, if the batch is harder than luck allows (not once in ten such runs); or if what
   carries it are rows whose inputs or targets lie far outside; or if without these the loss stays down.
2. Nothing to be named, if a sample of all rows tells of no jump: the luck of the draw.
3. Momentum, if with less of it there is no jump, and the fresh gradient alone, with an empty memory, makes
   none either.
4. The learning rate, if a smaller one makes no jump at the same momentum; but not where that is unusually
   large and the fresh gradient alone is calm. If it makes one, and less momentum does not, momentum again.
5. Else no single cause: more than one setting would have to change.

The thresholds were chosen on trainings with a planted cause (tests/insight/planted.py). Of 100 others of each
kind it named 98 mislabelled blocks, 99 scaled rows, 97 momenta and 96 rates; of 100 trainings without a fault
it named none in 95, and no single cause in 92 of 100 whose rate and momentum were both too large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from schuss.insight.spikes.scene import Scene
from schuss.insight.spikes.trials import height, height_without, height_without_memory, with_rates
from schuss.method.rules.rule import rates_at_one

__all__ = ["CAUSES", "Verdict", "judge", "named_rows"]

SAMPLES, MOMENTUM, RATE, NONE = CAUSES = ("samples", "momentum", "learning rate", "no single cause")

ALONE = "fresh gradient alone"
HEALED = 0.35  # a trial whose height is below this has no jump
CALM = 0.25  # up to so much of the jump, the fresh gradient alone is not to blame
SURE = 0.05  # below this, a fork from nearer by may show it too
USUAL_MOMENTUM = 0.9
LUCK = 0.1  # too hard for luck: fewer runs than this share would have such a batch at all
SMALLER = (4.0, 16.0, 64.0)  # times smaller rates are tried; the first alone where the momentum is large too
SHOWS_WITHIN = 5.0  # times 1/(1−η) steps: what too much momentum does shows later


class Verdict(NamedTuple):
    """A cause, its rows where these are samples, the evidence, and which fork would be without it."""

    cause: str
    rows: tuple[int, ...]
    why: str
    changes: dict[str, Any]
    fork_from: int
    trials: dict[str, float]


def judge(scene: Scene) -> Verdict | None:
    """Return the cause of a jump, or None where it is within the luck of the draw."""
    found = _hard_batch(scene) or _strange_rows(scene)
    if found or not scene.weights_are_worse:
        return found
    return _settings(scene)


def named_rows(rows: Sequence[int], between: str = ", ", to: str = "–") -> str:
    """Return rows in words, neighbours as ranges."""
    parts, first = list[str](), 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or rows[i] != rows[i - 1] + 1:
            parts.append(str(rows[first]) if i - first == 1 else f"{rows[first]}{to}{rows[i - 1]}")
            first = i
    return between.join(parts)


def _hard_batch(scene: Scene) -> Verdict | None:
    """Name the rows of a batch that is harder than luck allows."""
    if scene.log_chance > math.log(LUCK / len(scene.replay.losses)):
        return None
    rows = tuple(scene.hard().tolist())
    why = (
        f"the batch of step {scene.jump.peak} is hard: its loss is {scene.batch.loss:.4g} where samples "
        f"drawn of all have {float(scene.curve[-1]):.4g} at the same weights; that, with the batches beside "
        f"it, comes by luck with a probability below 1e{math.ceil(scene.log_chance / math.log(10)):d}"
    )
    return _without(scene, rows, why, min(scene.jump.onset, scene.jump.peak), {})


def _strange_rows(scene: Scene) -> Verdict | None:
    """Name rows that lie far outside, if they carry the jump or it is gone without them."""
    strange = scene.strange()
    if not len(strange):
        return None
    carrying = scene.carrying()
    start = max(scene.start.step, scene.lowest.step - 2)
    far = f"sample {named_rows(strange.tolist())} lies more than three times as far out as 98 of 100 do"
    if np.isin(carrying, strange).all():
        rows = tuple(carrying.tolist())
        return _without(scene, rows, f"{far}, and carries the loss of the batch", start, {})
    if not scene.weights_are_worse:
        return None
    left = height_without(scene, strange)
    if left >= HEALED:
        return None
    why = f"{far}; without them {left:.0%} of the jump are left, so the gradient there has spoilt the weights"
    return _without(scene, tuple(strange.tolist()), why, start, {"without the rows": left})


def _without(
    scene: Scene, rows: tuple[int, ...], why: str, start: int, trials: dict[str, float]
) -> Verdict | None:
    if len(rows) >= len(scene.replay.samples):
        return None
    return Verdict(SAMPLES, rows, why, {"without": list(rows)}, start, trials)


def _settings(scene: Scene) -> Verdict | None:
    """Tell momentum from learning rate by trials; a momentum that is usual is not blamed for little."""
    plan, peak = scene.replay.plan, scene.jump.peak
    rates = rates_at_one(plan.rule, np.array([peak]), plan.span(len(scene.replay.samples)))
    rate, name = rates[0], plan.rule.keeps_by
    kept = rates[plan.rule.rates.index(name)] if name else 0.0
    if kept <= USUAL_MOMENTUM and not scene.weights_are_clearly_worse:
        return None
    alone = height_without_memory(scene, name if kept else None)
    trials = {ALONE: alone}
    momentum = _less_momentum(scene, name, kept, trials) if name else None
    if momentum and alone < CALM:
        return momentum
    rate_alone = None if alone < CALM and kept > USUAL_MOMENTUM else _less_rate(scene, rate, kept, trials)
    return rate_alone or momentum or _none(trials, scene.lowest.step)


def _less_momentum(scene: Scene, name: str, kept: float, trials: dict[str, float]) -> Verdict | None:
    """Blame the momentum if less of it, for long enough before, makes no jump."""
    replay, low = scene.replay, scene.lowest.step
    less = USUAL_MOMENTUM if kept > USUAL_MOMENTUM else kept / 2
    plan, back = with_rates(replay.plan, **{name: less}), int(min(200.0, 2.0 / max(1.0 - kept, 1e-3)))
    sure = kept > USUAL_MOMENTUM and trials[ALONE] < SURE
    for start in (low - back, low - 50) if sure else (low - back,):
        state = replay.at(max(replay.first, start))
        left = height(scene, state, max(scene.jump.peak, low + 20), plan)
        trials[f"{name} {less:g}"] = left
        if left < HEALED:
            why = (
                f"the fresh gradient alone makes {_percent(trials[ALONE])} of the jump, and with a {name} of "
                f"{less:g} instead of {kept:g} {_percent(left)} are left: the memory has carried it"
            )
            return Verdict(MOMENTUM, (), why, {name: less}, state.step, trials)
    return None


def _less_rate(scene: Scene, rate: float, kept: float, trials: dict[str, float]) -> Verdict | None:
    """Blame the rate if a smaller one makes no jump, at the same momentum, and for a while after."""
    replay, low = scene.replay, scene.lowest.step
    start, later = max(replay.first, low - 20), int(min(1000.0, SHOWS_WITHIN / max(1.0 - kept, 1e-3)))
    stop = max(scene.jump.peak, low + 20) + max(20, later)
    for times in SMALLER if kept <= USUAL_MOMENTUM else SMALLER[:1]:
        plan = with_rates(replay.plan, learning_rate=rate / times)
        left = trials[f"learning rate {rate / times:.3g}"] = height(scene, replay.at(start), stop, plan)
        if left < HEALED:
            why = (
                f"the fresh gradient alone makes {_percent(trials[ALONE])} of the jump, and with a learning "
                f"rate {times:g} times smaller {_percent(left)} are left: the steps are too long"
            )
            return Verdict(RATE, (), why, {"learning_rate": rate / times}, start, trials)
    return None


def _none(trials: dict[str, float], start: int) -> Verdict:
    words = ", ".join(f"{name}: {_percent(left)}" for name, left in trials.items())
    why = f"neither less memory nor a smaller rate alone takes the jump away (what is left of it: {words})"
    return Verdict(NONE, (), why, {}, start, trials)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 10 else "more than all"

"""A training continued differently from one of its steps: exact state, other settings or samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import DONE, Advance
from schuss.errors import DataError, SettingError, did_you_mean
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.plan import Plan
from schuss.method.samples import Samples, as_weights
from schuss.method.schedules import Plateau
from schuss.method.state import State
from schuss.training.keep import Keep
from schuss.training.loop import Callback, Loop, Tick
from schuss.training.recording import begin
from schuss.training.run import Run
from schuss.training.setup import Judge, judge_of, judged_by
from schuss.training.stopping import Progress

__all__ = ["fork"]


def fork(
    run: Run,
    step: int,
    *,
    without: Sequence[int] = (),
    weights: Any = None,
    validation: tuple[Any, Any] | Judge | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Callable[[Tick], None] | None = None,
    record: str | os.PathLike[str] | None = None,
    keep: Keep | None = None,
    about: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """Train on from the state of `run` before step `step`, with some things changed; see `Run.fork`."""
    replay, plan = run.replay, changed_plan(run.plan, step, changes)
    total = plan.steps(run.n_samples)
    check_integer("step", step, low=0, high=run.state.step)
    if step >= total:
        raise SettingError(f"the plan ends at step {total}; give more epochs to go on from step {step}.")
    state = replay.at(step)
    samples = changed_samples(replay.samples, without, weights)
    held_out = judged_by(run.network, validation, state.theta.dtype)
    judge = judge_of(run.network, plan, replay.engine, held_out)
    loop = Loop(run.network, samples, plan, replay.engine, judge, callbacks, progress, state)
    loop.made = [Advance(state, run.step_loss[:step], DONE)]
    loop.reached = reached_at(run, step) if judge is None else Progress()
    loop.judged = [np.nan] * (step // plan.steps_per_epoch(run.n_samples)) if judge else []
    loop.kept = Fork(state)
    if record is not None:
        told = {name: repr(value) for name, value in changes.items()}
        parent = {"data": run.data, "step": step, "without": list(map(int, without)), "changes": told}
        begin(loop, Path(record), keep or Keep(), about or {}, held_out, parent)
    return loop.run()


class Fork:
    """The state at which a fork that was not recorded began."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def steps(self) -> list[int]:
        """Its step."""
        return [self._state.step]

    def before(self, step: int) -> State:
        """Return it, or raise SettingError for a step before it."""
        if step < self._state.step:
            raise SettingError(
                f"this run was forked at step {self._state.step}; ask its parent about {step}."
            )
        return self._state

    def after(self, step: int) -> State | None:  # noqa: ARG002  # as `Kept` has it
        """Return None."""
        return None


def changed_plan(plan: Plan, step: int, changes: Mapping[str, Any]) -> Plan:
    """Return the plan with rates of its rule and fields of its own changed from `step` on."""
    rates = {name: value for name, value in changes.items() if name in plan.rule.rates}
    others = {name: value for name, value in changes.items() if name not in rates}
    allowed = sorted({*plan.rule.rates, *Plan.__dataclass_fields__} - {"rule", "batch_size"})
    for name in others:
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            raise SettingError(f"a fork may change {', '.join(allowed)}; got {name!r}{hint}.")
    rule = replace(plan.rule, **rates)  # type: ignore[type-var]  # rules are dataclasses
    rate = rule.learning_rate
    if isinstance(rate, Plateau):
        rule = replace(rule, learning_rate=replace(rate, drops=tuple(d for d in rate.drops if d <= step)))  # type: ignore[type-var]  # as above
    return plan.replace(rule=rule, **others)


def changed_samples(samples: Samples, without: Any, weights: Any) -> Samples:
    """Return the samples with other weights; those left out keep their places and weigh nothing.

    So all other batches stay what they were.
    """
    if weights is not None:
        samples = replace(samples, weights=as_weights(weights, len(samples), samples.X.dtype))
    if not len(without):
        return samples
    rows = np.asarray(without)
    if not np.issubdtype(rows.dtype, np.integer) or rows.ndim != 1:
        raise DataError(f"without must list rows of the data as integers; got {without!r:.80}.")
    if rows.min() < 0 or rows.max() >= len(samples):
        raise DataError(
            f"without names rows of the data, 0 to {len(samples) - 1}; got {rows.tolist()!r:.80}."
        )
    changed: Array = (
        np.ones(len(samples), samples.X.dtype) if samples.weights is None else samples.weights.copy()
    )
    changed[rows] = 0
    return replace(samples, weights=changed)


def reached_at(run: Run, step: int) -> Progress:
    """Return what `run` had reached after its whole epochs before `step`, judged by its training loss."""
    per_epoch = run.plan.steps_per_epoch(run.n_samples)
    rate = run.plan.rule.learning_rate
    drops = rate.drops if isinstance(rate, Plateau) else ()
    losses: NDArray[np.float64] = run.loss[: step // per_epoch]
    reached = Progress()
    for epoch, loss in enumerate(losses.tolist(), start=1):
        reached = reached.after(loss, run.plan)
        reached = reached.patient() if epoch * per_epoch in drops else reached
    return reached

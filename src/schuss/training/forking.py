"""A training continued differently from one of its steps: exact state, other settings or samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from schuss.engine.engine import DONE, Advance
from schuss.errors import DataError, SettingError, did_you_mean
from schuss.method.checks import check_integer
from schuss.method.convert import velocity_correction
from schuss.method.functions import Array
from schuss.method.plan import Plan
from schuss.method.rules import Momentum, Nesterov
from schuss.method.samples import Samples, as_weights
from schuss.method.schedules import Plateau, Restart, at_steps
from schuss.method.state import State
from schuss.training.keep import Keep
from schuss.training.loop import Loop
from schuss.training.record import NextFree
from schuss.training.recording import begin
from schuss.training.replay import Began, Held
from schuss.training.restarting import check_restarts
from schuss.training.run import Run
from schuss.training.run_folder import RunFolder
from schuss.training.setup import Judge, check_callbacks, check_weighs, judge_of, judged_by
from schuss.training.stopping import counted
from schuss.training.telling import Callback, Tick

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
    record: str | os.PathLike[str] | NextFree | None = None,
    keep: Keep | None = None,
    about: Mapping[str, Any] | None = None,
    correct_velocity: bool = False,
    **changes: Any,
) -> Run:
    """Train on from the state of `run` before step `step`, with some things changed; see `Run.fork`."""
    replay, plan = run.replay, changed_plan(run.plan, step, changes)
    total = plan.steps(run.n_samples)
    check_restarts(plan, run.n_samples)
    check_callbacks(callbacks)
    plan.dropout_rates(run.network.depth - 1)
    check_integer("step", step, low=0, high=run.state.step)
    if step >= total:
        raise SettingError(f"the plan ends at step {total}; give more epochs to go on from step {step}.")
    state = replay.at(step)
    if correct_velocity:
        state = corrected(state, run.plan, plan, run.n_samples)
    samples = changed_samples(replay.samples, without, weights)
    held_out = _judged_by(run, validation)
    judge = judge_of(run.network, plan, replay.engine, held_out)
    loop = Loop(run.network, samples, plan, replay.engine, judge, callbacks, progress, state)
    loop.made = [Advance(state, run.step_loss[:step], DONE)]
    _take_over(loop, run, step)
    loop.kept = Held(state, Began(step, loop.reached, loop.best, loop.averaged, loop.average))
    if record is not None:
        told = {name: repr(value) for name, value in changes.items()}
        if correct_velocity:
            told["correct_velocity"] = repr(correct_velocity)
        parent = {"data": run.data, "step": step, "without": np.ravel(without).tolist(), "changes": told}
        begin(loop, record, keep or Keep(), about or {}, held_out, parent)
    return loop.run()


def _judged_by(run: Run, given: tuple[Any, Any] | Judge | None) -> Samples | Judge | None:
    """Return what judges the epochs of a fork: what is given, or what judged those of the run."""
    if given is not None or not len(run.validation_loss):
        return judged_by(run.network, given, run.theta.dtype)
    kept = run.kept.samples("validation") if isinstance(run.kept, RunFolder) else None
    if kept is None:
        raise SettingError("the run was judged by validation data or a function; give them: validation=….")
    return kept


def _take_over(loop: Loop, run: Run, step: int) -> None:
    """Put a fork where the run stood at `step`: progress, validation losses, best state and average.

    A run that is a fork itself has taken over what was reached before its own first step.
    """
    began, per_epoch = run.replay.kept.began(), run.plan.steps_per_epoch(run.n_samples)
    before, epochs = began.step // per_epoch, step // per_epoch
    is_judged = loop.judge is not None and len(run.validation_loss) > 0
    seen = (run.validation_loss if is_judged else run.loss)[:epochs]
    if is_judged or loop.judge is None:
        own = seen[before:].tolist()
        loop.reached = counted(began.reached, own, run.plan, before * per_epoch, per_epoch)
    if loop.judge is not None:
        loop.judged = seen.tolist() if is_judged else [np.nan] * epochs
    if is_judged:
        loop.best = began.best
        if loop.reached.best < began.reached.best:
            loop.best = run.at((int(np.flatnonzero(seen == loop.reached.best)[0]) + 1) * per_epoch)
    first = loop.plan.averages_from
    if first == run.plan.averages_from:
        loop.averaged, loop.average = began.averaged, began.average
    for epoch in range(first + loop.averaged, epochs + 1):
        loop.take_average(epoch, run.at(epoch * per_epoch))


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
    momentum = getattr(rule, "momentum", None)
    if isinstance(momentum, Restart):
        rule = replace(rule, momentum=momentum.until(step))  # type: ignore[type-var]  # as above
    return plan.replace(rule=rule, **others)


def corrected(state: State, before: Plan, after: Plan, n: int) -> State:
    """Return the state with its velocity as if it had been made with the next step's rate all along."""
    if not isinstance(after.rule, Momentum | Nesterov):
        raise SettingError(
            f"correct_velocity is for rules with the rate inside the velocity, momentum and nesterov; "
            f"the run's is {after.rule.name}."
        )
    if state.step == 0:
        return state  # there is none yet
    rates = [
        float(at_steps(plan.rule.learning_rate, np.array([step]), plan.span(n))[0])
        for plan, step in ((before, state.step - 1), (after, state.step))
    ]
    factor = state.memory.dtype.type(velocity_correction(*rates))
    return replace(state, memory=state.memory * factor)


def changed_samples(samples: Samples, without: Any, weights: Any) -> Samples:
    """Return the samples with other weights; those left out keep their places and weigh nothing.

    So all other batches stay what they were.
    """
    if weights is not None:
        samples = replace(samples, weights=as_weights(weights, len(samples), samples.X.dtype))
        check_weighs(samples)
    rows = np.atleast_1d(np.asarray(without))
    if not rows.size:
        return samples
    if not np.issubdtype(rows.dtype, np.integer) or rows.ndim != 1:
        raise DataError(f"without must list samples as integers; got {without!r:.80}.")
    if rows.min() < 0 or rows.max() >= len(samples):
        raise DataError(f"without names samples, 0 to {len(samples) - 1}; got {rows.tolist()!r:.80}.")
    changed: Array = (
        np.ones(len(samples), samples.X.dtype) if samples.weights is None else samples.weights.copy()
    )
    changed[rows] = 0
    if not changed.any():
        raise DataError("without leaves no sample that counts.")
    return replace(samples, weights=changed)

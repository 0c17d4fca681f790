"""Many settings at once: the same network trained with each of them, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.engine.finite import all_finite_by
from schuss.errors import DataError, SettingError, TrainingInterrupted, did_you_mean
from schuss.insight.swept import Sweep
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import OTHERS, Plans
from schuss.method.rules.rule import Rule, WholeStep, first_memory
from schuss.method.samples import Samples
from schuss.method.schedules import Plateau, Restart
from schuss.method.state import States
from schuss.training.many import ManyTrainings
from schuss.training.setup import check_weighs, fitting_plan

__all__ = ["sweep"]

Columns = dict[str, Sequence[Any]]


def sweep(
    network: Network,
    X: Any,
    T: Any,
    plan: Plan | None = None,
    *,
    plans: Sequence[Plan] | None = None,
    product: bool = True,
    engine: str | Engine = "auto",
    threads: int | None = None,
    dtype: Any = None,
    theta: Array | None = None,
    weights: Any = None,
    progress: Callable[[float], object] | None = None,
    **settings: Any,
) -> Sweep:
    """Train one network with many settings and return all of what came of them.

    ``sweep(net, X, T, learning_rate=np.geomspace(0.001, 1, 48), momentum=[0.0, 0.9], epochs=200)`` trains 96
    networks. Each ends in the bits that `train` gives it with ``sweep[i].plan``.

    Parameters
    ----------
    network : Network
    X, T : array_like
        As for `train`; shared by all.
    plan : Plan, optional
        What all have in common; or give its fields as keywords: ``rule=Nesterov(), epochs=1000``.
    plans : sequence of Plan, optional
        The plans themselves, instead of `plan` and settings. They may differ in what may vary.
    product : bool, default True
        Train with all combinations of the values given, the last setting changing fastest; False: with the
        first of each, the second of each, and so on.
    engine, threads, dtype, weights
        As for `train`.
    theta : ndarray, shape (n_parameters,) or (N, n_parameters), optional
        First weights, for all networks or for each; by default what the network's init draws for each seed.
    progress : callable, optional
        Given the share of the steps that is done, some ten times a second. What it raises ends the sweep.
    **settings
        Fields of the plan that all share; rates of the rule by their names; and what varies, as a list or
        array: ``learning_rate`` and other rates of the rule, ``seed``, ``order``, ``l2``, ``l1``,
        ``weight_decay``.

    Returns
    -------
    Sweep

    Raises
    ------
    DataError, SettingError
        Bad data or settings; nothing was trained. A network that diverges raises nothing: see
        ``Sweep.diverged_at``.
    TrainingInterrupted
        Ctrl-C; a KeyboardInterrupt whose `run` is the sweep up to a step that all had reached, a fraction of
        a second before.
    """
    began = time.perf_counter()
    samples = Samples.check(network, X, T, dtype, weights, all_finite_by(threads))
    check_weighs(samples)
    n = len(samples)
    if plans is not None:
        if plan is not None or settings:
            raise SettingError("give plans, or one plan and settings, not both.")
        many = Plans.of([fitting_plan(each, {}, n) for each in plans])
        shape: tuple[int, ...] = (len(many),)
    else:
        rates, columns, shared = _sorted_out(plan, settings)
        base = fitting_plan(plan, shared, n)
        if rates:
            base = base.replace(rule=replace(base.rule, **rates))  # type: ignore[type-var]  # rules are dataclasses
        many, shape = _combined(base, columns, product)
    _check_to_the_end(many)
    many.plan.dropout_rates(network.depth - 1)
    states = _first_states(network, many, samples.X.dtype, theta)
    chosen = engine_named(engine, threads)
    trainings = ManyTrainings(chosen, network, samples, many, states)

    def result(stopped: str) -> Sweep:
        seconds, made = time.perf_counter() - began, trainings.reached
        found = made.states, made.loss, made.diverged_at
        return Sweep(network, many, shape, *found, stopped, chosen.info, seconds, samples)

    try:
        trainings.run(progress)
    except KeyboardInterrupt as error:
        raise TrainingInterrupted(result("interrupted")) from error
    return result("epochs")


def _sorted_out(
    plan: Plan | None, settings: dict[str, Any]
) -> tuple[dict[str, Any], Columns, dict[str, Any]]:
    """Return rates of the rule that all share, what varies, and the other settings of the plan."""
    rule = plan.rule if plan is not None else settings.get("rule", Plan().rule)
    names = getattr(rule, "rates", ())
    known = (*Plan.__dataclass_fields__, *names)
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise SettingError(f"a sweep has no setting {unknown[0]!r}{did_you_mean(unknown[0], known)}.")
    columns = {name: _column(v) for name, v in settings.items() if name in (*names, *OTHERS) and _varies(v)}
    rates = {name: v for name, v in settings.items() if name in names and name not in columns}
    shared = {name: v for name, v in settings.items() if name not in columns and name not in rates}
    return rates, columns, shared


def _varies(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)


def _column(values: Any) -> Sequence[Any]:
    """Return values as a tuple, those of an array as Python's own."""
    return tuple(values.tolist() if isinstance(values, np.ndarray) else values)


def _combined(plan: Plan, columns: Columns, product: bool) -> tuple[Plans, tuple[int, ...]]:
    columns = {
        name: _numbers(values) if name not in ("seed", "order") else values
        for name, values in columns.items()
    }
    lengths = tuple(len(values) for values in columns.values())
    if product:
        return Plans.grid(plan, columns), lengths or (1,)
    if len(set(lengths)) > 1:
        raise SettingError(f"without product, settings that vary need one length; got {_lengths(columns)}.")
    count = lengths[0] if lengths else 1
    return Plans(plan, {name: tuple(values) for name, values in columns.items()}, count), (count,)


def _numbers(values: Sequence[Any]) -> Sequence[Any]:
    """Return integers among rates and penalties as the floats that a plan makes of them."""
    if set(map(type, values)) == {float}:
        return values
    return tuple(
        float(v) if isinstance(v, int | np.floating) and not isinstance(v, bool) else v for v in values
    )


def _lengths(columns: Columns) -> str:
    return ", ".join(f"{len(values)} of {name}" for name, values in columns.items())


def _check_to_the_end(plans: Plans) -> None:
    """Refuse what would stop or change one network before the others."""
    plan = plans.plan
    given = [name for name in ("loss_goal", "patience") if getattr(plan, name) is not None]
    given += ["average"] if plan.average else []
    if _any_is(plans.column("learning_rate"), Plateau):
        given.append("a learning rate of Plateau")
    if "momentum" in plan.rule.rates and _any_is(plans.column("momentum"), Restart):
        given.append("a momentum of Restart")
    if given:
        raise SettingError(f"a sweep trains every network to the end of its plan; {given[0]} is for `train`.")


def _any_is(values: Sequence[Any], kind: type) -> bool:
    return any(issubclass(each, kind) for each in set(map(type, values)))


def _first_states(network: Network, plans: Plans, dtype: Any, theta: Array | None) -> States:
    count = len(plans)
    if theta is None:
        seeds = plans.column("seed")
        places = {seed: place for place, seed in enumerate(dict.fromkeys(seeds))}
        drawn = np.stack([network.initial(seed, dtype) for seed in places])
        first = drawn[[places[seed] for seed in seeds]]
    else:
        first = np.array(theta, dtype=dtype)
        if first.shape == (network.n_parameters,):
            first = np.repeat(first[None], count, axis=0)
        if first.shape != (count, network.n_parameters):
            raise DataError(
                f"theta must have shape ({network.n_parameters},), for all, or ({count}, "
                f"{network.n_parameters}); got {first.shape}."
            )
        if not np.isfinite(first).all():
            raise DataError("theta holds NaN or infinity; training must start from finite numbers.")
    return States(first, _first_memory(plans.plan.rule, first))


def _first_memory(rule: Rule | WholeStep, theta: Array) -> Array:
    """Return the memory of each row, shape (N, slots, n_parameters)."""
    if isinstance(rule, WholeStep):
        return np.stack([first_memory(rule, row) for row in theta])
    return np.repeat(first_memory(rule, theta[0])[None], len(theta), axis=0)  # the same for all weights

"""An estimator's parameters as a plan: what is minimised, by which rule, in which order, for how long."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.estimators.draws import orders_of
from schuss.method.backprop import Objective
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov, Rule
from schuss.method.schedules import InverseScaling, Plateau, Rate, Schedule

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP

__all__ = ["objective_of", "plan_of"]

AUTO_BATCH = 200


def objective_of(estimator: Any) -> Objective:
    """Return what is minimised."""
    return Objective("mean", float(estimator.alpha), 0.0, estimator.clip_norm, as_scikit_learn=True)


def plan_of(estimator: BaseMLP, n: int, incremental: bool) -> Plan:
    """Return the plan that the estimator's parameters describe, for `n` samples."""
    memory, patience = estimator._memory, estimator.n_iter_no_change
    dropout = estimator.dropout
    objective = objective_of(estimator)
    plan = Plan(
        l2=objective.l2,
        clip=objective.clip,
        as_scikit_learn=objective.as_scikit_learn,
        rule=_rule(estimator, incremental),
        epochs=1 if incremental else estimator.max_iter,
        batch_size=_batch_size(estimator, n),
        order=orders_of(memory.generator, estimator.shuffle, n),  # type: ignore[arg-type]  # a fit sets it
        weight_decay=estimator.weight_decay,
        dropout=float(dropout) if np.ndim(dropout) == 0 else list(dropout),  # type: ignore[arg-type]  # becomes a tuple
        average=estimator.average,
        patience=None if patience == math.inf else int(patience) + 1,
        min_improvement=estimator.tol,
    )
    if not any(plan.dropout_rates(memory.network.depth - 1)):
        return plan
    seed = int(memory.generator.randint(np.iinfo(np.int32).max))  # type: ignore[union-attr]  # set just before
    return plan.replace(seed=seed, order=orders_of(memory.generator, estimator.shuffle, n))  # type: ignore[arg-type]  # as above


def _batch_size(estimator: BaseMLP, n: int) -> int | None:
    if estimator.batch_size == "auto":
        return None if getattr(estimator.solver, "full_batch", False) else min(AUTO_BATCH, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=8,
        )
    return int(min(estimator.batch_size, n))


def _rule(estimator: BaseMLP, incremental: bool) -> Rule:
    memory, rate = estimator._memory, estimator.learning_rate_init
    if not isinstance(estimator.solver, str):
        return _aged(estimator.solver, memory.age if memory.rule == estimator.solver.name else 0)
    if estimator.solver == "adam":
        kept = memory.age if memory.rule == Adam.name else 0
        return Adam(rate, estimator.beta_1, estimator.beta_2, estimator.epsilon, kept)
    if isinstance(rate, int | float | np.number):
        rate = _scheduled(estimator, float(rate), incremental)
    if not isinstance(estimator.momentum, Schedule) and estimator.momentum == 0:
        return GradientDescent(rate)
    return (Nesterov if estimator.nesterovs_momentum else Momentum)(rate, estimator.momentum)


def _aged(rule: Rule, age: int) -> Rule:
    """Return a rule whose memory has seen `age` updates, if that matters to it."""
    return replace(rule, age=age) if hasattr(rule, "age") else rule  # type: ignore[type-var]  # rules are dataclasses


def _scheduled(estimator: BaseMLP, rate: float, incremental: bool) -> Rate:
    if estimator.learning_rate == "invscaling":
        return InverseScaling(rate, estimator.power_t, int(estimator.t_))
    if estimator.learning_rate == "adaptive":
        return Plateau(estimator._memory.rate or rate if incremental else rate)
    return rate

"""When a momentum that is begun anew adaptively has to be: what an epoch's losses or states say. Pure.

The loop asks after each epoch and enters the step in the plan; see `schuss.method.schedules.Restart`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.plan import Plan
from schuss.method.rules import Momentum, Nesterov
from schuss.method.schedules import GRADIENT, Restart
from schuss.method.state import State

__all__ = ["RESTART", "check_restarts", "must_restart", "restart_of", "restarted", "sees_each_step"]

RESTART = "restart of the momentum"


def restart_of(plan: Plan) -> Restart | None:
    """Return the plan's momentum if it is one that is begun anew."""
    momentum = getattr(plan.rule, "momentum", None)
    return momentum if isinstance(momentum, Restart) else None


def sees_each_step(plan: Plan) -> bool:
    """Whether every step must be looked at before the next is made."""
    restart = restart_of(plan)
    return restart is not None and restart.when == GRADIENT


def check_restarts(plan: Plan, n: int) -> None:
    """Raise SettingError where steps must be looked at one by one, and the plan does not allow it."""
    if not sees_each_step(plan):
        return
    if not isinstance(plan.rule, Momentum | Nesterov):
        raise SettingError(
            f'Restart(when="gradient") is for the rules momentum and nesterov; got {plan.rule.name}. '
            'Use when="function".'
        )
    if plan.steps_per_epoch(n) > 1:
        raise SettingError(
            f'Restart(when="gradient") needs full batches, batch_size=None; got {plan.batch_size} of {n} '
            'samples. With smaller ones use when="function", which goes by the mean loss of an epoch.'
        )


def must_restart(plan: Plan, n: int, losses: tuple[float, float], states: tuple[State, State]) -> bool:
    """Return whether momentum is to be begun anew after an epoch.

    Parameters
    ----------
    plan : Plan
    n : int
        Samples.
    losses : tuple of two float
        Of the epoch before and of this one; NaN where there was none before.
    states : tuple of two State
        Before and after this epoch; looked at where they are a step apart and `sees_each_step` says so.
    """
    restart = restart_of(plan)
    if restart is None:
        return False
    return _went_uphill(plan, n, *states) if restart.when == GRADIENT else losses[1] > losses[0]


def _went_uphill(plan: Plan, n: int, before: State, after: State) -> bool:
    """Return whether g·Δw > 0, with the gradient as the velocity took it: α·g = η·v_before − v_after.

    The sum is rounded once, so that it has the same sign on every machine.
    """
    rates = plan.rule.at(np.array([before.step]), plan.span(n))[0]
    momentum = rates[plan.rule.rates.index("momentum")]
    old, new = before.velocity.astype(np.float64), after.velocity.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # of a training about to diverge
        products = _unit(momentum * old - new) * _unit(new)
    return math.fsum(products.tolist()) > 0.0


def _unit(values: Array) -> Array:
    """Return `values` so that the largest is 1, since only the sign of their product is asked for."""
    return values / (np.abs(values).max() or 1.0)


def restarted(plan: Plan, step: int) -> Plan:
    """Return the plan with its momentum begun anew at `step`."""
    restart = restart_of(plan)
    if restart is None:
        return plan
    return plan.replace(rule=replace(plan.rule, momentum=restart.restarted(step)))  # type: ignore[type-var]  # rules are

"""How schedules answer a reason to stop: a Plateau lowers a rate, a Restart begins momentum anew. Pure."""

from __future__ import annotations

from dataclasses import replace

from schuss.method.plan import Plan
from schuss.method.schedules import Plateau
from schuss.training.restarting import RESTART, restarted
from schuss.training.stopping import NO_IMPROVEMENT, Progress

__all__ = ["answered"]


def answered(reason: str, plan: Plan, reached: Progress, step: int) -> tuple[Plan, Progress] | None:
    """Return what a training goes on with from `step` although there is `reason` to stop, or None."""
    if reason == RESTART:
        return restarted(plan, step), reached
    rate = plan.rule.learning_rate
    if reason != NO_IMPROVEMENT or not isinstance(rate, Plateau) or rate.last <= rate.lowest:
        return None
    rule = replace(plan.rule, learning_rate=rate.dropped(step))  # type: ignore[type-var]  # rules are
    return plan.replace(rule=rule), reached.patient()

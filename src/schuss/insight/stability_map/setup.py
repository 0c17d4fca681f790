"""What all trainings of a map share, checked: network, samples, plan, first weights, grid and curvature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schuss.engine.engine import Engine
from schuss.errors import DataError, SettingError
from schuss.insight.stability_map.grid import Grid
from schuss.insight.stability_map.sharpness import Sharpness, sharpness, whole
from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import RULES
from schuss.method.samples import Samples

__all__ = ["LEAST_EPOCHS", "Ends", "Setup", "checked_plan", "set_up"]

Ends = tuple[float, float]

LEAST_EPOCHS = 5  # fewer losses say little about rises
BELOW, ABOVE = 1e-3, 5.0  # the default range of rates, in shares of gradient descent's largest stable one
UNKNOWN = (1e-4, 10.0)  # the same where no curvature is known


@dataclass(frozen=True, eq=False)
class Setup:
    """What all trainings of a map share.

    Attributes
    ----------
    network : Network
    samples : Samples
    plan : Plan
    engine : Engine
    theta : ndarray, shape (n_parameters,)
        The first weights.
    grid : Grid
    start : float
        The loss of the first weights, in the units of an epoch's loss.
    goal : float or None
        As given.
    sharpness : Sharpness or None
    """

    network: Network
    samples: Samples
    plan: Plan
    engine: Engine
    theta: Array
    grid: Grid
    start: float
    goal: float | None
    sharpness: Sharpness | None


def set_up(
    network: Network,
    samples: Samples,
    plan: Plan,
    engine: Engine,
    theta: Array,
    *,
    learning_rates: Ends | None,
    momenta: Ends,
    coarse: int,
    levels: int,
    goal: float | None,
) -> Setup:
    """Return what the trainings share; see `stability_map`."""
    grid = Grid(learning_rates or UNKNOWN, momenta, coarse, levels)  # a bad one is refused before any work
    wide = replace(samples, **{name: _wide(getattr(samples, name)) for name in ("X", "T", "weights")})
    objective, factor = whole(plan, len(samples))
    start = factor * engine.gradient(network, _wide(theta), wide, objective).loss
    if not math.isfinite(start):
        raise DataError("the loss of the first weights is not finite: scale inputs and targets.")
    goal = None if goal is None else _checked_goal(goal, start)
    curvature = sharpness(engine, network, _wide(theta), wide, plan)
    if learning_rates is None and curvature is not None:
        stable = 2.0 / curvature.largest
        grid = replace(grid, learning_rates=(BELOW * stable, ABOVE * stable))
    return Setup(network, samples, plan, engine, theta, grid, start, goal, curvature)


def checked_plan(plan: Plan) -> Plan:
    """Return a plan that a map can be made of, or raise SettingError."""
    if not {"learning_rate", "momentum"} <= set(plan.rule.rates):
        allowed = [name for name, rule in RULES.items() if "momentum" in rule.rates]
        raise SettingError(
            f"a map needs a rule with learning rate and momentum: {', '.join(allowed)}; got {plan.rule.name}."
        )
    if plan.epochs < LEAST_EPOCHS:
        raise SettingError(
            f"a map judges the losses of at least {LEAST_EPOCHS} epochs; got epochs={plan.epochs}."
        )
    if plan.loss_goal is not None:
        raise SettingError("a map trains every cell to the end; give goal= instead of loss_goal.")
    return plan


def _checked_goal(goal: float, start: float) -> float:
    goal = check_number("goal", goal)
    if goal >= start:
        raise SettingError(f"goal must lie below the loss of the first weights, {start:.6g}; got {goal:g}.")
    return goal


def _wide(array: Any) -> Any:
    return None if array is None else array.astype(np.float64)

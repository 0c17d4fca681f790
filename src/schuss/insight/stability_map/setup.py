"""What all trainings of a map share, checked: network, samples, plan, first weights, grid and curvature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from schuss.engine.choice import with_full_products
from schuss.engine.engine import Engine
from schuss.errors import DataError, SettingError
from schuss.insight.curvature.curvature import MOST_SAMPLES
from schuss.insight.curvature.surface import Surface, drawn_of
from schuss.insight.stability_map.bounds import bounds_of
from schuss.insight.stability_map.grid import Grid
from schuss.insight.stability_map.sharpness import SEED, Sharpness, sharpness
from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import ELEMENT_WISE, Rule, WholeStep
from schuss.method.rules.rule import element_wise
from schuss.method.samples import Samples
from schuss.method.schedules import highest

__all__ = ["LEAST_EPOCHS", "Ends", "Setup", "checked_plan", "momentum_of", "set_up"]

Ends = tuple[float, float]

LEAST_EPOCHS = 5  # fewer losses say little about rises
BELOW, ABOVE = 1e-3, 5.0  # the default range of rates, in shares of gradient descent's largest stable one
TWICE = 2.0  # the rule's own, at the momentum where that is highest: so far the range goes at least
UNKNOWN = (1e-4, 10.0)  # the same where no curvature is known
AROUND = (1e-2, 1e2)  # in shares of its default rate, for a rule that measures each weight by its memory


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

    @property
    def keeps_by(self) -> str:
        """Which rate of the rule the momenta are."""
        return momentum_of(self.plan.rule)


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
    n, wide = len(samples), theta.astype(np.float64)
    asked = with_full_products(engine)
    surface = Surface(asked, network, drawn_of(samples, n, SEED), plan, plan.batch_of(n))
    start = surface.loss(wide)
    if not math.isfinite(start):
        raise DataError("the loss of the first weights is not finite: scale inputs and targets.")
    goal = None if goal is None else _checked_goal(goal, start)
    curvature = sharpness(replace(surface, samples=drawn_of(surface.samples, MOST_SAMPLES, SEED)), wide)
    if learning_rates is None:
        grid = replace(grid, learning_rates=_usual_ends(element_wise(plan.rule), curvature, grid.momenta))
    return Setup(network, samples, plan, engine, theta, grid, start, goal, curvature)


def momentum_of(rule: Rule | WholeStep) -> str:
    """Return which of a rule's rates is its momentum; SettingError where it has none."""
    keeps_by = element_wise(rule, "a map").keeps_by
    if keeps_by is None:
        allowed = ", ".join(kind.name for kind in ELEMENT_WISE if kind.keeps_by is not None)
        raise SettingError(f"a map needs a rule with a momentum: {allowed}; got {rule.name}.")
    return keeps_by


def checked_plan(plan: Plan) -> Plan:
    """Return a plan that a map can be made of, or raise SettingError."""
    momentum_of(plan.rule)
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


def _usual_ends(rule: Rule, curvature: Sharpness | None, momenta: Ends) -> Ends:
    """Return the range of rates where none is given."""
    if rule.reads_memory:
        usual = highest(type(rule)().learning_rate)
        return AROUND[0] * usual, AROUND[1] * usual
    if curvature is None:
        return UNKNOWN
    stable = 2.0 / curvature.largest
    own = [float(rate) for bound in bounds_of(rule, curvature)[:1] for rate in bound.at(np.array(momenta))]
    return BELOW * stable, max([ABOVE * stable, *(TWICE * rate for rate in own)])

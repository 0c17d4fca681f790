"""When to stop before the last epoch: a goal reached, or nothing gained for a while. Pure; it only counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schuss.method.plan import Plan
from schuss.method.schedules import Plateau
from schuss.training.restarting import restart_of

__all__ = ["GOAL", "NO_IMPROVEMENT", "Progress", "counted"]

GOAL, NO_IMPROVEMENT = "loss goal reached", "no improvement"


@dataclass(frozen=True)
class Progress:
    """What the epochs so far have reached.

    Attributes
    ----------
    best : float
        Lowest loss seen.
    waited : int
        Epochs in a row that did not better the best before them by `Plan.min_improvement`.
    """

    best: float = math.inf
    waited: int = 0

    def after(self, loss: float, plan: Plan) -> Progress:
        """Return the progress after an epoch of this loss."""
        missed = not loss <= self.best - plan.min_improvement  # also where it is no number
        return Progress(loss if loss < self.best else self.best, self.waited + 1 if missed else 0)

    def after_all(self, losses: Sequence[float] | NDArray[np.float64], plan: Plan) -> Progress:
        """Return the progress after epochs of these losses, as `after` of one after the other would."""
        if len(losses) == 0:
            return self
        seen = np.asarray(losses, np.float64)
        best = np.fmin.accumulate(np.concatenate([[self.best], seen]))
        bettered = np.flatnonzero(seen <= best[:-1] - plan.min_improvement)
        waited = len(seen) - 1 - bettered[-1] if len(bettered) else self.waited + len(seen)
        return Progress(float(best[-1]), int(waited))

    def patient(self) -> Progress:
        """Return the same with the waiting begun anew."""
        return replace(self, waited=0)

    def sure(self, plan: Plan) -> int:
        """Return how many epochs patience lets come, where nothing else may end them."""
        if plan.patience is None or plan.loss_goal is not None or restart_of(plan) is not None:
            return 0
        return plan.patience - self.waited

    def reason(self, loss: float, plan: Plan) -> str | None:
        """Return why to stop after an epoch of this loss, or None."""
        if plan.loss_goal is not None and loss <= plan.loss_goal:
            return GOAL
        if plan.patience is not None and self.waited >= plan.patience:
            return NO_IMPROVEMENT
        return None


def counted(reached: Progress, losses: Sequence[float], plan: Plan, first: int, per_epoch: int) -> Progress:
    """Return what `reached` became by whole epochs from step `first` on, the drops of a Plateau included."""
    rate = plan.rule.learning_rate
    drops = rate.drops if isinstance(rate, Plateau) else ()
    for epoch, loss in enumerate(losses, start=1):
        reached = reached.after(loss, plan)
        reached = reached.patient() if first + epoch * per_epoch in drops else reached
    return reached

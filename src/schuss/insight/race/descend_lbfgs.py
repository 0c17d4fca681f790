"""L-BFGS down a surface or a network's loss: SciPy makes the steps, and after each the judge looks aside."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from schuss.errors import SettingError
from schuss.insight.race.counted import Counted
from schuss.insight.race.descend import Point, racer_of
from schuss.insight.race.value import DIVERGED, ENDED, GOAL, LIMIT, Racer
from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.plan import Plan
from schuss.method.racers import Lbfgs
from schuss.training.lbfgs import minimise_function

__all__ = ["check_plan", "descend_lbfgs"]


@dataclass
class Judge:
    """The callback that looks at each step; lives for one way down."""

    counted: Counted
    goal: float
    points: list[Point]
    stopped: str = ""
    seconds: float = 0.0
    mark: float = field(default_factory=time.perf_counter)

    def __call__(self, theta: Array, loss: float) -> bool:
        """Keep the point where it is finite; return whether the way ends there."""
        self.seconds += time.perf_counter() - self.mark
        if not (math.isfinite(loss) and np.isfinite(theta).all()):
            self.stopped = DIVERGED
        else:
            self.points.append((len(self.points), theta, loss, self.counted.counts, self.seconds))
            self.stopped = GOAL if loss <= self.goal else ""
        self.mark = time.perf_counter()
        return self.stopped != ""


def descend_lbfgs(
    lbfgs: Lbfgs, land: Landscape, start: Array, steps: int, goal: float | None, most: int | None = None
) -> Racer:
    """Return what `steps` steps from `start` (n,) make of it, or fewer: up to E(θ) ≤ `goal`.

    It ends too where SciPy finds no lower loss. At most so many points of its trail are kept.
    """
    import scipy.optimize  # noqa: F401  # before the clock runs

    counted, first = Counted(land), land.loss(start)
    judge = Judge(counted, -math.inf if goal is None else goal, [(0, start, first, counted.counts, 0.0)])
    if first <= judge.goal:
        return racer_of(lbfgs, judge.points, GOAL)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # divergence is seen by its result
        minimise_function(counted.gradient, start, iterations=steps, pairs=lbfgs.pairs, callback=judge)
    last = len(judge.points) - 1
    stopped = judge.stopped or (LIMIT if last == steps else ENDED)
    every = 1 if most is None else math.ceil(steps / most)
    return racer_of(lbfgs, [p for p in judge.points if p[0] % every == 0 or p[0] == last], stopped)


def check_plan(plan: Plan, n: int) -> None:
    """Raise SettingError where a training asks for what L-BFGS has no place for."""
    if plan.batch_of(n) < n:
        raise SettingError(
            f"lbfgs compares one step with the next, so each must see all {n:,} samples; got "
            f"batch_size={plan.batch_size}. Leave the batch size out, or lbfgs."
        )
    asked = [name for name in ("dropout", "weight_decay", "clip") if np.any(getattr(plan, name) or 0)]
    if asked:
        raise SettingError(f"{', '.join(asked)}: lbfgs has no steps to act on; leave out one or the other.")

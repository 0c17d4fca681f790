"""One rule down a network's loss: a training through the one loop, looked at after every epoch.

What is looked at is the loss over all samples, and it costs the rule nothing. With full batches an epoch is
a step.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from schuss.engine.engine import Engine
from schuss.engine.stepping import BatchLandscape
from schuss.errors import DivergenceError
from schuss.insight.race.counted import CountedEngine
from schuss.insight.race.descend import Point, racer_of
from schuss.insight.race.value import DIVERGED, GOAL, LIMIT, Racer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.training.telling import Epoch
from schuss.training.train import train

__all__ = ["MOST_POINTS", "train_down"]

MOST_POINTS = 200  # of a trail: the θ of a network may be large


@dataclass
class Judge:
    """The callback that looks at each epoch; lives for one training."""

    land: BatchLandscape
    counted: CountedEngine
    goal: float | None
    keep_every: int
    points: list[Point]
    stopped: str = LIMIT
    seconds: float = 0.0
    mark: float = field(default_factory=time.perf_counter)

    def __call__(self, epoch: Epoch) -> bool:
        """Look at the loss, keep a point of the trail, and stop at the goal; all off the clock."""
        self.seconds += time.perf_counter() - self.mark
        theta = epoch.plan.result(epoch.state)
        loss, step = self.land.loss(theta), epoch.state.step
        self.stopped = GOAL if self.goal is not None and loss <= self.goal else LIMIT
        last = self.stopped == GOAL or epoch.number == epoch.plan.epochs
        if math.isfinite(loss) and (last or epoch.number % self.keep_every == 0):
            self.points.append((step, theta, loss, self.counted.counts, self.seconds))
        self.mark = time.perf_counter()
        return self.stopped == GOAL


def train_down(
    network: Network, samples: Samples, plan: Plan, theta: Array, goal: float | None, engine: Engine
) -> Racer:
    """Return what a training by `plan` from `theta` (n_parameters,) makes of it, up to the goal."""
    land, counted = BatchLandscape(engine, network, samples, plan.objective), CountedEngine(engine)
    points: list[Point] = [(0, theta, land.loss(theta), (0, 0, 0), 0.0)]
    judge = Judge(land, counted, goal, math.ceil(plan.epochs / MOST_POINTS), points)
    targets = samples.T if samples.classes is None else samples.classes
    try:
        train(network, samples.X, targets, plan, theta=theta, engine=counted, callbacks=[judge])
    except DivergenceError:
        judge.stopped = DIVERGED
    return racer_of(plan.rule, judge.points, judge.stopped)

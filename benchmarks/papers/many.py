"""Many trainings of one network on schuss's engine, made to any step and judged there by their outputs.

`sweep` returns what came of whole plans; the old tables count epochs until the outputs are right, so these
trainings are looked at after each. The engine makes every step; only the judging is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss import Network, Plan
from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.method.functions import Array
from schuss.method.plans import Plans
from schuss.method.rules.rule import first_memory
from schuss.method.samples import Samples
from schuss.method.state import States

__all__ = ["NEVER", "Many", "epochs_until", "first_below", "median", "seeded", "share"]

NEVER = -1


@dataclass(frozen=True)
class Many:
    """Trainings of one network under many plans, at one step."""

    network: Network
    samples: Samples
    plans: Plans
    states: States
    engine: Engine

    @classmethod
    def start(cls, network: Network, X: Any, T: Any, plans: Plans, theta: Array | None = None) -> Many:
        """Return them before their first step, from `theta` (networks, n_parameters) or from their seeds."""
        samples = Samples.check(network, X, T)
        if theta is None:
            theta = np.stack([network.initial(seed, samples.X.dtype) for seed in plans.column("seed")])
        memory = np.stack([first_memory(plans.plan.rule, row) for row in theta])
        return cls(network, samples, plans, States(theta, memory), engine_named("native"))

    def to(self, step: int) -> Many:
        """Return them after `step` steps."""
        made = self.engine.advance_many(self.network, self.states, self.samples, self.plans, step)
        if made.error is not None:
            raise made.error
        return replace(self, states=made.states)

    def take(self, rows: NDArray[np.intp]) -> Many:
        """Return those at `rows`."""
        return replace(self, plans=self.plans.take(rows.tolist()), states=self.states.take(rows))

    @property
    def outputs(self) -> Array:
        """Of every network for every sample, shape (networks, samples, n_out)."""
        places = self.network.views(np.arange(self.network.n_parameters))
        y = np.asarray(self.samples.X)[None]
        for layer, f in zip(places, self.network.activations(), strict=True):
            x = y @ self.states.theta[:, layer.w]
            if layer.b is not None:
                x = x + self.states.theta[:, None, layer.b]
            y = f.value(x)
        return y

    @property
    def misses(self) -> Array:
        """The farthest that any output of a network is from its target, shape (networks,)."""
        return np.abs(self.samples.T - self.outputs).max(axis=(1, 2))


def seeded(plan: Plan, trials: int) -> Plans:
    """Return a plan with each of the seeds 0 to trials − 1."""
    return Plans(plan, {"seed": tuple(range(trials))}, trials)


def epochs_until(
    network: Network, X: Any, T: Any, plan: Plan, trials: int, nearest: float
) -> NDArray[np.int64]:
    """Return after how many epochs each training had all outputs within `nearest` of their targets.

    NEVER where that was not so after any of the plan's epochs. Batches must be full: a step is an epoch.
    """
    going = Many.start(network, X, T, seeded(plan, trials))
    found, places = np.full(trials, NEVER, np.int64), np.arange(trials)
    for epoch in range(1, plan.epochs + 1):
        going = going.to(epoch)
        right = going.misses <= nearest
        if right.any():
            found[places[right]] = epoch
            if right.all():
                break
            rest = np.flatnonzero(~right)
            going, places = going.take(rest), places[rest]
    return found


def first_below(losses: NDArray[np.float64], goal: float) -> int:
    """Return how many steps were made before the first loss at or below the goal, or NEVER.

    `losses` are those before each step, as the epochs of a run with full batches have them.
    """
    below = losses <= goal
    return int(np.argmax(below)) if below.any() else NEVER


def median(found: NDArray[np.int64], most: int) -> float:
    """Return the median number of steps; a training that never got there counts `most` and one."""
    return float(np.median(np.where(found == NEVER, most + 1, found)))


def share(found: NDArray[np.int64]) -> str:
    """Say how many got there."""
    return f"({np.sum(found != NEVER)} of {len(found)})"

"""A checkpoint: all that a training needs to go on as if it had never stopped; and its form in a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from schuss.errors import RecordError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.state import State
from schuss.training.content import Content
from schuss.training.sealed import Seal
from schuss.training.stopping import Progress

__all__ = ["CHECKPOINT", "Checkpoint", "Sound", "progress_from", "progress_to", "stored_state"]

CHECKPOINT = Seal("checkpoint", 1, RecordError)


class Sound(NamedTuple):
    """What a training had reached before a stride, while that is made and judged: as in a checkpoint."""

    state: State
    reached: Progress
    judged: int
    best: State | None
    averaged: int
    average: Array | None


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training stood.

    Attributes
    ----------
    state : State
    plan : Plan
        With the drops of a Plateau and the restarts of a Restart so far.
    reached : Progress
    judged : float64 ndarray, shape (epochs judged,)
        The validation losses so far.
    best : State or None
        The state of the lowest of them.
    averaged : int
        How many states the average holds.
    average : float64 ndarray, shape (n_parameters,), or None
    stopped : str or None
        Why the training ended here; None where it went on.
    seconds : float
        Time spent in training.
    """

    state: State
    plan: Plan
    reached: Progress
    judged: Array
    best: State | None
    averaged: int
    average: Array | None
    stopped: str | None
    seconds: float

    def content(self) -> Content:
        """Return the content of its file."""
        arrays = {"theta": self.state.theta, "memory": self.state.memory, "judged": self.judged}
        if self.best is not None:
            arrays |= {"best.theta": self.best.theta, "best.memory": self.best.memory}
        if self.average is not None:
            arrays["average"] = self.average
        value = {
            "step": self.state.step,
            "plan": self.plan.to_dict(),
            "reached": progress_to(self.reached),
            "best_step": None if self.best is None else self.best.step,
            "averaged": self.averaged,
            "stopped": self.stopped,
            "seconds": self.seconds,
        }
        return CHECKPOINT.close(value, arrays)

    @classmethod
    def of(cls, network: Network, value: dict[str, Any], arrays: dict[str, Array]) -> Checkpoint:
        """Return the checkpoint whose `content` that was, of a training of `network`."""
        plan, best_step = Plan.from_dict(value["plan"]), value["best_step"]
        return cls(
            state=stored_state(network, plan, arrays, "", value["step"]),
            plan=plan,
            reached=progress_from(value["reached"]),
            judged=np.asarray(arrays["judged"], np.float64),
            best=None if best_step is None else stored_state(network, plan, arrays, "best.", best_step),
            averaged=check_integer("averaged", value["averaged"], low=0),
            average=arrays.get("average"),
            stopped=value["stopped"],
            seconds=float(value["seconds"]),
        )


def stored_state(network: Network, plan: Plan, arrays: dict[str, Array], name: str, step: Any) -> State:
    """Return the state whose arrays a file holds as ``name + "theta"`` and ``name + "memory"``."""
    theta, memory = arrays[f"{name}theta"], arrays[f"{name}memory"]
    network.check_theta(theta)
    if memory.shape != (len(plan.rule.memory), theta.size) or memory.dtype != theta.dtype:
        raise RecordError(f"its memory has shape {memory.shape}, which fits neither rule nor weights")
    return State(theta, memory, check_integer("step", step, low=0))


def progress_to(reached: Progress) -> list[Any]:
    """Return a progress as plain JSON values."""
    return [reached.best if math.isfinite(reached.best) else None, reached.waited]


def progress_from(value: list[Any]) -> Progress:
    """Return the progress that `progress_to` described."""
    best, waited = value
    return Progress(math.inf if best is None else float(best), check_integer("waited", waited, low=0))

"""Taking a step back only where the error rose: iRPROP+ against RPROP+ on five tables of scikit-learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import first_below, median
from benchmarks.papers.paper import Paper
from schuss import Network, Plan, train
from schuss.method.rules import IRpropMinus, IRpropPlus, Rprop

__all__ = ["RESILIENT"]

FIRST_STEP = 0.0125
EPOCHS = 400


class Task(NamedTuple):
    """A table of scikit-learn, how many hidden units learn it, and the training error that is the goal."""

    name: str
    hidden: int
    goal: float


TASKS = (
    Task("breast_cancer", 8, 0.005),
    Task("wine", 6, 0.002),
    Task("iris", 6, 0.01),
    Task("diabetes", 8, 0.15),
    Task("digits", 16, 0.02),
)


def data(task: Task) -> tuple[Network, NDArray[np.float64], NDArray[np.float64]]:
    """Return a network and the table: inputs standardised, targets standardised or one output a class."""
    table = getattr(datasets, f"load_{task.name}")()
    X, numbers = _standardised(table.data), not hasattr(table, "target_names")
    T = _standardised(table.target[:, None]) if numbers else np.eye(table.target.max() + 1)[table.target]
    output = "identity" if numbers else "logistic"
    return Network([X.shape[1], task.hidden, T.shape[1]], "tanh", output=output), X, T


def _standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def epochs(task: Task, kind: type[Rprop | IRpropPlus | IRpropMinus], trials: int) -> float:
    """Return the median number of epochs to the goal over the seeds."""
    plan = Plan(kind(first_step=FIRST_STEP), EPOCHS, None, order="sequential", loss_goal=task.goal)
    losses = [train(*data(task), plan.replace(seed=seed)).loss for seed in range(trials)]
    return median(np.array([first_below(loss, task.goal) for loss in losses]), EPOCHS)


def compare(trials: int) -> list[Claim]:
    """Compare the epochs of RPROP+ with those of iRPROP+ and iRPROP−."""
    lines = []
    for task in TASKS:
        plain, plus, minus = (epochs(task, kind, trials) for kind in (Rprop, IRpropPlus, IRpropMinus))
        beside = f"({_said(plain)} / {_said(plus)}; iRPROP− {_said(minus)})"
        lines.append(
            Claim(
                f"{task.name}, to {task.goal:g}: epochs of RPROP+ / of iRPROP+",
                "≥ 1",
                plain / plus,
                Range(low=1),
                beside,
            )
        )
    return lines


def _said(count: float) -> str:
    return f"{count:g}" if count <= EPOCHS else f"over {EPOCHS}"


RESILIENT = Paper(
    "resilient",
    "iRPROP+ is as fast as RPROP+ or faster",
    "Igel and Hüsken, Improving the Rprop learning algorithm, 2000. Their tables are others.",
    "One hidden layer of tanh units on standardised tables, squared error, full batches, first step size "
    f"{FIRST_STEP}; median epochs, at most {EPOCHS}, to a training error of its own for each table.",
    10,
    compare,
)

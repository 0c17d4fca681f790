"""What a schedule is: bounds, words, and one pure function of the step. Holds no schedule itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "UNITS",
    "Rate",
    "Schedule",
    "Span",
    "Steps",
    "Values",
    "at_steps",
    "counted",
    "highest",
    "so_many",
]

Steps = NDArray[np.int64]
Values = NDArray[np.float64]

# What a schedule may count.
UNITS = ("epoch", "step")


class Span(NamedTuple):
    """How long a training is: steps in all, steps of an epoch, samples of an epoch."""

    total: int
    per_epoch: int = 1
    samples: int = 1


class Schedule(ABC):
    """A frozen value that says what a rate is at each step of a training."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""

    @property
    @abstractmethod
    def words(self) -> str:
        """Say it in words."""

    @abstractmethod
    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0.

        A step has the same bits on every processor, whichever steps are asked for beside it.
        """

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


Rate: TypeAlias = float | Schedule


def at_steps(rate: Rate, steps: Steps, span: Span) -> Values:
    """Return a rate's value at each of `steps`: a constant, or what its schedule says."""
    if isinstance(rate, float):
        return np.full(steps.shape, rate)
    return rate.at(steps, span)


def highest(rate: Rate) -> float:
    """Return a rate's highest value."""
    return rate if isinstance(rate, float) else rate.bounds[1]


def counted(steps: Steps, span: Span, per: str) -> Steps:
    """Return how many whole epochs, or steps, have been made before each of `steps`."""
    return steps // span.per_epoch if per == "epoch" else steps


def so_many(number: float, unit: str) -> str:
    """Return how many epochs or steps, in words."""
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"

"""What a search measures on: the same rows for every setting, in several splits. It holds no table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schuss.insight.tuning.setting import Setting
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan

__all__ = ["Fold", "Make", "Problem", "Unit", "shared"]

LEAST_PROBABILITY = 1e-15


class Make(Protocol):
    """From a setting to what is trained with it."""

    def __call__(self, setting: Setting, seed: int, n_in: int, n: int) -> tuple[Network, Plan]:
        """Return network and plan for `n` samples of `n_in` inputs."""
        ...


class Unit(NamedTuple):
    """One measurement of a setting: on a fold of a repeat, with a share of its epochs."""

    repeat: int
    fold: int
    share: float = 1.0


def shared(count: int, folds: int) -> float:
    """Return how many times larger the standard error of a mean of `count` folds is, as they share rows.

    Two of `folds` folds are trained on mostly the same rows, and folds dealt anew are of the same rows again.

    Source: Nadeau & Bengio, Machine Learning 52 (2003), 239-281.
    """
    return math.sqrt(1.0 + count / max(1, folds - 1))


@dataclass(frozen=True, eq=False)
class Fold:
    """Samples to train on and samples to judge by.

    Attributes
    ----------
    X, T : ndarray, shapes (n, n_in) and (n, n_out), or class indices (n,)
    X_unseen, T_unseen : ndarray
        The same of the rows to judge by.
    scale : float64 ndarray, shape (n_out,)
        By which an error is multiplied to have the target's own unit.
    """

    X: Array
    T: NDArray[Any]
    X_unseen: Array
    T_unseen: NDArray[Any]
    scale: NDArray[np.float64]

    def score(self, y: Array, loss: str) -> float:
        """Return how bad outputs `y` (n, n_out) for the unseen samples are; infinite if not finite.

        The log loss of classes, as the mean over samples of −log of the true one's probability, summed over
        targets; the root mean squared error of numbers, as the mean over targets.
        """
        y = y.astype(np.float64)
        if loss == "squared_error":
            errors = np.sqrt(np.mean((y - self.T_unseen) ** 2, axis=0)) * self.scale
            found = float(errors.mean())
        elif self.T_unseen.ndim == 1:
            share = y[np.arange(len(y)), self.T_unseen] / y.sum(axis=1)
            found = float(-np.log(np.maximum(share, LEAST_PROBABILITY)).mean())
        else:
            p = np.clip(y, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
            losses = np.where(self.T_unseen == 1, np.log(p), np.log1p(-p)).sum(axis=1)
            found = float(-losses.mean())
        return found if np.isfinite(found) else float("inf")


@dataclass(frozen=True, eq=False)
class Problem:
    """What settings are sought for.

    Attributes
    ----------
    make : Make
    fold : callable
        From repeat and number to a `Fold`; the same each time.
    n_folds, repeats : int
        Folds of a repeat, and how many repeats there are: rows are dealt to folds anew in each.
    n_rows : int
        Rows in all.
    measure : str
        What the score is called: ``"log_loss"`` or ``"rmse"``. Lower is better.
    seed : int
        Of the first repeat's trainings; the next one's is one more.
    """

    make: Make
    fold: Callable[[int, int], Fold]
    n_folds: int
    repeats: int
    n_rows: int
    measure: str
    seed: int = 0

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Samples and inputs of the first fold's training."""
        n, n_in = self.fold(0, 0).X.shape
        return n, n_in

    def work(self, setting: Setting) -> float:
        """Return the multiply-adds of a training with a setting on a fold, about."""
        n, n_in = self.sizes
        network, plan = self.make(setting, 0, n_in, n)
        return 3.0 * plan.epochs * n * network.n_parameters

    def units(self, level: int) -> tuple[Unit, ...]:
        """Return what a setting of this level is measured on: one more repeat at each level, from 1."""
        return tuple(Unit(repeat, fold) for repeat in range(level) for fold in range(self.n_folds))

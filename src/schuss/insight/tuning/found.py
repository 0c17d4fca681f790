"""What came of a search: every setting with its evidence. A value; it searches nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from schuss.insight.tuning.folds import Unit, shared
from schuss.insight.tuning.journal import Measured
from schuss.insight.tuning.setting import Setting

__all__ = ["Found", "Standing", "standings"]


@dataclass(frozen=True)
class Standing:
    """A setting and how it did.

    Attributes
    ----------
    setting : Setting
    scores : dict of Unit to float
        On each fold that it was measured on with all of its epochs.
    gap, error : float
        How much lower (negative) its mean is than that of the start, on the folds that both have seen, and
        the standard error of that difference, fold by fold, with what folds share: see `folds.shared`; NaN
        where it is not known.
    """

    setting: Setting
    scores: dict[Unit, float]
    gap: float
    error: float

    @property
    def score(self) -> float:
        """Mean over its folds; lower is better."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else math.inf

    @property
    def spread(self) -> float:
        """Standard deviation over its folds; NaN of one."""
        values = list(self.scores.values())
        return float(np.std(values, ddof=1)) if len(values) > 1 and np.isfinite(values).all() else math.nan


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes
    ----------
    best : Standing
        The start itself where nothing was better.
    start : Standing
        What was to be beaten.
    standings : tuple of Standing
        All settings that were measured on whole folds: most folds first, among those the best first.
    measured : tuple of Measured
        Everything, short looks and divergences included.
    effects : dict of str to float
        For each setting the share of the scores' variance that goes with it, in [0, 1]; see `effects.py`.
    measure : str
        What the score is: ``"log_loss"`` or ``"rmse"``.
    n, folds : int
        Samples of a training of the search, and folds of a repeat.
    stopped : str
        ``"trials"``, ``"budget"`` or ``"interrupted"``.
    seconds : float
    """

    best: Standing
    start: Standing
    standings: tuple[Standing, ...]
    measured: tuple[Measured, ...]
    effects: dict[str, float]
    measure: str
    n: int
    folds: int
    stopped: str
    seconds: float

    @property
    def whole(self) -> tuple[Standing, ...]:
        """Those of the standings that are of a whole repeat at least, so that they can be compared."""
        return tuple(each for each in self.standings if len(each.scores) >= self.folds)

    @property
    def looks(self) -> tuple[Measured, ...]:
        """The first looks: on one fold, with a part of the epochs."""
        return tuple(each for each in self.measured if each.unit.share < 1.0)

    @property
    def tried(self) -> int:
        """How many settings were measured at all."""
        return len({each.setting for each in self.measured})

    @property
    def diverged(self) -> int:
        """How many of them diverged at least once."""
        return len({each.setting for each in self.measured if each.diverged_at is not None})


def standings(measured: Iterable[Measured], start: Setting) -> dict[Setting, Standing]:
    """Return how each setting that was measured on whole folds did."""
    scores: dict[Setting, dict[Unit, float]] = {start: {}}
    for each in measured:
        if each.unit.share == 1.0:
            scores.setdefault(each.setting, {})[each.unit] = each.score
    found = [Standing(setting, own, *_gap(own, scores[start])) for setting, own in scores.items()]
    return {each.setting: each for each in sorted(found, key=lambda each: (-len(each.scores), each.score))}


def _gap(own: dict[Unit, float], of_start: dict[Unit, float]) -> tuple[float, float]:
    both = [unit for unit in own if unit in of_start]
    if not both or not np.isfinite([of_start[unit] for unit in both]).all():
        return math.nan, math.nan
    gaps = np.array([own[unit] - of_start[unit] for unit in both])
    if not np.isfinite(gaps).all():
        return math.inf, math.nan
    if len(gaps) < 2:
        return float(gaps.mean()), math.nan
    folds = len({unit.fold for unit in both})
    return float(gaps.mean()), shared(len(gaps), folds) * float(gaps.std(ddof=1) / math.sqrt(len(gaps)))

"""What mattered in a search: how much of the scores' variance goes with each setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.insight.tuning.journal import Measured
from schuss.insight.tuning.space import coordinates

__all__ = ["effects"]

BINS = 5
FEWEST = 20  # trials of which something can be said


def effects(measured: Sequence[Measured], n: int) -> dict[str, float]:
    """Return what mattered: for each setting, how much of the scores' variance goes with it.

    The scores of the first look are replaced by their ranks on their fold, so that one divergence counts as
    one. A setting's values are cut into at most `BINS` groups of about equal size; told is the variance of
    the groups' means, less what chance gives, by that of all. It says what went together in what was tried,
    and near the best more was tried than elsewhere. Empty if too little was.
    """
    looks = [each for each in measured if each.unit.share < 1.0]
    if len(looks) < FEWEST:
        return {}
    ranks = _ranks_by_fold(looks)
    columns: dict[str, list[Any]] = {}
    for each in looks:
        for name, value in coordinates(each.setting, n).items():
            columns.setdefault(name, []).append(value)
    return {name: _share(_groups(values), ranks) for name, values in columns.items()}


def _ranks_by_fold(looks: Sequence[Measured]) -> NDArray[Any]:
    ranks = np.empty(len(looks))
    scores = np.array([each.score for each in looks])
    folds = np.array([each.unit.fold for each in looks])
    for fold in np.unique(folds):
        at = np.flatnonzero(folds == fold)
        ranks[at] = (np.argsort(np.argsort(scores[at], kind="stable")) + 0.5) / len(at)
    return ranks


def _groups(values: list[Any]) -> NDArray[Any]:
    """Return the number of each value's group."""
    distinct, place = np.unique(np.array(values), return_inverse=True)
    if len(distinct) <= BINS or distinct.dtype.kind == "U":
        return place
    edges = np.quantile(np.array(values), np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, np.array(values), side="right")


def _share(groups: NDArray[Any], ranks: NDArray[Any]) -> float:
    """Return ε², the share of variance between groups, corrected for their number; at least 0."""
    names = np.unique(groups)
    within = sum(float(((ranks[groups == name] - ranks[groups == name].mean()) ** 2).sum()) for name in names)
    total, free = float(((ranks - ranks.mean()) ** 2).sum()), len(ranks) - len(names)
    if total == 0.0 or free < 1:
        return 0.0
    return max(0.0, 1.0 - within / free / (total / (len(ranks) - 1)))

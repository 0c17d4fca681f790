"""How good predictions are: accuracy and log loss, or R², RMSE and MAE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schuss.adapters.columns import Table
from schuss.adapters.recipe import outputs_of
from schuss.adapters.targets import Target
from schuss.method.functions import Array

__all__ = ["scores_of"]


def scores_of(targets: Sequence[Target], y: Array, table: Table) -> dict[str, float]:
    """Return the scores of outputs `y` (n_rows, n_out) against the targets that `table` holds.

    Classification: ``accuracy`` (all targets right, where there are several) and ``log_loss``.
    Regression: ``r2``, ``rmse`` and ``mae`` in the target's own unit, averaged over targets.
    """
    encoded = [target.encode(table.column(target.name)) for target in targets]
    kind = outputs_of(targets)
    if kind == "numbers":
        return _of_numbers(targets, y, np.column_stack(encoded))
    truth = np.column_stack(encoded)
    if kind == "one of many":
        return _of_classes(y.astype(np.float64), truth[:, 0])
    right = ((y > 0.5) == truth).all(axis=1)
    p = np.clip(y.astype(np.float64), 1e-15, 1 - 1e-15)
    losses = -np.where(truth == 1, np.log(p), np.log1p(-p)).sum(axis=1)
    return {"accuracy": float(right.mean()), "log_loss": float(losses.mean())}


def _of_classes(y: Array, truth: Array) -> dict[str, float]:
    shares = y / y.sum(axis=1, keepdims=True)
    least = np.finfo(np.float64).eps  # log 0 would outweigh all other rows
    of_truth = np.clip(shares[np.arange(len(truth)), truth], least, 1 - least)
    right = truth == y.argmax(axis=1)
    return {"accuracy": float(right.mean()), "log_loss": float(-np.log(of_truth).mean())}


def _of_numbers(targets: Sequence[Target], y: Array, truth: Array) -> dict[str, float]:
    scale = np.array([target.scale for target in targets])
    mean = np.array([target.mean for target in targets])
    told, true = y * scale + mean, truth * scale + mean
    away = true - told
    scores = {
        "rmse": float(np.sqrt((away**2).mean(axis=0)).mean()),
        "mae": float(np.abs(away).mean(axis=0).mean()),
    }
    # R² compares with the spread of the truth, which one row does not have
    return {"r2": _r2(away, true), **scores} if len(true) > 1 else scores


def _r2(away: Array, true: Array) -> float:
    """Return 1 − Σ(t−y)²/Σ(t−mean t)², the mean over targets; where t never varies, 1 for y = t, else 0."""
    left, spread = (away**2).sum(axis=0), ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    varies = spread > 0
    return float(np.where(varies, 1 - left / np.where(varies, spread, 1.0), left == 0).mean())

"""How good predictions are, by scikit-learn's metrics: accuracy and log loss, or R², RMSE and MAE."""

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
    from sklearn.metrics import accuracy_score, log_loss

    share = y / y.sum(axis=1, keepdims=True)
    labels = np.arange(y.shape[1])
    return {
        "accuracy": float(accuracy_score(truth, y.argmax(axis=1))),
        "log_loss": float(log_loss(truth, share, labels=labels)),
    }


def _of_numbers(targets: Sequence[Target], y: Array, truth: Array) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    scale = np.array([target.scale for target in targets])
    mean = np.array([target.mean for target in targets])
    told, true = y * scale + mean, truth * scale + mean
    scores = {
        "rmse": float(root_mean_squared_error(true, told)),
        "mae": float(mean_absolute_error(true, told)),
    }
    # R² compares with the spread of the truth, which one row does not have
    return {"r2": float(r2_score(true, told)), **scores} if len(true) > 1 else scores

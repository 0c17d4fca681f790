"""From a table to what a network is trained on: rows kept for testing, columns encoded, targets scaled.

Pure, and the same every time: a recorded run finds its data again by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.adapters.choice import check_table
from schuss.adapters.columns import Table
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.recipe import outputs_of
from schuss.adapters.splitting import split_rows
from schuss.adapters.targets import Target
from schuss.errors import DataError
from schuss.method.functions import Array

__all__ = ["Prepared", "encoded", "prepare", "prepare_rows"]


class Prepared(NamedTuple):
    """What a network is trained on and tested with.

    Attributes
    ----------
    X : ndarray of float32 or float64, shape (n, n_in)
    T : ndarray, shape (n, n_out), or class indices (n,)
    preprocessor : Preprocessor
    targets : tuple of Target
    test : Table or None
        The rows kept for testing, if there are any.
    rows : integer ndarray, shape (n,)
        Which row of the table each sample is, counted from 0.
    """

    X: Array
    T: NDArray[Any]
    preprocessor: Preprocessor
    targets: tuple[Target, ...]
    test: Table | None
    rows: NDArray[Any]


def prepare(
    table: Table,
    target_names: Sequence[str],
    task: str | None,
    test_size: float | None,
    seed: int,
    dtype: str,
) -> Prepared:
    """Return what a network is trained on, from a table with its targets; see `fit_model`."""
    if not target_names:
        raise DataError("no target: name the column to predict.")
    targets = tuple(Target.fit(table.column(name), task) for name in target_names)
    check_table(table, target_names)
    fit_rows, test_rows = split_rows(table, targets, test_size, seed)
    return prepare_rows(table, targets, fit_rows, test_rows, dtype)


def prepare_rows(
    table: Table, targets: Sequence[Target], fit_rows: NDArray[Any], test_rows: NDArray[Any], dtype: str
) -> Prepared:
    """Return what a network is trained on, from rows to train on and rows to test on.

    Scales and preprocessing are fitted on `fit_rows` alone; the classes are those of `targets`.
    """
    fit_table = table.take(fit_rows)
    targets = tuple(_refit(target, fit_table) for target in targets)
    preprocessor = Preprocessor.fit(fit_table, exclude=[target.name for target in targets])
    X = preprocessor.transform(fit_table).astype(dtype)
    test = table.take(test_rows) if len(test_rows) else None
    return Prepared(X, encoded(targets, fit_table), preprocessor, targets, test, fit_rows)


def _refit(target: Target, table: Table) -> Target:
    """Return a regression target scaled on the training rows alone; classes come from all rows."""
    if target.task == "classification":
        return target
    return Target.fit(table.column(target.name), "regression")


def encoded(targets: Sequence[Target], table: Table) -> NDArray[Any]:
    """Return the targets as the loss wants them: class indices, or a matrix (n_rows, n_out)."""
    columns = [target.encode(table.column(target.name)) for target in targets]
    if outputs_of(targets) == "one of many":
        return columns[0]
    return np.column_stack(columns).astype(np.float64)

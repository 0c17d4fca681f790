"""Which rows are kept for testing, or make a fold. Seeded; classes keep their shares where they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.adapters.columns import Table
from schuss.adapters.targets import Target
from schuss.errors import SettingError
from schuss.method.checks import check_number

__all__ = ["deal_rows", "split_rows"]

FEWEST_TO_SPLIT = 50
DEFAULT_SHARE = 0.2


def split_rows(
    table: Table, targets: Sequence[Target], share: float | None, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows to train on and the rows to test on, shapes (n_fit,) and (n_test,).

    They are those of scikit-learn's `train_test_split` with that seed, drawn in the same sequence.

    Parameters
    ----------
    share : float or None
        Of the rows to test on; None: 0.2, or 0 for a table of fewer than 50 rows.

    Raises
    ------
    SettingError
        A share outside [0, 1), or one that leaves no row on a side.
    """
    if share is None:
        share = DEFAULT_SHARE if table.n_rows >= FEWEST_TO_SPLIT else 0.0
    check_number("test_size", share, low=0.0, high=1.0)
    rows = np.arange(table.n_rows)
    if share == 0:
        return rows, rows[:0]
    n_test = round(share * table.n_rows)
    if not 0 < n_test < table.n_rows:
        raise SettingError(
            f"test_size {share:g} of {table.n_rows} rows leaves {table.n_rows - n_test} to train on "
            f"and {n_test} to test on; both need at least one. 0 keeps none for testing."
        )
    draw = np.random.RandomState(seed % 2**32)  # it takes no larger seeds
    strata = _strata(table, targets, n_test)
    if strata is None:
        order = draw.permutation(rows)
        return np.sort(order[n_test:]), np.sort(order[:n_test])
    return _split_each(strata, n_test, draw)


def _strata(table: Table, targets: Sequence[Target], n_test: int) -> NDArray[Any] | None:
    if len(targets) != 1 or targets[0].task == "regression":
        return None
    codes = targets[0].encode(table.column(targets[0].name))
    counts = np.bincount(codes)
    enough = counts.min() >= 2 and len(counts) <= min(n_test, table.n_rows - n_test)
    return codes if enough else None


def _split_each(
    codes: NDArray[Any], n_test: int, draw: np.random.RandomState
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows to train on and to test on, in which each class has its share of either."""
    counts = np.bincount(codes)
    n_fit = _apportioned(counts, len(codes) - n_test, draw)
    _apportioned(counts - n_fit, n_test, draw)  # chooses nothing, but may draw; see `split_rows`
    by_class = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    parts = [np.split(draw.permutation(rows), [n]) for rows, n in zip(by_class, n_fit, strict=True)]
    fit, test = zip(*parts, strict=True)
    return np.sort(np.concatenate(fit)), np.sort(np.concatenate(test))


def _apportioned(counts: NDArray[Any], n: int, draw: np.random.RandomState) -> NDArray[Any]:
    """Return how many of `n` each class gets, by its count; the largest remainders first, ties by lot."""
    exact = counts / counts.sum() * n
    given = np.floor(exact)
    remainders = exact - given
    for remainder in np.unique(remainders)[::-1]:
        left = int(n - given.sum())
        if left == 0:
            break
        equal = np.flatnonzero(remainders == remainder)
        given[draw.choice(equal, min(len(equal), left), replace=False)] += 1
    return given.astype(np.int64)


def deal_rows(table: Table, targets: Sequence[Target], n_folds: int, seed: Sequence[int]) -> NDArray[Any]:
    """Return the number of each row's fold, shape (n_rows,); folds differ by one row at most.

    Rows are shuffled, sorted by class where there is one target with classes, and dealt in turn. So each fold
    has its share of each class, and a class of a single row stands in one fold alone.
    """
    order = np.random.default_rng(seed).permutation(table.n_rows)
    if len(targets) == 1 and targets[0].task == "classification":
        codes = targets[0].encode(table.column(targets[0].name))
        order = order[np.argsort(codes[order], kind="stable")]
    folds = np.empty(table.n_rows, np.int64)
    folds[order] = np.arange(table.n_rows) % n_folds
    return folds

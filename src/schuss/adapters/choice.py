"""Which columns to learn from: leaves out what carries nothing, and refuses what looks like a slip.

A column is left out if it is empty, constant, or an identifier: text of which nearly every row has
its own, or half of the rows if it is named like an identifier, or distinct whole numbers so named.
Numbers are never an identifier by their values alone: 1, 2, 3, ... may be a time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.conversion import check_finite, find_stray_word
from schuss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from schuss.adapters.columns import Column, Table

__all__ = ["check_table", "choose_columns"]

_NEARLY_ALL = 0.9
_HALF = 0.5
_ID_NAME = re.compile(
    r"(?:^|[^a-z])(?:id|ids|index|idx|key|row|rownum|rowid|nr|no|num|number|uuid|unnamed)(?:[^a-z]|$)"
)


def check_table(table: Table, exclude: Collection[str] = ()) -> None:
    """Raise DataError for values that no model should be fitted to; names column, row and value.

    Call it on the whole table before rows are split off, so that its row numbers are the source's.

    Parameters
    ----------
    table : Table
        The rows to fit.
    exclude : collection of str
        Columns to pass over.
    """
    for column in table.columns.values():
        if column.name in exclude:
            continue
        if column.kind == "number":
            check_finite(column.name, column.values)
        stray = find_stray_word(column)
        if stray is not None:
            raise DataError(
                f"column {column.name!r}: row {stray[0]:,} holds {stray[1]!r}, but almost all "
                "other rows hold numbers. Correct the value, leave it empty to mark it missing, "
                "or, if the column holds codes, leave the column out"
            )


def choose_columns(table: Table, exclude: Collection[str]) -> tuple[list[Column], dict[str, list[str]]]:
    """Return the columns to learn from, and the names left out by reason."""
    chosen: list[Column] = []
    left_out: dict[str, list[str]] = {}
    for name, column in table.columns.items():
        if name in exclude:
            continue
        reason = _reason_to_leave_out(column)
        if reason is None:
            chosen.append(column)
        else:
            left_out.setdefault(reason, []).append(name)
    return chosen, left_out


def _reason_to_leave_out(column: Column) -> str | None:
    present = column.values[~column.missing]
    if len(present) == 0:
        return "no row holds a value"
    distinct = len(set(present.tolist()))
    if distinct == 1 and len(present) == column.n_rows:
        return "all rows hold the same value"
    named = _is_named_identifier(column.name)
    share = _HALF if named else _NEARLY_ALL
    if column.kind == "text" and distinct > max(1, share * len(present)):
        return "rows seldom share a text, as in an identifier"
    if column.kind == "number" and named and distinct == column.n_rows and _all_whole(present):
        return "it numbers the rows"
    return None


def _is_named_identifier(name: str) -> bool:
    """Whether a word of the name, also one inside as in PassengerId, says identifier."""
    return bool(_ID_NAME.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()))


def _all_whole(numbers: NDArray[Any]) -> bool:
    return not np.any(numbers % 1)

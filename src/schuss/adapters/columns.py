"""The values that a reader hands on: a column of one kind, and a table of columns.

There are four kinds. A missing value is NaN, or None in text; no other mark for it gets this far.
Nothing here reads a file, decides what a word means, or prepares numbers for a network.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from schuss.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Column", "FloatArray", "Kind", "Table", "check_names", "name_some", "plural"]

Kind = Literal["number", "text", "boolean", "date"]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Column:
    """One column.

    Attributes
    ----------
    name : str
        The column's name.
    kind : {"number", "text", "boolean", "date"}
        What its values mean.
    values : array, shape (n_rows,), read-only
        ========= ======= ================================================ =======
        kind      dtype   value                                            missing
        ========= ======= ================================================ =======
        number    float64 the number; may be infinite                      NaN
        boolean   float64 0.0 for false, 1.0 for true                      NaN
        date      float64 days since 1970-01-01T00:00 (UTC if zoned)       NaN
        text      object  str                                              None
        ========= ======= ================================================ =======
    written : array of bytes, shape (n_rows,), or None
        The characters from which numbers, booleans and dates were read, ``b""`` where missing;
        None where the source held values rather than characters. A column of codes that a
        model knows as text (``007``) is recovered from it.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    written: NDArray[np.bytes_] | None = None

    def __post_init__(self) -> None:
        """Make the values read-only, without touching the caller's array."""
        values = self.values.view()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def n_rows(self) -> int:
        """Number of values, missing ones included."""
        return len(self.values)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where the value is missing, shape (n_rows,)."""
        if self.kind == "text":
            return np.fromiter((value is None for value in self.values), bool, self.n_rows)
        missing: NDArray[np.bool_] = np.isnan(self.values)
        return missing

    def take(self, rows: NDArray[Any]) -> Column:
        """Return the column of the given rows: indices, or a mask of shape (n_rows,)."""
        written = None if self.written is None else self.written[rows]
        return replace(self, values=self.values[rows], written=written)

    def __repr__(self) -> str:
        """Return ``Column('age', number, 344 rows, 2 missing)``."""
        missing = int(self.missing.sum())
        note = f", {missing} missing" if missing else ""
        return f"Column({self.name!r}, {self.kind}, {plural(self.n_rows, 'row')}{note})"


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns of equal length, by name, in the source's order.

    Attributes
    ----------
    columns : dict of str to Column
        At least one column, of at least one row.
    name : str
        What messages call the table.
    targets : tuple of str
        The columns to predict, where the source itself says so (the embedded sets do).

    Raises
    ------
    DataError
        No column, no row, or columns of different lengths.
    """

    columns: Mapping[str, Column]
    name: str
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is something, and that it is rectangular."""
        lengths = {name: column.n_rows for name, column in self.columns.items()}
        if not lengths or not max(lengths.values()):
            raise DataError(f"{self.name} is empty: it holds no {'row' if lengths else 'column'}")
        first = next(iter(lengths))
        for name, length in lengths.items():
            if length != lengths[first]:
                raise DataError(
                    f"{self.name}: column {name!r} has {plural(length, 'row')} but column "
                    f"{first!r} has {lengths[first]}; all columns need the same length"
                )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return next(iter(self.columns.values())).n_rows

    def column(self, name: str) -> Column:
        """Return the column called ``name``; DataError if there is none."""
        if name not in self.columns:
            raise DataError(
                f"{self.name} has no column {name!r}{did_you_mean(name, self.columns)}; "
                f"its columns are {name_some(self.columns)}"
            )
        return self.columns[name]

    def take(self, rows: NDArray[Any]) -> Table:
        """Return the table of the given rows: indices, or a mask of shape (n_rows,)."""
        return replace(self, columns={n: column.take(rows) for n, column in self.columns.items()})

    def missing(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Return which rows lack a value in any of these columns, shape (n_rows,)."""
        found: NDArray[np.bool_] = np.any([self.column(name).missing for name in names], axis=0)
        return found

    def matrix(self, names: Iterable[str]) -> FloatArray:
        """Return the named number and boolean columns as they are, shape (n_rows, n_names)."""
        columns = [self.column(name) for name in names]
        for column in columns:
            if column.kind not in ("number", "boolean"):
                raise DataError(f"column {column.name!r} holds {column.kind}s, not numbers")
        return np.column_stack([column.values for column in columns]).astype(np.float64)

    def __repr__(self) -> str:
        """Return ``Table('iris', 150 rows x 5 columns: 4 number, 1 text)``."""
        kinds = Counter(column.kind for column in self.columns.values())
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        size = f"{plural(self.n_rows, 'row')} x {plural(len(self.columns), 'column')}"
        return f"Table({self.name!r}, {size}: {counts})"


def check_names(names: list[str], where: str) -> None:
    """Raise DataError unless every column has a name and no name occurs twice."""
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{where}: column {position} has no name; name it in the header line, or leave "
                "the column out (a data frame's index: write the file without it)"
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{where}: the column name {twice[0]!r} occurs {names.count(twice[0])} times; each "
            "name may occur once. If the first line holds data, put a header line before it"
        )


def name_some(names: Iterable[str], most: int = 8) -> str:
    """Return the names in quotes, at most ``most`` of them, and how many more there are."""
    given = list(names)
    more = f" and {len(given) - most} more" if len(given) > most else ""
    return ", ".join(map(repr, given[:most])) + more


def plural(count: int, noun: str) -> str:
    """Return ``1 row`` or ``3 rows``."""
    ending = {"s": "es", "y": "ies"}.get(noun[-1], "s")
    many = noun[:-1] + ending if ending == "ies" else noun + ending
    return f"{count:,} {noun if count == 1 else many}"

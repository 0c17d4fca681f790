"""A column of one kind read as another, as a model needs that learned its kind from other rows.

A prediction file may hold ``12`` in a column that held ``12`` and ``A7`` before, or nothing at all.
What cannot be converted is refused with its column, row and value; rows count from 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.recognition import Parse, parse_boolean, parse_date, parse_number
from schuss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from schuss.adapters.columns import Column, FloatArray

__all__ = ["as_dates", "as_numbers", "as_words", "check_finite", "find_stray_word", "same_booleans"]

_MEASURED_FROM = 20  # this many distinct whole numbers are a quantity; fewer may be codes
_STRAY_MOST = 0.1


def as_numbers(column: Column) -> FloatArray:
    """Return the numbers of a column, shape (n_rows,), NaN where missing.

    Booleans that are not words count as 0 and 1; text counts where it is a number throughout.

    Raises
    ------
    DataError
        Another value, or an infinite one; names column, row and value.
    """
    if column.kind == "number" or (column.kind == "boolean" and column.written is None):
        values: FloatArray = column.values
    else:
        values = _parse(column, parse_number, "a number")
    check_finite(column.name, values)
    return values


def as_dates(column: Column) -> FloatArray:
    """Return days since 1970, shape (n_rows,), NaN where missing; DataError as `as_numbers`."""
    if column.kind == "date":
        values: FloatArray = column.values
        return values
    return _parse(column, parse_date, "a date such as 2024-01-31")


def as_words(column: Column) -> NDArray[Any]:
    """Return the column as text, shape (n_rows,): as it was written if known, None if missing."""
    if column.kind == "text":
        return column.values
    if column.written is not None:
        return _map(column.written, lambda word: word.decode() or None)
    if column.kind == "boolean":
        return _map(column.values, _boolean_word)
    if column.kind == "date":
        return _map(column.values, _date_word)
    return _map(column.values, _number_word)


def same_booleans(words: NDArray[Any]) -> NDArray[Any]:
    """Return words with each spelling of false and true as ``false`` and ``true``."""
    return _map(words, lambda word: _boolean_word(parse_boolean(word or "")) or word)


def check_finite(name: str, values: FloatArray) -> None:
    """Raise DataError at the first infinite value."""
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"column {name!r}: row {infinite[0] + 1:,} is infinite ({values[infinite[0]]}); only "
            "finite numbers are allowed. Correct the value, or leave it empty to mark it missing"
        )


def find_stray_word(column: Column) -> tuple[int, str] | None:
    """Return the first word among numbers, as (row, word), if the column is numbers but for few.

    Few is one row, or one in ten. Whole numbers that are few or repeat may be codes and are no
    reason to call a word stray.
    """
    if column.kind != "text":
        return None
    distinct = {word: parse_number(word) for word in column.values if word is not None}
    numbers = {number for number in distinct.values() if number is not None}
    strays = [i for i, w in enumerate(column.values) if w is not None and distinct[w] is None]
    present = int((~column.missing).sum())
    few = len(strays) <= max(1, _STRAY_MOST * present) and present - len(strays) >= 3
    measured = any(number % 1 for number in numbers) or len(numbers) > min(
        _MEASURED_FROM, present - len(strays) - 1
    )
    return (strays[0] + 1, column.values[strays[0]]) if few and measured and strays else None


def _parse(column: Column, parse: Parse, what: str) -> FloatArray:
    words = as_words(column)
    parsed = {word: np.nan if word is None else parse(word) for word in set(words)}
    for row, word in enumerate(words, start=1):
        if parsed[word] is None:
            raise DataError(
                f"column {column.name!r}: row {row:,} holds {word!r}, but the model needs {what} "
                "there. Correct the value, or leave it empty to mark it missing"
            )
    return np.array([parsed[word] for word in words], dtype=np.float64)


def _map(values: NDArray[Any], convert: Callable[[Any], str | None]) -> NDArray[Any]:
    """Return convert(value) for each value, called once per distinct value."""
    cells = values.tolist()
    # NaN is not equal to itself, and would be a new key each time.
    keys = [None if cell != cell else cell for cell in cells]
    table = {key: None if key is None else convert(key) for key in set(keys)}
    words = np.empty(len(keys), dtype=object)
    words[:] = [table[key] for key in keys]
    return words


def _boolean_word(value: float | None) -> str | None:
    return None if value is None else ("true" if value else "false")


def _number_word(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _date_word(days: float) -> str:
    moment = np.datetime64(round(days * 86_400_000_000), "us")
    return str(moment.astype("datetime64[D]") if days.is_integer() else moment)

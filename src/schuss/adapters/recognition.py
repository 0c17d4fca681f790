"""What values mean: a sequence of words or Python values becomes a column of one kind.

The whole column decides. Words are numbers if all of them are, else booleans, else dates, else
text. Nothing is guessed from a name, a sample of rows or the machine's locale: ``3,5`` and
``1,000`` are text, and so is ``02/03/2024``, which means two different days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.columns import Column, FloatArray, Kind
from schuss.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "MISSING_WORDS",
    "column_from_array",
    "column_from_values",
    "column_from_words",
    "parse_boolean",
    "parse_date",
    "parse_number",
]

MISSING_WORDS = frozenset(["", "na", "nan", "null", "none", "?", "n/a"])
"""Words that mark a missing value in a text file, in small letters."""

_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)",
    re.IGNORECASE | re.ASCII,
)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_BOOLEAN_PAIRS = ({"false": 0.0, "true": 1.0}, {"no": 0.0, "yes": 1.0})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_PER_DAY = 86_400_000_000

Parse = Callable[[str], float | None]


def parse_number(word: str) -> float | None:
    """Return the decimal number that ``word`` is, or None."""
    return float(word) if _NUMBER.fullmatch(word) else None


def parse_boolean(word: str) -> float | None:
    """Return 0.0 for false and no, 1.0 for true and yes, in any case, or None."""
    return (_BOOLEAN_PAIRS[0] | _BOOLEAN_PAIRS[1]).get(word.lower())


def parse_date(word: str) -> float | None:
    """Return days since 1970 for an ISO date or date-time such as 2013-01-31T05:00Z, or None."""
    if not _DATE.fullmatch(word):
        return None
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return _days(moment)


def column_from_words(
    name: str,
    words: Iterable[str | None],
    *,
    numbers: bool,
    missing: frozenset[str] = frozenset(),
) -> Column:
    """Return the column that the words stand for.

    Parameters
    ----------
    name : str
        Name of the column.
    words : iterable of str or None
        One word a row. Blanks around a word are dropped; None is missing.
    numbers : bool
        Whether a word may be a number: so in CSV, not where the source marks numbers itself.
    missing : frozenset of str
        Words, in small letters, that mark a missing value.
    """
    rows = list(words)
    # Each distinct word is looked at once; the rows then only count.
    distinct = list(dict.fromkeys(rows))
    place = {word: i for i, word in enumerate(distinct)}
    codes = np.fromiter(map(place.__getitem__, rows), np.intp, len(rows))
    plain = [None if word is None else word.strip() for word in distinct]
    present = [None if word is None or word.lower() in missing else word for word in plain]
    kind, values = _recognise(present, numbers=numbers)
    written = None
    if kind != "text":
        written = np.array([(word or "").encode() for word in present], dtype=np.bytes_)[codes]
    return Column(name, kind, values[codes], written)


def _recognise(words: list[str | None], *, numbers: bool) -> tuple[Kind, NDArray[Any]]:
    """Return the kind of the words, and their values."""
    readers: list[tuple[Kind, Parse]] = [("number", parse_number)]
    readers += [("boolean", partial(_parse_pair, pair)) for pair in _BOOLEAN_PAIRS]
    readers += [("date", parse_date)]
    if not numbers and any(word is not None for word in words):
        del readers[0]
    for kind, parse in readers:
        values = _parse_all(words, parse)
        if values is not None:
            return kind, values
    return "text", _objects(words)


def _parse_pair(pair: dict[str, float], word: str) -> float | None:
    return pair.get(word.lower())


def _parse_all(words: list[str | None], parse: Parse) -> FloatArray | None:
    """Return the value of each word, NaN for None; or None as soon as a word does not parse."""
    values = np.full(len(words), np.nan)
    for i, word in enumerate(words):
        if word is not None:
            value = parse(word)
            if value is None:
                return None
            values[i] = value
    return values


def column_from_array(name: str, array: NDArray[Any]) -> Column:
    """Return the column that a NumPy array of shape (n_rows,) holds; DataError for odd dtypes."""
    kind = array.dtype.kind
    if kind == "b":
        return Column(name, "boolean", array.astype(np.float64))
    if kind in "iuf":
        return Column(name, "number", array.astype(np.float64))
    if kind == "M":
        micros = array.astype("datetime64[us]")
        days = micros.astype(np.int64) / _US_PER_DAY
        return Column(name, "date", np.where(np.isnat(micros), np.nan, days))
    if kind in "UOT":
        return column_from_values(name, array.tolist())
    raise DataError(
        f"column {name!r} is an array of dtype {array.dtype}; allowed are numbers, booleans, text and dates"
    )


def column_from_values(name: str, values: Sequence[Any]) -> Column:
    """Return the column of Python values: numbers, booleans, text, dates, None for missing.

    Text is recognised as dates or booleans but never as numbers. Numbers mixed with text, or
    with booleans, are text.
    """
    cells = [None if _is_missing(value) else value for value in values]
    types = {type(cell) for cell in cells if cell is not None}
    if not all(issubclass(kind, _ALLOWED) for kind in types):
        row, odd = next((i, c) for i, c in enumerate(cells, 1) if not _is_plain(c))
        raise DataError(
            f"column {name!r}: row {row} holds a {type(odd).__name__}; allowed are numbers, "
            "booleans, text, dates and None. Convert the column or leave it out"
        )
    if all(issubclass(kind, bool | np.bool_) for kind in types) and types:
        return Column(name, "boolean", _floats(cells))
    if all(issubclass(kind, date) for kind in types) and types:
        days = [None if cell is None else _days(cell) for cell in cells]
        return Column(name, "date", _floats(days))
    if not any(issubclass(kind, bool | np.bool_ | str | date) for kind in types):
        return Column(name, "number", _floats(cells))
    return column_from_words(name, [_word(cell) for cell in cells], numbers=False)


_ALLOWED = (Real, bool, np.bool_, str, date, Decimal)


def _is_plain(cell: Any) -> bool:
    return cell is None or isinstance(cell, _ALLOWED)


def _is_missing(value: Any) -> bool:
    # pandas is not imported here, so its two marks are known by name.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _word(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell)).lower()
    return str(cell)


def _days(moment: date) -> float:
    """Return days since 1970; a date alone is its midnight, a time without zone is taken as UTC."""
    if not isinstance(moment, datetime):
        return float(moment.toordinal() - _EPOCH.toordinal())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return ((moment - _EPOCH) // timedelta(microseconds=1)) / _US_PER_DAY


def _floats(cells: Iterable[Any]) -> FloatArray:
    return np.array([np.nan if cell is None else _float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:  # an integer beyond 1e308, as float("1e400") is infinite
        return np.inf if cell > 0 else -np.inf


def _objects(words: Sequence[str | None]) -> NDArray[Any]:
    array = np.empty(len(words), dtype=object)
    array[:] = words
    return array

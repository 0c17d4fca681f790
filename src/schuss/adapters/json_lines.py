"""JSON lines: one object a line, into columns. Refuses nested values; it does not flatten."""

from __future__ import annotations

import json
from typing import Any

from schuss.adapters.columns import Column, check_names, name_some
from schuss.adapters.recognition import MISSING_WORDS, column_from_values
from schuss.errors import DataError

__all__ = ["read_json_lines"]


def read_json_lines(text: str, where: str) -> list[Column]:
    """Return the columns of a text with one JSON object a line.

    The columns are all keys, in order of first appearance; a key that a line lacks is missing
    there. Strings that mark a missing value in CSV do so here; a string is never a number.

    Parameters
    ----------
    text : str
        The whole text; blank lines are skipped.
    where : str
        What error messages call the source.

    Raises
    ------
    DataError
        No line, a line that is not an object, a nested value. Names the line.
    """
    rows = [
        _parse(line, f"{where}, line {number}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise DataError(f"{where} is empty; give one JSON object a line")
    check_names(names, where)
    return [column_from_values(name, [_cell(row.get(name)) for row in rows]) for name in names]


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: not JSON ({error}); give one object a line") from None
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: a JSON {type(row).__name__}, but each line must be an object such as "
            '{"age": 31, "town": "Bern"}'
        )
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise DataError(
                f"{where}: {name!r} holds a nested value; only numbers, strings, booleans and "
                "null can stand in a column. Flatten it or leave it out"
            )
    return row


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise DataError(f"{where}: a key occurs twice among {name_some(name for name, _ in pairs)}")
    return row


def _cell(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() in MISSING_WORDS else value

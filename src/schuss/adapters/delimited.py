"""CSV and TSV: text into columns, with the standard library's reader.

Refuses whatever would make it guess: two columns of one name, a row with a field too many, text
that is not UTF-8. Each refusal names the line.
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

from schuss.adapters.columns import Column, check_names, name_some, plural
from schuss.adapters.recognition import MISSING_WORDS, column_from_words, parse_number
from schuss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_delimited"]

_DELIMITERS = (",", ";", "\t")
_BLOCK = 4096
_HEADER_MOST = 1 << 20  # characters among which the header line is sought


def read_delimited(text: str, where: str, delimiter: str | None = None) -> list[Column]:
    """Return the columns of a delimited text whose first line names them.

    Parameters
    ----------
    text : str
        The whole text. Lines may end in LF, CRLF or CR; blank lines are skipped.
    where : str
        What error messages call the source.
    delimiter : str, optional
        Between fields. Otherwise the one of ``,``, ``;`` and tab that cuts the header line
        into the most fields.

    Raises
    ------
    DataError
        Nothing in it, a header only, names empty or twice, a ragged row, an open quote.
    """
    records = _records(text, where, delimiter or _sniff(text))
    header = next(records, None)
    if header is None:
        raise DataError(f"{where} is empty; a table needs a header line and at least one row")
    names = [field.strip() for field in header[1]]
    _check_header(names, where)
    columns = _columns(records, names, where)
    if not columns[0]:
        raise DataError(f"{where} has a header line ({name_some(names)}) but no row below it")
    return [
        column_from_words(name, words, numbers=True, missing=MISSING_WORDS)
        for name, words in zip(names, columns, strict=True)
    ]


def _records(text: str, where: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the number of the line on which it ends."""
    # Strict, because otherwise a quote left open swallows the rest of the file in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(
            f"{where}, line {reader.line_num:,}: {error}. A quoted field starts and ends with "
            'one " and doubles each " inside'
        ) from None


def _sniff(text: str) -> str:
    """Return the delimiter that cuts the first record into the most fields; comma if none does."""
    return max(_DELIMITERS, key=lambda delimiter: _count_fields(text, delimiter))


def _count_fields(text: str, delimiter: str) -> int:
    try:
        return len(next(_records(text[:_HEADER_MOST], "", delimiter), (0, []))[1])
    except DataError:  # such as quotes that this delimiter leaves half open
        return 0


def _columns(records: Iterator[tuple[int, list[str]]], names: list[str], where: str) -> list[list[str]]:
    """Return the fields column by column."""
    columns: list[list[str]] = [[] for _ in names]
    # Turned block by block: hundreds of thousands of row lists at once slow the collector down.
    while block := [_checked(record, names, where) for record in islice(records, _BLOCK)]:
        for column, part in zip(columns, zip(*block, strict=True), strict=True):
            column.extend(part)
    return columns


def _checked(record: tuple[int, list[str]], names: list[str], where: str) -> list[str]:
    line, fields = record
    if len(fields) != len(names):
        raise DataError(
            f"{where}, line {line:,}: {plural(len(fields), 'field')}, but the header line has "
            f"{len(names)} ({name_some(names)}). Correct the line, or put quotes around a field "
            "that contains the delimiter"
        )
    return fields


def _check_header(names: list[str], where: str) -> None:
    check_names(names, where)
    fractions = [name for name in names if parse_number(name) is not None and "." in name]
    if 2 * len(fractions) > len(names):
        raise DataError(
            f"{where}: the header line holds numbers ({name_some(names, 4)}), so it seems to be "
            "data; put a line with the columns' names before it"
        )

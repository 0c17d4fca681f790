"""The door for data: any source that holds a table becomes a Table.

Decides by the source alone, never by what a column is called. Refuses what it would have to guess:
encodings other than UTF-8, spreadsheets, archives, nested values. Touches no network.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters import datasets
from schuss.adapters.arrow import read_feather, read_frame, read_parquet
from schuss.adapters.columns import Column, Table, check_names
from schuss.adapters.delimited import read_delimited
from schuss.adapters.json_lines import read_json_lines
from schuss.adapters.recognition import column_from_array, column_from_values
from schuss.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_table"]

_READERS = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".feather": read_feather,
    ".arrow": read_feather,
    ".ipc": read_feather,
}
_MAGIC = {b"PAR1": read_parquet, b"ARROW1": read_feather, b"FEA1": read_feather}
_REFUSED = {
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save the sheet as CSV",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}
_LINES = (".jsonl", ".ndjson")
_TABS = (".tsv", ".tab")


def read_table(source: Any, *, name: str | None = None) -> Table:
    """Read a table from wherever it is.

    Parameters
    ----------
    source : str, path, frame, dict or array
        - the name of an embedded set (``"digits"``; for a file of that name say ``"./digits"``);
        - a path: CSV, TSV, JSON lines, each also as ``.gz``; Parquet and Feather with pyarrow;
        - ``"-"``: any of these from standard input, recognised by its first bytes;
        - a frame with ``__arrow_c_stream__`` (pandas, polars, pyarrow), with pyarrow;
        - a dict of columns: sequences or arrays of equal length;
        - an array of shape (n_rows, n_columns), whose columns become ``x0``, ``x1``, ...
    name : str, optional
        What messages call the table; by default the file's or set's name, or ``table``.

    Returns
    -------
    Table
        See `schuss.adapters.columns` for kinds and missing values.

    Raises
    ------
    DataError
        The source is missing, empty, damaged or ragged, or holds what is no table.
    MissingExtraError
        Parquet, Feather or a frame without pyarrow.
    """
    table = _read(source, name)
    return table if name is None else replace(table, name=name)


def _read(source: Any, name: str | None) -> Table:
    if isinstance(source, Table):
        return source
    if isinstance(source, str) and source in datasets.DATASETS:
        return datasets.load(source).table
    if isinstance(source, str) and source == "-":
        return _table(_read_bytes(sys.stdin.buffer.read(), "", "standard input"), "standard input")
    if isinstance(source, str | Path):
        return _read_file(Path(source))
    return _table(_columns(source, name or "table"), "table")


def _table(columns: list[Column], name: str) -> Table:
    return Table({column.name: column for column in columns}, name)


def _columns(source: Any, where: str) -> list[Column]:
    """Return the columns of a value in memory."""
    if isinstance(source, np.ndarray):
        return _array_columns(source, where)
    if isinstance(source, Mapping):
        names = [str(key) for key in source]
        check_names(names, where)
        return [_column(key, source[key]) for key in source]
    if hasattr(source, "__arrow_c_stream__"):
        return read_frame(source, where)
    raise DataError(
        f"a {type(source).__name__} is no table; allowed are a path, '-', an embedded name, a "
        "frame with __arrow_c_stream__ (pandas 2.2, polars 1.6, pyarrow, or newer), a dict of "
        "columns, or an array of shape (n_rows, n_columns)"
    )


def _array_columns(array: NDArray[Any], where: str) -> list[Column]:
    if array.ndim != 2:
        raise DataError(
            f"{where} is an array of shape {array.shape}; a table needs shape (n_rows, n_columns)"
        )
    return [column_from_array(f"x{j}", array[:, j]) for j in range(array.shape[1])]


def _column(key: Any, values: Any) -> Column:
    name = str(key)
    if isinstance(values, list | tuple):
        return column_from_values(name, values)
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column {name!r} has shape {array.shape}; a column is a sequence of shape (n_rows,)")
    return column_from_array(name, array)


def _read_file(path: Path) -> Table:
    try:
        exists = path.exists()
    except OSError as error:  # such as a name that is a whole table
        raise DataError(f"{str(path)[:60]!r}… is no name of a file: {error.strerror}") from None
    if not exists:
        raise DataError(_no_such_file(path))
    if path.is_dir():
        raise DataError(f"{path} is a directory; give one file in it")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    columns = _read_bytes(data, path.name.lower(), str(path))
    return _table(columns, path.name)


def _no_such_file(path: Path) -> str:
    near = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    hint = did_you_mean(path.name, [*near, *datasets.DATASETS])
    return (
        f"there is no file {str(path)!r} and no embedded set of that name{hint}; the embedded "
        f"sets are {', '.join(datasets.DATASETS)}"
    )


def _read_bytes(data: bytes, file_name: str, where: str) -> list[Column]:
    """Return the columns of a file's bytes: by its extension, else by its first bytes."""
    if data.startswith(b"\x1f\x8b"):
        return _read_bytes(_unzip(data, where), file_name.removesuffix(".gz"), where)
    suffix = Path(file_name).suffix
    if suffix in _READERS:
        return _READERS[suffix](data, where)
    for magic, read in _MAGIC.items():
        if data.startswith(magic):
            return read(data, where)
    text = _decode(data, where)
    if suffix not in (".csv", *_TABS, *_LINES) and text.lstrip().startswith("["):
        raise DataError(
            f"{where} is a JSON array; a table has an object in each line (pandas: to_json(orient='records', "
            "lines=True))"
        )
    if suffix in _LINES or (suffix not in (".csv", *_TABS) and text.lstrip().startswith("{")):
        return read_json_lines(text, where)
    return read_delimited(text, where, "\t" if suffix in _TABS else None)


def _unzip(data: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where} is a damaged gzip file: {error}") from None


def _decode(data: bytes, where: str) -> str:
    """Return UTF-8 text without its byte order mark; DataError with the place of a wrong byte."""
    for magic, what in _REFUSED.items():
        if data.startswith(magic):
            raise DataError(f"{where} is {what}")
    at = data.find(b"\0")
    reason = "a NUL byte"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at, reason = error.start, f"the byte 0x{error.object[error.start]:02x}"
        text = ""
    if at < 0:
        return text
    line = data.count(b"\n", 0, at) + 1
    raise DataError(
        f"{where} is not UTF-8 text: {reason} at offset {at:,} (line {line:,}). Save it as UTF-8, "
        "or convert it, for example: iconv -f latin1 -t utf-8 OLD > NEW"
    )

"""Parquet, Feather and data frames, through Apache Arrow (the extra ``data``).

An index that pandas keeps beside the columns is no column here. Nested types and spans of time
are refused by name.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from schuss.adapters.columns import Column, check_names
from schuss.adapters.recognition import column_from_array, column_from_words
from schuss.errors import DataError, MissingExtraError

__all__ = ["read_feather", "read_frame", "read_parquet"]


def read_parquet(data: bytes, where: str) -> list[Column]:
    """Return the columns of a Parquet file's bytes; DataError if they are not one."""
    pa = _pyarrow("reading Parquet files")
    import pyarrow.parquet as pq

    try:
        return _columns(pq.read_table(pa.BufferReader(data)), where)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{where} cannot be read as Parquet: {error}") from None


def read_feather(data: bytes, where: str) -> list[Column]:
    """Return the columns of a Feather (Arrow IPC) file's bytes; DataError if they are not one."""
    pa = _pyarrow("reading Feather files")
    import pyarrow.feather as feather

    try:
        return _columns(feather.read_table(pa.BufferReader(data)), where)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{where} cannot be read as Feather (Arrow IPC): {error}") from None


def read_frame(frame: Any, where: str) -> list[Column]:
    """Return the columns of any frame that has ``__arrow_c_stream__``."""
    pa = _pyarrow("reading a data frame")
    try:
        with warnings.catch_warnings():
            # pandas' column names may be numbers; that they become text is documented.
            warnings.filterwarnings("ignore", "The DataFrame has column names of mixed type")
            table = pa.RecordBatchReader.from_stream(frame).read_all()
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(
            f"{where} cannot be read as a table ({error}); each column needs one type, and each "
            "name may occur once"
        ) from None
    return _columns(table, where)


def _pyarrow(purpose: str) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError(purpose, "data") from None
    return pa


def _columns(table: Any, where: str) -> list[Column]:
    kept = [i for i, name in enumerate(table.schema.names) if name not in _index_names(table)]
    names = [str(table.schema.names[i]) for i in kept]
    check_names(names, where)
    return [_column(name, table.column(i), where) for name, i in zip(names, kept, strict=True)]


def _index_names(table: Any) -> set[str]:
    """Return the columns that hold a pandas index; a plain range is described, not stored."""
    metadata = table.schema.pandas_metadata or {}
    return {name for name in metadata.get("index_columns", []) if isinstance(name, str)}


def _column(name: str, chunks: Any, where: str) -> Column:
    import pyarrow as pa

    of = pa.types
    kind = chunks.type
    if of.is_dictionary(kind):
        # Someone said that these values are categories: text, even where they look like numbers.
        words = chunks.cast(kind.value_type).cast(pa.large_string()).to_pylist()
        return Column(name, "text", np.array([*words, None], dtype=object)[:-1])
    if str(kind) in ("string", "large_string", "string_view"):
        return column_from_words(name, chunks.to_pylist(), numbers=False)
    if of.is_boolean(kind):
        return Column(name, "boolean", chunks.cast(pa.int8()).cast(pa.float64()).to_numpy())
    if of.is_date(kind) or of.is_timestamp(kind):
        return column_from_array(name, _moments(chunks))
    if of.is_null(kind) or of.is_integer(kind) or of.is_floating(kind) or of.is_decimal(kind):
        values = chunks.cast(pa.float64(), safe=False).to_numpy()
        return Column(name, "number", values)
    raise DataError(
        f"{where}: column {name!r} is of type {kind}; allowed are numbers, booleans, text, "
        "categories, dates and date-times. Convert the column or leave it out"
    )


def _moments(chunks: Any) -> Any:
    """Return dates or time stamps as datetime64[us] in UTC, NaT where missing."""
    import pyarrow as pa

    return chunks.cast(pa.timestamp("us"), safe=False).to_numpy()

"""What is no table is refused, with a sentence that says where the fault is."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from files import write

from schuss.adapters.tables import read_table
from schuss.errors import DataError

PLAIN = "species,mass\nAdelie,3750\nGentoo,5000\nChinstrap,3800\n"

BAD_TEXT = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "header only": ("a,b\n", "no row below"),
    "no name": (",a\n0,1\n", "column 1 has no name"),
    "same name": ("a,b,a\n1,2,3\n", "'a' occurs 2 times"),
    "too long": (
        "a,b\n1,2\n\n1,2,3\n",
        r"line 4: 3 fields, but the header line has 2 \('a', 'b'\)",
    ),
    "too short": ('a,b\n"x\ny",2\n1\n', "line 4: 1 field, but"),
    "open quote": ('a,b\n1,"2\n3,4\n', "line 3: unexpected end of data"),
    "no header": ("5.1,3.5\n4.9,3.0\n", "header line holds numbers"),
    "nul": ("a,b\n1,\0\n", r"NUL byte at offset 6 \(line 2\)"),
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_a_csv_file_that_must_be_guessed_at_is_refused(tmp_path: Path, case: str) -> None:
    """The message says where the fault is and what was found there."""
    text, message = BAD_TEXT[case]
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, "bad.csv", text))


BAD_JSON = {
    "array": ("[1, 2]\n", "line 1: a JSON list"),
    "broken": ('{"a": 1}\n{"a": \n', "line 2: not JSON"),
    "nested": ('{"a": 1}\n{"a": [1]}\n', "line 2: 'a' holds a nested value"),
    "twice": ('{"a": 1, "a": 2}\n', "line 1: a key occurs twice"),
    "no key": ("{}\n", "is empty"),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_json_lines_that_are_no_table_are_refused(tmp_path: Path, case: str) -> None:
    """The message names the line."""
    text, message = BAD_JSON[case]
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, "bad.jsonl", text))


BAD_BYTES = {
    "latin1.csv": ("a,b\nz\u00fcrich,1\n".encode("latin1"), r"0xfc at offset 5 \(line 2\).*iconv"),
    "utf16.csv": ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "sheet.xlsx": (b"PK\x03\x04rest", "spreadsheet"),
    "cut.csv.gz": (gzip.compress(PLAIN.encode())[:-9], "damaged gzip"),
    "no.parquet": (b"a,b\n1,2\n", "cannot be read as Parquet"),
    "no.feather": (b"a,b\n1,2\n", "cannot be read as Feather"),
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_bytes_that_are_no_table_are_refused(tmp_path: Path, name: str) -> None:
    """Wrong encodings, archives and damaged files are named as what they are."""
    data, message = BAD_BYTES[name]
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, name, data))


def test_a_place_that_is_no_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    """A missing file is sought among its neighbours and the embedded sets."""
    write(tmp_path, "penguins.csv", PLAIN)
    with pytest.raises(DataError, match=r"did you mean 'penguins\.csv'"):
        read_table(tmp_path / "pengiuns.csv")
    with pytest.raises(DataError, match=r"did you mean 'digits'.*embedded sets are digits, iris"):
        read_table("digist")
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "no" / "folder.csv")
    with pytest.raises(DataError, match="is a directory"):
        read_table(tmp_path)


def test_a_file_that_may_not_be_read_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's reason reaches the user as one sentence."""
    path = write(tmp_path, "secret.csv", PLAIN)

    def deny(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(DataError, match=r"secret\.csv cannot be read: Permission denied"):
        read_table(path)


def test_a_delimiter_inside_quotes_is_not_counted(tmp_path: Path) -> None:
    """A header of two quoted names with many commas inside is still cut at its semicolon."""
    path = write(tmp_path, "a.csv", '"x, y, z";"mass, kg"\n1;2\n')
    assert list(read_table(path).columns) == ["x, y, z", "mass, kg"]


BAD_VALUES = {
    "one dimension": (np.zeros(3), r"shape \(3,\)"),
    "complex": (np.zeros((2, 2), complex), "dtype complex128"),
    "no rows": (np.zeros((0, 2)), "holds no row"),
    "no columns": ({}, "holds no column"),
    "empty frame": (pd.DataFrame({"a": []}), "holds no row"),
    "lengths": ({"a": [1, 2], "b": [1]}, "'b' has 1 row but column 'a' has 2"),
    "matrix as column": ({"a": np.zeros((2, 2))}, r"'a' has shape \(2, 2\)"),
    "odd object": ({"a": [1, {}]}, "row 2 holds a dict"),
    "list": ([[1, 2]], "a list is no table"),
    "nested": (pa.table({"a": [[1]]}), r"'a' is of type list<"),
    "span": (pl.DataFrame({"a": [timedelta(1)]}), "'a' is of type duration"),
    "same name": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "occur"),
    "series": (pl.Series("a", [1, 2]), "cannot be read as a table"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_value_that_is_no_table_is_refused(case: str) -> None:
    """The message says what was given and what would do."""
    source, message = BAD_VALUES[case]
    with pytest.raises(DataError, match=message):
        read_table(source)


def test_a_table_written_out_is_no_name_of_a_file() -> None:
    """It is longer than any, and told in a sentence that does not repeat all of it."""
    with pytest.raises(DataError, match="is no name of a file") as caught:
        read_table("a,b\n1,2\n" * 1000)
    assert len(str(caught.value)) < 200


def test_an_array_of_json_is_told(tmp_path: Path) -> None:
    """As pandas writes by default; with the way to write one that can be read, and not the whole of it."""
    path = tmp_path / "p.json"
    path.write_text('[{"a":1,"b":2},{"a":3,"b":4}]')
    with pytest.raises(DataError, match=r"is a JSON array; .* lines=True"):
        read_table(path)

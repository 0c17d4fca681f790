"""Reading: the same table, whatever it comes in; and a sentence for what is no table."""

from __future__ import annotations

import builtins
import csv
import gzip
import io
import json
import sys
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from files import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schuss.adapters.tables import read_table
from schuss.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from schuss.adapters.columns import Table

PENGUINS = """\
species,mass,sex,seen,tagged
Adelie,3750,male,2007-11-11,yes
Gentoo,NA,female,2008-01-09,no
"Chin, strap",3.8e3,?,2009-11-27,Yes
"""
KINDS = {"species": "text", "mass": "number", "sex": "text", "seen": "date", "tagged": "boolean"}
FRAME = {
    "species": ["Adelie", "Gentoo", "Chin, strap"],
    "mass": [3750.0, None, 3800.0],
    "sex": ["male", "female", None],
    "seen": [date(2007, 11, 11), date(2008, 1, 9), date(2009, 11, 27)],
    "tagged": [True, False, True],
}


def values(table: Table) -> dict[str, list[Any]]:
    """Return kinds and values, with None for what is missing, for comparison with ==."""
    return {
        name: [column.kind]
        + [None if gap else v for v, gap in zip(column.values, column.missing, strict=True)]
        for name, column in table.columns.items()
    }


@pytest.fixture
def penguins(tmp_path: Path) -> Table:
    return read_table(write(tmp_path, "penguins.csv", PENGUINS))


def test_a_csv_file_is_read_into_columns_of_the_right_kind(penguins: Table) -> None:
    """Numbers, text, dates and booleans are told apart; missing is NaN or None."""
    assert {name: column.kind for name, column in penguins.columns.items()} == KINDS
    assert values(penguins)["mass"] == ["number", 3750.0, None, 3800.0]
    assert values(penguins)["species"][3] == "Chin, strap"
    assert values(penguins)["sex"] == ["text", "male", "female", None]
    assert values(penguins)["tagged"] == ["boolean", 1.0, 0.0, 1.0]
    days = [(day - date(1970, 1, 1)).days for day in FRAME["seen"]]
    assert values(penguins)["seen"] == ["date", *days]
    assert penguins.name == "penguins.csv"
    assert penguins.n_rows == 3


@pytest.mark.parametrize(
    "twin",
    [
        PENGUINS.replace("3750", "3751"),
        PENGUINS.replace("NA", "0"),
        PENGUINS.replace("2007-11-11", "2007-11-12"),
        PENGUINS.replace("male", "Male", 1),
    ],
)
def test_the_comparison_of_tables_notices_one_changed_cell(
    penguins: Table, tmp_path: Path, twin: str
) -> None:
    """A table that differs in one cell is not equal, so the equalities below mean something."""
    assert values(read_table(write(tmp_path, "twin.csv", twin))) != values(penguins)


SAME = {
    "crlf.csv": PENGUINS.replace("\n", "\r\n"),
    "cr.csv": PENGUINS.replace("\n", "\r"),
    "bom.csv": "\ufeff" + PENGUINS,
    "no_newline.csv": PENGUINS.rstrip("\n"),
    "blank_lines.csv": "\n" + PENGUINS.replace("\nGentoo", "\n\nGentoo") + "\n\n",
    "blanks.csv": PENGUINS.replace("3750", "  3750 ").replace("Adelie", " Adelie"),
    "tabs.tsv": PENGUINS.replace("Chin, strap", "Chin; strap").replace(",", "\t"),
    "tabs.csv": PENGUINS.replace("Chin, strap", "Chin; strap").replace(",", "\t"),
    "semicolons.csv": PENGUINS.replace("Chin, strap", "Chin: strap").replace(",", ";"),
    "quoted_header.csv": PENGUINS.replace("species", '"species"').replace("tagged", '"tagged"'),
    "no_extension": PENGUINS,
    "penguins.csv.gz": gzip.compress(PENGUINS.encode()),
    "zipped_without_saying.csv": gzip.compress(PENGUINS.encode()),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_table_in_another_dress_is_the_same_table(
    penguins: Table, tmp_path: Path, name: str
) -> None:
    """Line ends, byte order mark, delimiter, blanks and compression change nothing."""
    read = values(read_table(write(tmp_path, name, SAME[name])))
    read["species"] = [word.replace("; ", ", ").replace(": ", ", ") for word in read["species"]]
    assert read == values(penguins)


def test_json_lines_hold_the_same_table(penguins: Table, tmp_path: Path) -> None:
    """A key that is absent or null is missing; a string that is an ISO date is a date."""
    rows = [
        {"species": "Adelie", "mass": 3750, "sex": "male", "seen": "2007-11-11", "tagged": True},
        {"species": "Gentoo", "sex": "female", "seen": "2008-01-09", "tagged": False},
        {"species": "Chin, strap", "mass": 3.8e3, "sex": None, "seen": "2009-11-27"},
    ]
    rows[2]["tagged"] = True
    text = "\n".join(map(json.dumps, rows)) + "\n\n"
    for name in ("penguins.jsonl", "penguins.ndjson", "penguins.txt"):
        assert values(read_table(write(tmp_path, name, text))) == values(penguins)


def test_in_json_a_string_is_never_a_number(tmp_path: Path) -> None:
    """JSON says itself what a number is: "007" stays text."""
    table = read_table(write(tmp_path, "a.jsonl", '{"code": "007", "n": 7}\n'))
    assert values(table) == {"code": ["text", "007"], "n": ["number", 7.0]}


def test_standard_input_is_recognised_by_its_first_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """CSV, TSV, JSON lines and Parquet come through a pipe as through a file."""
    buffer = io.BytesIO()
    pl.DataFrame(FRAME).write_parquet(buffer)
    line = json.dumps(FRAME | {"seen": "2007-11-11", "species": "Adelie", "mass": 3750})
    line = line.replace(json.dumps(FRAME["sex"]), '"male"')
    line = line.replace(json.dumps(FRAME["tagged"]), "true")
    tabs = PENGUINS.replace("Chin, strap", "Chin; strap").replace(",", "\t")
    for data in (PENGUINS.encode(), tabs.encode(), line.encode(), buffer.getvalue()):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        table = read_table("-")
        assert {name: column.kind for name, column in table.columns.items()} == KINDS
        assert table.columns["mass"].values[0] == 3750
        assert table.name == "standard input"


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame(FRAME), pl.DataFrame(FRAME), pa.table(FRAME), FRAME],
    ids=["pandas", "polars", "pyarrow", "dict"],
)
def test_frames_hold_the_same_table(penguins: Table, frame: Any) -> None:
    """pandas, polars, pyarrow and a dict give the values that the CSV file gives."""
    assert values(read_table(frame)) == values(penguins)
    assert read_table(frame, name="birds").name == "birds"


@pytest.mark.parametrize("suffix", [".parquet", ".pq", ".feather", ".arrow", ""])
def test_columnar_files_hold_the_same_table(penguins: Table, suffix: str, tmp_path: Path) -> None:
    """Parquet and Feather are known by extension, and by their first bytes without one."""
    path = tmp_path / f"penguins{suffix}"
    frame = pl.DataFrame(FRAME)
    if suffix in (".feather", ".arrow"):
        frame.write_ipc(path, compression="uncompressed")
    else:
        frame.write_parquet(path)
    assert values(read_table(path)) == values(penguins)


def test_every_arrow_type_that_means_a_kind_is_read_as_it() -> None:
    """Integers, decimals and halves are numbers; categories are text even if they are digits."""
    moment = datetime(2024, 2, 29, 13, 30)
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int8()),
            "u": pa.array([2**40, 1], pa.uint64()),
            "f": pa.array(np.array([0.5, 2], np.float16)),
            "d": pa.array([3, None], pa.decimal128(5, 2)),
            "null": pa.nulls(2),
            "b": pa.array([True, None]),
            "cat": pa.array([7, 8]).dictionary_encode(),
            "ns": pa.array([moment, None], pa.timestamp("ns")),
            "zoned": pa.array([moment, None], pa.timestamp("ms", tz="Europe/Bern")),
            "d64": pa.array([moment.date(), None], pa.date64()),
            "view": pa.array(["x", None], pa.string_view()),
        }
    )
    day = (moment.date() - date(1970, 1, 1)).days
    assert values(read_table(table)) == {
        "i": ["number", 1.0, None],
        "u": ["number", 2.0**40, 1.0],
        "f": ["number", 0.5, 2.0],
        "d": ["number", 3.0, None],
        "null": ["number", None, None],
        "b": ["boolean", 1.0, None],
        "cat": ["text", "7", "8"],
        "ns": ["date", day + 13.5 / 24, None],
        "zoned": ["date", day + 13.5 / 24, None],
        "d64": ["date", day, None],
        "view": ["text", "x", None],
    }


def test_the_index_of_a_pandas_frame_is_no_column() -> None:
    """Neither a named nor an unnamed index becomes something to learn from."""
    frame = pd.DataFrame({"id": [5, 6], "a": [1, 2], 3: [4, 5]})
    assert list(read_table(frame.set_index("id")).columns) == ["a", "3"]
    frame.index = pd.Index(["p", "q"])
    assert list(read_table(frame).columns) == ["id", "a", "3"]


def test_an_array_gets_names_by_position() -> None:
    """Columns of an array are x0, x1, ...; a mask or indices take rows of all."""
    table = read_table(np.arange(6).reshape(3, 2))
    assert values(table) == {"x0": ["number", 0.0, 2.0, 4.0], "x1": ["number", 1.0, 3.0, 5.0]}
    assert values(table.take(np.array([2, 0])))["x1"] == ["number", 5.0, 1.0]
    assert values(table.take(np.array([False, True, False])))["x0"] == ["number", 2.0]
    assert table.matrix(["x1", "x0"]).tolist() == [[1, 0], [3, 2], [5, 4]]


def test_a_table_does_not_change_with_the_array_it_was_made_from_nor_lock_it() -> None:
    """Values are read-only in the table; the caller's own array stays writable."""
    array = np.zeros((2, 1))
    table = read_table(array)
    with pytest.raises(ValueError, match="read-only"):
        table.columns["x0"].values[0] = 1
    array[0, 0] = 1
    assert table.columns["x0"].values[0] == 0


def test_an_embedded_name_and_a_table_are_sources_too() -> None:
    """An embedded set says what to predict; a Table passes through unchanged."""
    table = read_table("iris")
    assert table.targets == ("species",)
    assert read_table(table) is table


cell_texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
)
cells = st.one_of(
    st.none(),
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**18), 10**18).map(str),
    cell_texts.map(str.strip),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.integers(1, 4), st.integers(1, 8), st.sampled_from(",;\t"))
def test_what_a_csv_writer_wrote_is_read_back(
    data: st.DataObject, width: int, height: int, delimiter: str
) -> None:
    """Any cells, with quotes, delimiters and line ends in them, come back as they were."""
    if width == 1:
        delimiter = ","  # a header of one name shows no other
    names = [f"c{j}" for j in range(width)]
    rows = [[data.draw(cells) for _ in names] for _ in range(height)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(names)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    source = SimpleNamespace(buffer=io.BytesIO(text.getvalue().encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", source)
        table = read_table("-")
    marks = {"", "na", "nan", "null", "none", "?", "n/a"}
    for j, name in enumerate(names):
        column = table.columns[name]
        for i, row in enumerate(rows):
            cell = row[j]
            if cell is None or cell.lower() in marks:
                assert column.missing[i]
            elif column.kind == "text":
                assert column.values[i] == cell
            else:
                assert column.written is not None
                assert column.written[i].decode() == cell
                assert column.kind != "number" or column.values[i] == float(cell)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1))
def test_polars_reads_the_same_numbers(numbers: list[float | None]) -> None:
    """Every float64 that pandas writes is read to the bit as polars reads it."""
    text = pd.DataFrame({"a": numbers, "b": 1}).astype(float).to_csv(index=False)
    theirs = pl.read_csv(io.StringIO(text), schema_overrides={"a": pl.Float64})["a"].to_numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
        ours = read_table("-").columns["a"].values
    assert ours.tobytes() == np.where(np.isnan(theirs), np.nan, theirs).tobytes()
    assert np.nextafter(ours, np.inf).tobytes() != theirs.tobytes() or not np.isfinite(ours).any()


def test_csv_needs_no_pyarrow_and_the_rest_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow, text files are read; Parquet, Feather and frames name the extra."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *rest, **named)

    parquet, feather = tmp_path / "a.parquet", tmp_path / "a.feather"
    pl.DataFrame(FRAME).write_parquet(parquet)
    pl.DataFrame(FRAME).write_ipc(feather)
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert read_table(write(tmp_path, "a.csv", PENGUINS)).n_rows == 3
    for source in (parquet, feather, pl.DataFrame(FRAME)):
        with pytest.raises(MissingExtraError, match=r'pip install "schuss\[data\]"'):
            read_table(source)


def test_a_wrong_column_name_is_answered_with_the_nearest(penguins: Table) -> None:
    """The table names its columns when it lacks one, and says which do not hold numbers."""
    with pytest.raises(DataError, match=r"no column 'mas' \(did you mean 'mass'\?\)"):
        penguins.column("mas")
    with pytest.raises(DataError, match="'species' holds texts, not numbers"):
        penguins.matrix(["mass", "species"])


def test_representations_say_what_is_inside(penguins: Table) -> None:
    """A table prints its size and kinds; a column its kind and gaps."""
    expected = "Table('penguins.csv', 3 rows x 5 columns: 2 text, 1 number, 1 date, 1 boolean)"
    assert repr(penguins) == expected
    assert repr(penguins.column("mass")) == "Column('mass', number, 3 rows, 1 missing)"

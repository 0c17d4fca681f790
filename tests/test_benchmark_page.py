"""The tables of docs/performance.md say of each line what the benchmark has said."""

import pytest
from benchmarks.__main__ import arguments
from benchmarks.lines import Line
from benchmarks.page import write_tables

LINES = [
    Line("train", "4-10-3", "schuss", 0.2861, "µs/step"),
    Line("train", "4-10-3", "jax", 3.6, "µs/step", 12.58, 10.0),
    Line("train", "4-10-3", "torch", None, "µs", failed="DISAGREES: loss 2, ours 1"),
    Line("train", "64-128-10", "schuss", 6.9, "µs/step"),
    Line("train", "64-128-10", "jax", 13.0, "µs/step", 1.88, 2.0),
    Line("scale", "samples", "1,000, philox", 215.2, "ns", 1.125, 1.1, at_most=True, note="of 0.1 s"),
]


def test_both_tables(tmp_path):
    """A row for each network with a column for each peer, then one for each other line; misses stand out."""
    write_tables(tmp_path / "tables.md", LINES)
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in (tmp_path / "tables.md").read_text(encoding="utf-8").splitlines()
    ]
    head, _, small, wide, _, _, _, sample = rows
    assert (head[0], head[3]) == ("network", "JAX")
    assert small[:5] == ["4-10-3", "0.286", "", "12.6 (≥ 10)", "DISAGREES: loss 2, ours 1"]
    assert wide[:4] == ["64-128-10", "6.9", "", "1.88 (≥ 2) **missed**"]
    assert sample == ["samples", "1,000, philox", "215 ns", "1.12", "≤ 1.1", "**missed**", "of 0.1 s"]
    assert len(head) == len(small) == len(wide)


@pytest.mark.parametrize("option", ["--tables", "--json", "--picture"])
def test_a_folder_that_is_not_there_is_told_at_once(option, tmp_path, monkeypatch, capsys):
    """Before anything is measured; a file in a folder that is there is taken."""
    monkeypatch.setattr("sys.argv", ["benchmarks", option, str(tmp_path / "tables.md")])
    assert getattr(arguments(), option[2:]) == tmp_path / "tables.md"
    monkeypatch.setattr("sys.argv", ["benchmarks", option, str(tmp_path / "nowhere" / "tables.md")])
    with pytest.raises(SystemExit):
        arguments()
    assert "there is no folder" in capsys.readouterr().err

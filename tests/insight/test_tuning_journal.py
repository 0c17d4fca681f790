"""The file of trials: whole lines, read again as they were, never mixed with trials of something else."""

import json
import math
from pathlib import Path

import pytest
from tuning_problems import START

from schuss import OutputError, RecordError, SchussWarning
from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.journal import Journal, Measured

ABOUT = {"data": "abc", "seed": 0}
SOME = [
    Measured(START, Unit(0, 1, 1 / 3), 0.1 + 0.2),
    Measured(START, Unit(0, 1), math.inf, diverged_at=17),
    Measured(START.shortened(0.5), Unit(1, 0), 1.5),
]


def written(folder: Path) -> Path:
    journal = Journal(ABOUT, folder)
    journal.add(SOME[:1])
    journal.add(SOME[1:])
    journal.close()
    return folder / "trials.jsonl"


def reread(folder: Path) -> list[Measured]:
    journal = Journal(ABOUT, folder)
    journal.close()
    return list(journal.found.values())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """To the last bit, infinities included; every line is JSON by itself."""
    path = written(tmp_path / "study")

    assert reread(tmp_path / "study") == SOME
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"format": 2, **ABOUT, "source": None}
    assert lines[2]["score"] is None
    assert lines[2]["diverged_at"] == 17


def test_a_kill_costs_the_line_that_it_cut(tmp_path: Path) -> None:
    """Wherever it cut; what is added then stands on lines of its own."""
    path = written(tmp_path / "study")
    content = path.read_bytes()
    last = content.rfind(b"\n", 0, -1) + 1
    for cut in (last, last + 1, last + 30, len(content) - 1):
        path.write_bytes(content[:cut])
        assert reread(tmp_path / "study") == SOME[:2]
        journal = Journal(ABOUT, tmp_path / "study")
        journal.add(SOME[2:])
        journal.close()
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"data": "xyz", "seed": 0}, "another data"),
        ({"data": "abc", "seed": 1}, "another seed: 0 there, 1 now"),
    ],
)
def test_trials_of_something_else_are_refused(tmp_path: Path, about: dict[str, object], told: str) -> None:
    """The sentence says what differs, and the file stays as it is."""
    path = written(tmp_path / "study")
    before = path.read_bytes()
    with pytest.raises(RecordError, match=told):
        Journal(about, tmp_path / "study")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "told"), [("{no", "line 3, is damaged"), ('{"score": 1}', "is damaged"), ("[1]", "is damaged")]
)
def test_damage_is_named(tmp_path: Path, line: str, told: str) -> None:
    """A line in the middle that cannot be read is no kill's work."""
    path = written(tmp_path / "study")
    lines = path.read_text().splitlines()
    lines[2] = line
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(RecordError, match=told):
        Journal(ABOUT, tmp_path / "study")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """It holds no word about what it is of."""
    path = written(tmp_path / "study")
    path.write_bytes(b"")
    with pytest.raises(RecordError, match="is empty"):
        Journal(ABOUT, tmp_path / "study")


def test_a_full_disk_does_not_end_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning says so once; what was measured stays in memory, and the file opens."""
    journal = Journal(ABOUT, tmp_path / "study")
    journal.add(SOME[:1])

    def full(path: Path, _: bytes) -> None:
        with path.open("ab") as file:
            file.write(b'{"setting"')
        raise OutputError(f"cannot write {path}: the disk is full.")

    monkeypatch.setattr("schuss.insight.tuning.journal.append", full)
    with pytest.warns(SchussWarning, match="disk is full.*goes on without keeping"):
        journal.add(SOME[1:2])
    journal.add(SOME[2:])
    journal.close()
    assert list(journal.found.values()) == SOME
    assert reread(tmp_path / "study") == SOME[:1]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second one is told so; after the first has closed it may go on."""
    first = Journal(ABOUT, tmp_path / "study")
    with pytest.raises(RecordError, match="another process"):
        Journal(ABOUT, tmp_path / "study")
    first.close()
    assert reread(tmp_path / "study") == []

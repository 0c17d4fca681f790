"""The trials of a search on disk: a text file with one JSON object a line, only ever added to.

The first line says what all trials have in common; each further one is a measurement. Together they hold the
causes of every score. Whole lines are added; one that a kill has cut off is taken away when the file is
opened again.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from schuss.errors import OutputError, RecordError, SchussWarning
from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.setting import Setting
from schuss.training.record import append, claim, make_folder, write_whole

__all__ = ["Journal", "Measured", "difference", "is_study", "read_journal"]

FORMAT = 2
TRIALS, LOCK = "trials.jsonl", "lock"
SHOWN = 40  # characters of a value that differs


@dataclass(frozen=True)
class Measured:
    """What came of a setting on one fold.

    Attributes
    ----------
    setting : Setting
    unit : Unit
    score : float
        Lower is better; infinite if the training diverged.
    diverged_at : int or None
        The step at which it did.
    """

    setting: Setting
    unit: Unit
    score: float
    diverged_at: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as plain JSON values; a score that is not finite is null."""
        score = self.score if math.isfinite(self.score) else None
        return {
            "setting": self.setting.to_dict(),
            **self.unit._asdict(),
            "score": score,
            "diverged_at": self.diverged_at,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Measured:
        """Return the measurement that `to_dict` described."""
        unit = Unit(value["repeat"], value["fold"], value["share"])
        score = math.inf if value["score"] is None else float(value["score"])
        return cls(Setting.from_dict(value["setting"]), unit, score, value["diverged_at"])


class Journal:
    """Measurements in the order in which they were made; kept in a file if there is one.

    Parameters
    ----------
    about : dict
        What the trials have in common, as JSON values; a file that says otherwise is refused.
    folder : Path, optional
        Where the file is, or is to be.
    source : str, optional
        Where the data can be read again: written into a new file, and compared with nothing.
    """

    def __init__(self, about: dict[str, Any], folder: Path | None = None, source: str | None = None) -> None:
        self.found: dict[tuple[Setting, Unit], Measured] = {}
        self.settings: dict[Setting, None] = {}  # a set in the order of trying
        self.folder = folder
        self._full = False
        self._lock: IO[bytes] | None = None
        if folder is not None:
            self._open(folder, about, source)

    def add(self, measured: Sequence[Measured]) -> None:
        """Add measurements; if they cannot be written any more, a warning says so, and memory must do."""
        self._remember(measured)
        if self.folder is None or self._full:
            return
        try:
            append(self.folder / TRIALS, "".join(_line(each.to_dict()) for each in measured).encode())
        except OutputError as error:
            self._full = True
            warnings.warn(
                f"{error} The search goes on without keeping its trials.", SchussWarning, stacklevel=2
            )

    def close(self) -> None:
        """Let another process go on with the file."""
        if self._lock is not None:
            self._lock.close()

    def _open(self, folder: Path, about: dict[str, Any], source: str | None) -> None:
        path = folder / TRIALS
        if not path.is_file():
            make_folder(folder, (LOCK,))
        self._lock = claim(folder / LOCK)
        if self._lock is None:
            raise RecordError(f"another process is adding trials to {folder}; wait for it, or name another.")
        try:
            if path.is_file():
                self._remember(_reopened(folder, about))
            else:
                write_whole(path, _line({"format": FORMAT, **about, "source": source}).encode())
        except BaseException:
            self.close()
            raise

    def _remember(self, measured: Sequence[Measured]) -> None:
        self.found.update({(each.setting, each.unit): each for each in measured})
        self.settings.update((each.setting, None) for each in measured)


def is_study(folder: Path) -> bool:
    """Whether trials are kept in `folder`."""
    return (folder / TRIALS).is_file()


def read_journal(folder: Path) -> tuple[dict[str, Any], list[Measured]]:
    """Return what trials have in common, and the measurements; changes nothing, a search may be under way.

    Raises
    ------
    RecordError
        The file is damaged, or of another version of the program.
    """
    path = folder / TRIALS
    about, *lines = _read(path, _whole(path.read_bytes()))
    _check_same(path, about, {"format": FORMAT})
    try:
        return about, [Measured.from_dict(line) for line in lines]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path} is damaged: {error}. Name a new folder for the study.") from None


def difference(there: dict[str, Any], here: dict[str, Any]) -> str | None:
    """Return in words the first of what we have that trials that are there have not; None if all is alike."""
    for name, value in here.items():
        if there.get(name) != value:
            was, now = (_short(each) for each in (there.get(name), value))
            return f"another {name.replace('_', ' ')}: {was} there, {now} now"
    return None


def _check_same(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    if (other := difference(there, here)) is not None:
        raise RecordError(
            f"{path} holds trials with {other}. Trials can be compared on the same data and folds alone; "
            "name a new folder for the study."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _reopened(folder: Path, about: dict[str, Any]) -> list[Measured]:
    """Return the measurements of a file, and take away what a kill has left at its end."""
    path, (there, known) = folder / TRIALS, read_journal(folder)
    _check_same(path, there, about)
    content = path.read_bytes()
    if (whole := _whole(content)) != content:
        write_whole(path, whole)
    return known


def _whole(content: bytes) -> bytes:
    """Return the lines without what a kill has left at their end."""
    return content[: content.rfind(b"\n") + 1]


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def _read(path: Path, content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            found.append(dict(json.loads(line)))
        except (TypeError, ValueError):
            raise RecordError(
                f"{path}, line {number}, is damaged. Take the line out, or name a new folder for the study."
            ) from None
    if not found:
        raise RecordError(f"{path} is empty; name a new folder for the study.")
    return found

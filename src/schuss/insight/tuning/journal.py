"""The trials of a search on disk: a text file with one JSON object a line, only ever added to.

The first line says what is sought; each further one is a measurement. Whole lines are added; one that a kill
has cut off is taken away when the file is opened again.
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

__all__ = ["Journal", "Measured"]

FORMAT = 1
TRIALS, LOCK = "trials.jsonl", "lock"


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
    """Measurements in the order in which they were made; kept in a file if there is one."""

    def __init__(self, about: dict[str, Any], folder: Path | None = None) -> None:
        self.found: dict[tuple[Setting, Unit], Measured] = {}
        self.settings: dict[Setting, None] = {}  # a set in the order of trying
        self.folder = folder
        self._full = False
        self._lock: IO[bytes] | None = None
        if folder is not None:
            self._open(folder, about)

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

    def _open(self, folder: Path, about: dict[str, Any]) -> None:
        path = folder / TRIALS
        if not path.is_file():
            make_folder(folder, (LOCK,))
        self._lock = claim(folder / LOCK)
        if self._lock is None:
            raise RecordError(f"another process is adding trials to {folder}; wait for it, or name another.")
        try:
            if path.is_file():
                self._remember(_reopened(path, about))
            else:
                write_whole(path, _line({"format": FORMAT, **about}).encode())
        except BaseException:
            self.close()
            raise

    def _remember(self, measured: Sequence[Measured]) -> None:
        self.found.update({(each.setting, each.unit): each for each in measured})
        self.settings.update((each.setting, None) for each in measured)


def _reopened(path: Path, about: dict[str, Any]) -> list[Measured]:
    """Return the measurements of a file, and take away what a kill has left at its end."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    first, *rest = _read(path, whole)
    _check_same(path, first, json.loads(_line({"format": FORMAT, **about})))
    try:
        known = [Measured.from_dict(line) for line in rest]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path} is damaged: {error}. Name a new folder for the study.") from None
    if len(whole) < len(content):
        write_whole(path, whole)
    return known


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def _read(path: Path, content: bytes) -> list[dict[str, Any]]:
    lines = content.splitlines()
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError:
            raise RecordError(
                f"{path}, line {number}, is damaged. Take the line out, or name a new folder for the study."
            ) from None
    if not found:
        raise RecordError(f"{path} is empty; name a new folder for the study.")
    return found


def _check_same(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    for name, value in here.items():
        if there.get(name) != value:
            raise RecordError(
                f"{path} holds trials with another {name}: {there.get(name)!r} there, {value!r} now. Trials "
                "can be compared on the same data and folds alone; name a new folder for the study."
            )

"""The trials of a search with all that made them: any of them becomes a recorded run when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from schuss.adapters.columns import Table
from schuss.adapters.model import Model
from schuss.adapters.recorded import is_run, open_run
from schuss.adapters.study_terms import Terms
from schuss.adapters.tables import read_table
from schuss.adapters.tuning_problem import problem_of
from schuss.errors import RecordError, did_you_mean
from schuss.insight.tuning.journal import Measured, difference, is_study, read_journal
from schuss.insight.tuning.trial import Trial, trials_of
from schuss.method.checks import check_integer
from schuss.method.samples import Samples
from schuss.training.record import NextFree
from schuss.training.run import Run
from schuss.training.telling import Tick, silent
from schuss.training.train import train

__all__ = ["Study", "load_study", "trial_at"]

CUT_OFF = ("unfinished", "interrupted")  # by a kill or by Ctrl-C


@dataclass(frozen=True, eq=False)
class Study:
    """The trials of a search, without the data that they were made on.

    Attributes
    ----------
    about : dict
        What the trials have in common, as the first line of their file has it.
    measured : tuple of Measured
        Every measurement in the order in which they were made.
    folder : Path or None
        Where they are kept.
    """

    about: dict[str, Any]
    measured: tuple[Measured, ...]
    folder: Path | None = None

    @cached_property
    def terms(self) -> Terms:
        """What all trainings have in common."""
        return Terms.from_dict(self.about)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All settings that were tried, by number."""
        return trials_of(self.measured, self.about["folds"])

    def trial(self, number: int) -> Trial:
        """Return the trial of this number; SettingError if there is none."""
        return self.trials[check_integer("trial", number, low=1, high=len(self.trials)) - 1]

    def command(self, number: int, data: str) -> str:
        """Return the ``schuss train …`` that trains a trial's setting on `data` to the bits of `train`."""
        return self.terms.command(self.trial(number).setting, data)

    def check(self, data: Any) -> Table:
        """Return `data` as a table if the trials were made on it.

        Raises
        ------
        DataError
            It lacks the target, for one.
        RecordError
            The rows that are learned from are others.
        """
        table, terms = read_table(data), self.terms
        prepared = terms.prepared(table)
        here = terms.about(prepared, problem_of(table, prepared, terms.seed), self.about["driver"])
        if (other := difference(self.about, here)) is not None:
            place = "memory" if self.folder is None else self.folder
            raise RecordError(f"the trials in {place} are of {other}. Give the data that they were made on.")
        return table

    def train(
        self,
        data: Any,
        number: int,
        *,
        record: Path | NextFree | None = None,
        threads: int | None = None,
        source: str | None = None,
        progress: Callable[[Tick], None] | None = None,
        tell: Callable[[str], object] = silent,
    ) -> Model:
        """Train a trial's setting as `tune` trains the best, and record it if a folder is given.

        Parameters
        ----------
        data : Table, path, frame, dict or array
            That of the study.
        number : int
            Of the trial, from 1.
        record, threads, source, progress, tell
            As for `fit_model`.

        Raises
        ------
        SettingError
            There is no such trial.
        DataError, RecordError
            The data are others, as for `check`.
        DivergenceError
            The setting diverges on all rows.
        """
        setting, table = self.trial(number).setting, self.check(data)
        return self.terms.fit(
            table, setting, record=record, threads=threads, source=source, progress=progress, tell=tell
        )

    def run(self, number: int, *, tell: Callable[[str], object] = silent) -> Run:
        """Return a trial as a run, recorded in the folder of the study; trained when it is first asked for.

        Parameters
        ----------
        number : int
            Of the trial, from 1.
        tell : callable, optional
            Told in sentences what was decided.

        Raises
        ------
        SettingError
            There is no such trial.
        RecordError
            Where the data can be read again is not known, or they are others now.
        DivergenceError
            The setting diverges on all rows.
        """
        number, place = self.trial(number).number, self.place_of(number)
        if not is_run(place):
            source = self.about.get("source")
            if source is None:
                raise RecordError(
                    f"{self.folder} does not say where its data can be read again; give them: schuss tune "
                    f"DATA --study {self.folder} --trial {number}, or study.train(data, {number}, record=…)."
                )
            tell(f"Trial {number} is trained and recorded in {place}.")
            self.train(_with_targets(source, self.terms.targets), number, record=place, source=source)
        found = open_run(place)
        if found.stopped not in CUT_OFF:
            return found
        tell(f"Trial {number} was cut off at step {found.state.step}; it goes on from there.")
        train(resume=place, **_given(found.origin))  # where they were too large to be kept
        return open_run(place)

    def place_of(self, number: int) -> Path:
        """Return where a trial is recorded; RecordError of trials that are not kept."""
        if self.folder is None:
            raise RecordError("these trials are kept in memory alone; tune(…, study=FOLDER) keeps them.")
        return self.folder / str(number)


def _given(origin: Samples | str) -> dict[str, Any]:
    """Return the data of a run that was opened with them, as they are given to a training."""
    if isinstance(origin, str):
        return {}
    return {"X": origin.X, "T": origin.T if origin.classes is None else origin.classes}


def _with_targets(source: str, targets: Sequence[str]) -> Table:
    """Return a table again, without the rows that lack a target: they were refused, or left out."""
    table = read_table(source)
    return table.take(np.flatnonzero(~table.missing(targets)))


def trial_at(path: Path) -> tuple[Study, int] | None:
    """Return the trial that `path` is the place of, as STUDY/7; None if it is none's."""
    if not (path.name.isdigit() and is_study(path.parent)):
        return None
    return load_study(path.parent), int(path.name)


def load_study(folder: str | os.PathLike[str]) -> Study:
    """Open the trials that `tune` has kept in a folder, also while a search adds to them.

    Raises
    ------
    RecordError
        There are none, or the file is damaged.
    """
    place = Path(folder)
    if not is_study(place):
        others = sorted(each.name for each in place.parent.glob("*") if is_study(each))
        there = f"are {', '.join(others)}{did_you_mean(place.name, others)}" if others else "is none"
        raise RecordError(f"there is no study in {place}; in {place.parent} there {there}.")
    about, measured = read_journal(place)
    study = Study(about, tuple(measured), place)
    try:
        _ = study.terms, about["driver"], about["folds"]
    except (KeyError, TypeError) as error:
        raise RecordError(f"what {place} says of its trials is damaged: {error}.") from None
    return study

"""Where the command line records runs: a folder ``runs`` here, or the one that SCHUSS_RUNS names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from schuss.errors import OutputError
from schuss.interface.cli.output import say

if TYPE_CHECKING:
    from schuss.adapters.model import Model
    from schuss.training.record import NextFree
    from schuss.training.run import Run

__all__ = [
    "MODEL",
    "model_named",
    "named_place",
    "place_for",
    "place_of",
    "source_of",
    "study_place",
    "tell_recorded",
]


MODEL = "A model file; or a recorded run: its folder, or its name in the folder runs."


def runs_folder() -> Path:
    """Return the folder in which runs are recorded by name."""
    return Path(os.environ.get("SCHUSS_RUNS") or "runs")


def place_of(name: str) -> Path:
    """Return the folder of the run called `name`: a path to one, or a name in the runs folder.

    A trial of a study, as STUDY/7, is recorded there if it is not yet.
    """
    from schuss.adapters.recorded import is_run

    here, there = Path(name), runs_folder() / name
    if not is_run(here):
        _record_trial(here)
        _record_trial(there)
    elsewhere = _is_path(name) and not is_run(there)
    return here if is_run(here) or elsewhere else there


def model_named(name: str) -> Model:
    """Return the model in the file `name`, or that the recorded run called so ended with."""
    from schuss.adapters.model_file import load_model
    from schuss.adapters.recorded import is_run

    here = Path(name)
    place = here if here.is_file() else place_of(name)
    return load_model(place if is_run(place) else here)


def _record_trial(path: Path) -> None:
    """Record the trial that `path` is the place of, if it is one's and holds no run."""
    if path.name.isdigit():
        from schuss.adapters.study import trial_at

        if (found := trial_at(path)) is not None:
            study, number = found
            study.run(number, tell=say)


def place_for(name: str | None, data: str) -> Path | NextFree | None:
    """Return the folder for a new run, named after its data where its name is None or empty.

    None, with a word, where that is None and no run can be recorded here.

    Raises
    ------
    OutputError
        The place that was asked for is taken, or cannot be written.
    """
    if name:
        path = named_place(name)
        if path.exists():
            raise OutputError(f"{path} is there already; choose another --record name.")
        return path
    return _free_place(data, required=name is not None)


def study_place(name: str | None, data: str) -> Path | NextFree | None:
    """Return the folder for the trials of a search: the one called `name`, which may be there, or a new one.

    None, with a word, where none was named and none can be made here.
    """
    return named_place(name) if name is not None else _free_place(data, "-study")


def named_place(name: str) -> Path:
    """Return the folder called `name`: a path, or a name in the runs folder."""
    return Path(name) if _is_path(name) else runs_folder() / name


def _is_path(name: str) -> bool:
    """Whether it says where, as ./here and there/here do, or is a name alone."""
    return Path(name).name != name


def _free_place(data: str, ending: str = "", *, required: bool = False) -> NextFree | None:
    """Return a new folder named after the data, or None, with a word, where none can be made or required."""
    from schuss.training.record import NextFree

    folder = runs_folder()
    standing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not required and not (standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)):
        what = "trials are" if ending else "run is"
        say(f"the {what} not recorded: {folder.absolute()} cannot be written.")
        return None
    word = re.sub(r"[^\w.-]+", "-", Path(data).name.split(".")[0]).strip("-") or "run"
    return NextFree(folder / f"{word}{ending}")


def source_of(data: str) -> str | None:
    """Return where a table given as `data` can be read again; standard input cannot."""
    if data == "-":
        return None
    path = Path(data)
    return str(path.resolve()) if path.exists() else data


def tell_recorded(run: Run) -> None:
    """Say where a run was recorded, and what can be asked of it."""
    if run.folder is not None:
        say(f"recorded in {run.folder}; try: schuss explain {quote(str(run.folder))}")

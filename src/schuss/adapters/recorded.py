"""A recorded run as a model, and its data found again where they were too large to be kept with it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from schuss.adapters.fitting import Prepared, prepare
from schuss.adapters.model import Model
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target
from schuss.errors import DataError, RecordError, SchussWarning
from schuss.method.samples import Samples
from schuss.training.opening import load_run
from schuss.training.run import Run
from schuss.training.run_folder import RunFolder

__all__ = ["is_run", "model_of", "open_run", "prepared_again"]


def is_run(path: Path) -> bool:
    """Whether a recorded run stands at `path`."""
    return (path / "run.json").is_file()


def model_of(run: Run) -> Model:
    """Return a recorded run with the preprocessing that was recorded with it, if any was.

    Raises
    ------
    RecordError
        What was recorded is damaged.
    """
    about = run.about
    if "preprocessor" not in about:
        return Model(run)
    try:
        targets = tuple(Target.from_dict(target) for target in about["targets"])
        return Model(run, Preprocessor.from_dict(about["preprocessor"]), targets)
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"the preprocessing recorded in {run.folder} is damaged: {error}.") from error


def prepared_again(run: Run) -> Prepared | None:
    """Return what the run was trained on and the rows kept for testing, read again from their source.

    None where no source was recorded, it cannot be read any more, or it holds other data now.
    """
    about = run.about
    if not about.get("source"):
        return None
    try:
        table = read_table(about["source"])
        names = [target["name"] for target in about["targets"]]
        there = np.flatnonzero(~table.missing(names))  # others were refused, or left out, before the training
        found = prepare(table.take(there), names, **about["prepared_with"])
    except DataError:
        return None
    kept = run.kept
    if not isinstance(kept, RunFolder):
        return None
    samples = Samples.check(run.network, found.X, found.T, kept.told["dtype"])
    if samples.fingerprint() != kept.told["inputs_and_targets"]:
        warnings.warn(
            f"{about['source']} holds other data than when {kept.path} was recorded.",
            SchussWarning,
            stacklevel=2,
        )
        return None
    return found._replace(rows=there[found.rows])


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a recorded run with its data: those kept with it, or read again from their source.

    Raises
    ------
    RecordError, ReplayError
        As `schuss.load_run`.
    """
    run = load_run(path)
    if not isinstance(run.origin, str):
        return run
    found = prepared_again(run)
    return run if found is None else load_run(path, found.X, found.T)

"""A recorded run, opened from its folder: nothing is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import EngineInfo
from schuss.errors import RecordError, ReplayError
from schuss.method.means import epoch_means
from schuss.method.samples import Samples
from schuss.training.checkpoint import Checkpoint
from schuss.training.run import Run
from schuss.training.run_folder import RunFolder

__all__ = ["UNFINISHED", "latest", "load_run", "samples_for"]

UNFINISHED = "unfinished"


def load_run(path: str | os.PathLike[str], X: Any = None, T: Any = None, weights: Any = None) -> Run:
    """Open a recorded run, at its last whole checkpoint.

    Parameters
    ----------
    path : path
        The folder that was given as ``record=``.
    X, T, weights : array_like, optional
        The data, where they were too large to be kept with the run.

    Returns
    -------
    Run
        Its `stopped` is ``"unfinished"`` where the training was killed.

    Raises
    ------
    RecordError
        No run stands there, or no checkpoint of it is whole. A damaged one that is passed over is named in a
        warning.
    ReplayError
        The data given are not those of the run.
    """
    folder = RunFolder(Path(path))
    found = latest(folder)
    given = None if X is None else (X, T, weights)
    samples = folder.samples() if given is None else samples_for(folder, given)
    losses = _with_gaps(folder.losses(), found.state.step)
    loss = epoch_means(losses, found.plan, folder.told["n_samples"])
    judged = np.full(len(loss) if folder.told["validation"] else 0, np.nan)
    judged[: len(found.judged)] = found.judged[: len(judged)]
    return Run(
        network=folder.network,
        plan=found.plan,
        state=found.state,
        loss=loss,
        step_loss=losses,
        validation_loss=judged,
        best=found.best,
        average=None if found.average is None else found.average.astype(found.state.theta.dtype),
        reached=found.reached,
        stopped=found.stopped or UNFINISHED,
        engine=EngineInfo(**folder.told["engine"]),
        seconds=found.seconds,
        n_samples=folder.told["n_samples"],
        origin=samples or folder.told["data"],
        kept=folder,
    )


def latest(folder: RunFolder) -> Checkpoint:
    """Return the last checkpoint that is whole."""
    for found in folder.good():
        return found
    raise RecordError(f"{folder.path} has no whole checkpoint; the training was stopped before its first.")


def samples_for(folder: RunFolder, given: tuple[Any, Any, Any] | None) -> Samples:
    """Return the samples of a run: those given, if they are its own, or those kept with it.

    Raises
    ------
    ReplayError
        None were given and none kept, or others than those of the run.
    """
    if given is None:
        kept = folder.samples()
        if kept is None:
            raise ReplayError(
                f"the data of {folder.path} were too large to be kept; give X, T (and weights) as then."
            )
        return kept
    X, T, weights = given
    weights = folder.weights() if weights is None else weights
    samples = Samples.check(folder.network, X, T, folder.told["dtype"], weights)
    if len(samples) != folder.told["n_samples"]:
        raise ReplayError(f"the run has {folder.told['n_samples']} samples; got {len(samples)}.")
    if samples.fingerprint() != folder.told["data"]:
        raise ReplayError("these are not the data of the run: their numbers differ (SHA-256).")
    return samples


def _with_gaps(losses: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Return the losses of `steps` steps, NaN where the file of losses is damaged."""
    found = np.full(steps, np.nan)
    found[: len(losses)] = losses[:steps]
    return found

"""How a recording begins: what is to be known of a run before its first step."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from schuss.engine.threads import usual_threads
from schuss.errors import OutputError, SettingError
from schuss.method.samples import Samples, is_sparse
from schuss.training.checkpoint import progress_to
from schuss.training.content import Content
from schuss.training.keep import Keep
from schuss.training.loop import Loop
from schuss.training.norms import Norms
from schuss.training.record import NextFree, claim, make_folder
from schuss.training.recorder import Recorder
from schuss.training.replay import InMemory
from schuss.training.run_folder import LEFT, RunFolder
from schuss.training.sealed import package_version, soon
from schuss.training.setup import Judge
from schuss.training.stored_samples import DATA, arrays_of

__all__ = ["begin"]


def begin(
    loop: Loop,
    place: str | os.PathLike[str] | NextFree,
    keep: Keep,
    about: Mapping[str, Any],
    held_out: Samples | Judge | None = None,
    parent: Mapping[str, Any] | None = None,
) -> None:
    """Let a training that is ready be recorded in a new folder.

    Raises
    ------
    SettingError
        `about` holds something that JSON has no form for.
    OutputError
        The folder is not empty, cannot be written, or another process records there.
    """
    if not isinstance(keep, Keep):
        raise SettingError(f"keep must be a Keep, such as Keep(seconds=10); got {keep!r:.80}.")
    samples, kept = loop.samples, dict[str, Content]()
    how = {"is_sparse": is_sparse(samples.X), "is_alone": usual_threads() == 1}
    every = keep.norms_every(loop.network, loop.plan.batch_of(len(samples)), **how)
    told = _description(loop, held_out) | {
        "keep": keep.to_dict() | {"norms": every},
        "parent": parent,
        "about": about,
    }
    try:
        json.dumps(told, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingError(f"about must hold plain JSON values: {error}.") from error
    for name, some in (("data", samples), ("validation", held_out)):
        if isinstance(some, Samples) and _bytes(some) <= keep.data_size:
            kept[name] = DATA.close({}, arrays_of(some))
    if samples.weights is not None:
        kept["weights"] = DATA.close({}, {"weights": samples.weights})
    prints = soon(partial(_fingerprints, samples), _bytes(samples))  # while the data are written
    losses = loop.last_losses(loop.state.step)
    none = Norms(every, 0, np.empty((0, 3), loop.state.theta.dtype))
    norms = none.up_to(loop.state.step)  # a fork's were not taken
    path, lock = _claimed(place)
    try:
        folder = RunFolder.create(path, told, prints, kept, loop.checkpoint(), losses, norms)
        loop.recorder = Recorder(folder, keep, lock, loop.state.nbytes, norms, len(losses))
    except BaseException:
        lock.close()
        raise
    loop.kept = folder


def _description(loop: Loop, held_out: Samples | Judge | None) -> dict[str, Any]:
    """Return what is to be known of a training and of what makes it."""
    return {
        "versions": {
            "schuss": package_version("schuss"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "network": loop.network.to_dict(),
        "plan": loop.plan.to_dict(),
        "dtype": loop.state.theta.dtype.name,
        "n_samples": len(loop.samples),
        "validation": held_out.fingerprint() if isinstance(held_out, Samples) else held_out and "function",
        "drawn": isinstance(loop.kept, InMemory)
        and "normal" not in loop.network.init.name,  # docs/promises.md
        "reached": progress_to(loop.reached),
        "engine": loop.engine.info.to_dict(),
    }


def _fingerprints(samples: Samples) -> dict[str, str]:
    """Return checksums of the samples, with their weights and without."""
    data = samples.fingerprint()
    bare = data if samples.weights is None else replace(samples, weights=None).fingerprint()
    return {"data": data, "inputs_and_targets": bare}


def _claimed(place: str | os.PathLike[str] | NextFree) -> tuple[Path, IO[bytes]]:
    """Return a folder for this process alone, and the lock that says so: before anything is written there."""
    if isinstance(place, NextFree):
        path = place.made()
    elif not os.fspath(place):
        raise SettingError("record must name a folder; got an empty name.")
    else:
        path = make_folder(Path(place), LEFT)
    lock = claim(path / "lock")
    if lock is None:
        raise OutputError(f"another process records in {path}; name a new folder.")
    return path, lock


def _bytes(samples: Samples) -> int:
    return sum(array.nbytes for array in arrays_of(samples).values())

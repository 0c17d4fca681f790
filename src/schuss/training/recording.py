"""How a recording begins: what is to be known of a run before its first step."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from schuss.engine.engine import norms_before
from schuss.errors import SettingError
from schuss.method.samples import Samples
from schuss.training.checkpoint import progress_to
from schuss.training.keep import Keep
from schuss.training.loop import Loop
from schuss.training.recorder import Recorder
from schuss.training.replay import InMemory
from schuss.training.run_folder import RunFolder
from schuss.training.sealed import package_version
from schuss.training.setup import Judge
from schuss.training.stored_samples import arrays_of

__all__ = ["begin"]


def begin(
    loop: Loop,
    path: Path,
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
        The folder is not empty, or cannot be written.
    """
    samples = loop.samples
    kept = {"data": samples} if _bytes(samples) <= keep.data_size else {}
    if isinstance(held_out, Samples) and _bytes(held_out) <= keep.data_size:
        kept["validation"] = held_out
    told = {
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
        "n_samples": len(samples),
        "data": samples.fingerprint(),
        "validation": held_out.fingerprint() if isinstance(held_out, Samples) else held_out and "function",
        "drawn": isinstance(loop.kept, InMemory)
        and "normal" not in loop.network.init.name,  # docs/promises.md
        "reached": progress_to(loop.reached),
        "engine": loop.engine.info.to_dict(),
        "keep": keep.to_dict(),
        "parent": parent,
        "about": about,
    }
    try:
        json.dumps(told, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingError(f"about must hold plain JSON values: {error}.") from error
    losses = loop.last_losses(loop.state.step)
    norms = np.full((norms_before(loop.state.step, keep.norms), 3), np.nan)  # a fork's were not taken
    folder = RunFolder.create(path, told, kept, loop.checkpoint(), losses, norms)
    loop.recorder = Recorder(folder, keep, loop.state.nbytes, len(losses), len(norms))
    loop.made = [made._replace(norms=norms) for made in loop.made]
    loop.kept = folder


def _bytes(samples: Samples) -> int:
    return sum(array.nbytes for array in arrays_of(samples).values())

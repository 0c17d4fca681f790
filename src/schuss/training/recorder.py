"""Keeps a training as it goes: what is written at a checkpoint, and which older ones are given up.

Where the disk refuses, the training goes on without.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from typing import IO

import numpy as np

from schuss.errors import OutputError, SchussWarning
from schuss.method.functions import Array
from schuss.training.checkpoint import Checkpoint
from schuss.training.keep import Keep
from schuss.training.norms import NO_NORMS, ComingNorms, Norms
from schuss.training.pace import Pace
from schuss.training.past_cache import LARGE
from schuss.training.run_folder import RunFolder

__all__ = ["Recorder"]

SLOWEST = 2e8  # bytes a second of a disk for which that is no faster
DISK_SPEED = 1e9  # bytes a second, until a checkpoint has been written
LOSS_BYTES = 8  # of a step


class Recorder:
    """The recording of one training under way.

    Parameters
    ----------
    folder : RunFolder
    keep : Keep
    lock : file
        Keeps other processes away until it is closed.
    size : int
        About how many bytes a checkpoint takes.
    norms : Norms
        Those that are on the disk already.
    written : int
        How many losses are.

    Attributes
    ----------
    written : int
        Steps whose losses are on the disk.
    norms : ComingNorms
        The training adds to them.
    full : bool
        Whether no more losses are kept.

    """

    def __init__(
        self,
        folder: RunFolder,
        keep: Keep,
        lock: IO[bytes],
        size: int,
        norms: Norms,
        written: int = 0,
    ) -> None:
        self.folder, self.keep, self.written = folder, keep, written
        self.norms, self._norm_bytes = ComingNorms(norms), 3 * norms.rows.itemsize
        self._lock = lock
        self._sizes = folder.sizes()
        self._pace = Pace(keep.seconds, size / DISK_SPEED)
        self._failed = self.full = False
        self._cached = size < LARGE
        self._most_losses = int(keep.size / 2 / LOSS_BYTES)
        self._most_norms = int(keep.size / 4 / self._norm_bytes)

    def until(self, step: int) -> int:
        """Return up to which step the training may go on before it asks again whether something is due."""
        return sys.maxsize if self._failed else self._pace.until(step)

    def is_due(self, step: int) -> bool:
        """Return whether a checkpoint is due at `step`."""
        return self._pace.is_due(step) and not self._failed

    def write(self, checkpoint: Checkpoint, losses: Sequence[Array]) -> None:
        """Keep a checkpoint, the losses from `written` on, in parts, and the norms that have come."""
        if self._failed:
            return
        began = time.perf_counter()
        step, count = checkpoint.state.step, sum(map(len, losses))
        if self.written + count > self._most_losses:
            losses, count, self.full = [], 0, True
        try:
            self.folder.add_losses(self.written, losses)
            self._write_norms()
            size = self.folder.write(checkpoint, cached=self._cached)
        except OutputError as error:
            self._failed, self.norms = True, ComingNorms(NO_NORMS)
            last = max(self._sizes, default=0)
            warnings.warn(
                f"{error} The training goes on, but its recording ends at step {last}.",
                SchussWarning,
                stacklevel=5,
            )
            return
        self.written += count
        self._sizes[step] = size
        self._thin(self.keep.size - LOSS_BYTES * self.written - self._norm_bytes * self.norms.written)
        self._pace.wrote(time.perf_counter() - began)
        self._cached |= size < SLOWEST * self._pace.writing

    def _write_norms(self) -> None:
        if times := self.norms.halvings_for(self._most_norms):
            self.norms.thin(times)
            self.folder.thin_norms(times)
        first, halvings = self.norms.written, self.norms.halvings
        self.folder.add_norms(first, self.norms.hand_over(), halvings)

    def go_back(self, losses: Array, norms: Norms, step: int) -> None:
        """Leave on the disk what a training had made up to `step`, from where it goes on."""
        if len(losses) > self._most_losses:
            losses, self.full = losses[: self._most_losses], True
        self.folder.go_back(losses, norms, step)
        self.written, self.norms = len(losses), ComingNorms(norms)
        self._sizes = {kept: size for kept, size in self._sizes.items() if kept <= step}

    def _thin(self, most: float) -> None:
        """Give up checkpoints between others, where that leaves the smallest gap, until all fit."""
        while sum(self._sizes.values()) > most and len(self._sizes) > 3:
            steps = np.array(sorted(self._sizes))
            gaps = steps[2:] - steps[:-2]
            step = int(steps[1 + np.argmin(gaps[:-1])])  # neither the first nor the last two
            self.folder.give_up(step)
            del self._sizes[step]

    def close(self) -> None:
        """Let other processes have the run."""
        self._lock.close()

"""Keeps a training as it goes: when a checkpoint is due, and which older ones are given up.

Where the disk refuses, the training goes on without.
"""

from __future__ import annotations

import time
import warnings
from typing import IO

import numpy as np

from schuss.errors import OutputError, SchussWarning
from schuss.method.functions import Array
from schuss.training.checkpoint import Checkpoint
from schuss.training.keep import Keep
from schuss.training.run_folder import RunFolder

__all__ = ["Recorder"]

SHARE = 30  # of the time, what writing may take: one part
LARGE = 2**20  # bytes of a checkpoint that is better kept out of the page cache
SLOWEST = 2e8  # bytes a second of a disk for which that is no faster
DISK_SPEED = 6e8  # bytes a second, until a checkpoint has been written
STEPS_AT_FIRST = 64


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
    written, norms_written : int
        How much of the losses and norms is on the disk already.

    Attributes
    ----------
    written : int
        Steps whose losses are on the disk.
    norms_written : int
        Rows of norms that are.
    full : bool
        Whether no more losses and norms are kept.

    """

    def __init__(
        self,
        folder: RunFolder,
        keep: Keep,
        lock: IO[bytes],
        size: int,
        written: int = 0,
        norms_written: int = 0,
    ) -> None:
        self.folder, self.keep = folder, keep
        self.written, self.norms_written = written, norms_written
        self._lock = lock
        self._sizes = folder.sizes()
        self._spacing = self._spaced(size / DISK_SPEED)
        self._ended = self._asked = time.perf_counter()
        self._from, self._steps = 0, STEPS_AT_FIRST
        self._failed = self.full = False
        self._cached = size < LARGE
        self._most_losses = int(keep.size / 16)  # half of it, at 8 bytes each

    def until(self, step: int) -> int:
        """Return up to which step the training may go on before it asks again whether something is due."""
        self._asked, self._from = time.perf_counter(), step
        return step + self._steps

    def is_due(self, step: int) -> bool:
        """Return whether a checkpoint is due at `step`."""
        now = time.perf_counter()
        if step - self._from >= self._steps:  # else something else had cut the stretch short
            growth = min(4.0, self._spacing / max(now - self._asked, 1e-6))
            self._steps = max(1, int(self._steps * growth))
        return not self._failed and now - self._ended >= 0.6 * self._spacing

    def write(self, checkpoint: Checkpoint, losses: Array, norms: Array) -> None:
        """Keep a checkpoint, and the losses and norms from `written` and `norms_written` on."""
        if self._failed:
            return
        began = time.perf_counter()
        step = checkpoint.state.step
        if self.written + len(losses) > self._most_losses:
            losses, norms, self.full = losses[:0], norms[:0], True
        try:
            size = self.folder.write(
                checkpoint, self.written, losses, self.norms_written, norms, cached=self._cached
            )
        except OutputError as error:
            self._failed = True
            last = max(self._sizes, default=0)
            warnings.warn(
                f"{error} The training goes on, but its recording ends at step {last}.",
                SchussWarning,
                stacklevel=5,
            )
            return
        self.written += len(losses)
        self.norms_written += len(norms)
        self._sizes[step] = size
        self._thin(self.keep.size - 8 * self.written)
        self._ended = time.perf_counter()
        self._cached |= size / (self._ended - began) < SLOWEST
        self._spacing = self._spaced(self._ended - began)

    def go_back(self, losses: Array, norms: Array, step: int) -> None:
        """Leave on the disk what a training had made up to `step`, from where it goes on."""
        if len(losses) > self._most_losses:
            losses, self.full = losses[: self._most_losses], True
        self.folder.go_back(losses, norms, step)
        self.written, self.norms_written = len(losses), len(norms)
        self._sizes = {kept: size for kept, size in self._sizes.items() if kept <= step}

    def _spaced(self, seconds: float) -> float:
        """Return how far apart checkpoints lie that take so long to write."""
        return self.keep.seconds and max(self.keep.seconds, SHARE * seconds)

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

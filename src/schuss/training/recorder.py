"""Keeps a training as it goes: what is written at a checkpoint, and which older ones are given up.

Losses and norms that come fast are written beside the next steps. Where the disk refuses, the training goes
on without a recording.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import IO

import numpy as np

from schuss.errors import OutputError, SchussWarning
from schuss.method.functions import Array
from schuss.training.background import Background
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
MANY = 2**15  # steps whose losses and norms are written beside the next ones


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
        Steps whose losses are on the disk, or on their way.
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
        self._lock, self._background = lock, Background()
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

    def has_many(self, step: int) -> bool:
        """Return whether so many losses have come by `step` that they are better written before the next."""
        return step - self.written >= MANY and not self._failed and not self.full

    def write_beside(self, losses: Sequence[Array]) -> None:
        """Begin to write the losses from `written` on, in parts, and the norms that have come."""
        try:
            self._background.begin(self._taken(losses))
        except OutputError as error:
            self._give_up(error)

    def write(self, checkpoint: Checkpoint, losses: Sequence[Array]) -> None:
        """Keep a checkpoint, and before it the losses from `written` on, in parts, and the norms."""
        if self._failed:
            return
        began = time.perf_counter()
        try:
            self._background.wait()
            self._taken(losses)()
            size = self._sizes[checkpoint.state.step] = self.folder.write(checkpoint, cached=self._cached)
            self._thin(self.keep.size - LOSS_BYTES * self.written - self._norm_bytes * self.norms.written)
        except OutputError as error:
            self._give_up(error)
            return
        self._pace.wrote(time.perf_counter() - began)
        self._cached |= size < SLOWEST * self._pace.writing

    def _taken(self, losses: Sequence[Array]) -> Callable[[], None]:
        """Count losses, in parts, and the norms that have come as written, and return what writes them."""
        count = sum(map(len, losses))
        if self.written + count > self._most_losses:
            losses, count, self.full = [], 0, True
        times = self.norms.halvings_for(self._most_norms)
        if times:
            self.norms.thin(times)
        first_loss, first, halvings = self.written, self.norms.written, self.norms.halvings
        norms = self.norms.hand_over()
        self.written += count

        def write() -> None:
            self.folder.add_losses(first_loss, losses)
            if times:
                self.folder.thin_norms(times)
            self.folder.add_norms(first, norms, halvings)

        return write

    def _give_up(self, error: OutputError) -> None:
        """Let the training go on without a recording."""
        self._failed, self.norms = True, ComingNorms(NO_NORMS)
        last = max(self._sizes, default=0)
        warnings.warn(
            f"{error} The training goes on, but its recording ends at step {last}.",
            SchussWarning,
            stacklevel=6,
        )

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
        """Let other processes have the run, as soon as nothing is under way."""
        self._background.close()
        self._lock.close()

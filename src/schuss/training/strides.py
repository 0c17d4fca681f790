"""How many epochs are run at once: more while calls are short, fewer where they may be made in vain."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["Stride"]

STEPS = 2**16  # at most: losses of more would fill new pages, which cost more than another call
LONGEST = 1.0  # seconds of one call
SHORTEST = 1e-3  # seconds that are not worth a look: some ten calls of the engine without a step
GROWTH = 4.0  # from one to the next
SHARE = 0.25  # of the epochs since the plan changed: so many may be in vain, where no end is foreseen


@dataclass
class Stride:
    """The next one.

    Attributes
    ----------
    epochs : int
        Its length.
    changed : int
        Epochs that the training had when the plan changed last, or when it was begun or resumed.
    """

    epochs: int = 1
    changed: int = 0
    _an_epoch: float = field(default=math.inf, init=False)  # seconds, as far as is known

    def end(self, step: int, per_epoch: int) -> int:
        """Return up to which step it goes from `step` on: whole epochs, unless they are too long."""
        return min((step // per_epoch + self.epochs) * per_epoch, step + STEPS)

    def begin_again(self, done: int, sure: int) -> None:
        """Start anew, since the plan has changed after `done` epochs, with those that surely come."""
        self.changed = done
        self.epochs = max(1, int(min(sure, LONGEST / self._an_epoch)))

    def lengthen(self, seconds: float, most: int, done: int, sure: int | None) -> None:
        """Grow after one that took so long, to `most` epochs.

        Where any epoch after `done` may be the last, but for the `sure` next ones, to no more than the
        largest of these: those, a share of the epochs done, what is not worth a look. None: only the last.
        """
        self._an_epoch = max(seconds, 1e-6) / self.epochs  # or more: the stride may have been cut short
        longer = min(GROWTH * self.epochs, LONGEST / self._an_epoch, most)
        if sure is not None:
            longer = min(longer, max(sure, SHARE * (done - self.changed), SHORTEST / self._an_epoch))
        self.epochs = max(1, int(longer))

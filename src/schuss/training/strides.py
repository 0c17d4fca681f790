"""How many epochs are run at once: more while calls are short, fewer where they may be made in vain."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stride"]

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
        Epochs of the training before the plan changed last.
    """

    epochs: int = 1
    changed: int = 0

    def begin_again(self, done: int, epochs: int) -> None:
        """Take so many epochs for the next, since the plan has changed after `done` of them."""
        self.epochs, self.changed = epochs, done

    def lengthen(self, seconds: float, most: int, done: int, patience: int | None) -> None:
        """Grow after one that took so long, to `most` epochs.

        Where any epoch after `done` may be the last, but for the next `patience` of them, also to no more than
        that, a share of those done, or what is not worth a look; `patience` is None where only the last is.
        """
        an_epoch = max(seconds, 1e-6) / self.epochs  # or more: the stride may have been cut short
        longer = min(GROWTH * self.epochs, LONGEST / an_epoch, most)
        if patience is not None:
            longer = min(longer, max(patience, SHARE * (done - self.changed), SHORTEST / an_epoch))
        self.epochs = max(1, int(longer))

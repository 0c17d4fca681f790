"""How many epochs are run at once: more while calls are short, fewer where they may be made in vain."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stride"]

LONGEST = 1.0  # seconds of one call
SHORTEST = 1e-3  # seconds that are not worth a look: some ten calls of the engine without a step
GROWTH = 4.0  # from one to the next
SHARE = (
    0.25  # of the epochs since the plan changed: so many more may be in vain, where its end is not foreseen
)


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

    def lengthen(self, seconds: float, most: int) -> None:
        """Grow after one that took so long, where nothing ends a training before its last epoch."""
        self._set(self._longer(seconds), most)

    def lengthen_warily(self, seconds: float, most: int, done: int, patience: int) -> None:
        """Grow, where any epoch after `done` may be the last, but for the next `patience` of them."""
        foreseen = max(patience, SHARE * (done - self.changed), SHORTEST / self._an_epoch(seconds))
        self._set(min(self._longer(seconds), foreseen), most)

    def _an_epoch(self, seconds: float) -> float:
        """Return the seconds of one, or less: the stride may have been cut short."""
        return max(seconds, 1e-6) / self.epochs

    def _longer(self, seconds: float) -> float:
        return min(GROWTH * self.epochs, LONGEST / self._an_epoch(seconds))

    def _set(self, epochs: float, most: int) -> None:
        self.epochs = max(1, int(min(epochs, most)))

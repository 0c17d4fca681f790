"""One published number or order beside ours, and what counts as reproduced. Values; nothing is run here."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["NOT_REPRODUCED", "NOT_RUN", "REPRODUCED", "SHOWN", "Claim", "Range", "number"]

REPRODUCED, NOT_REPRODUCED = "reproduced", "NOT REPRODUCED"
SHOWN, NOT_RUN = "shown", "cannot be run"


def number(value: float, digits: int) -> str:
    """Return a number with so many digits that count; whole and large numbers whole."""
    if math.isnan(value):
        return "—"
    whole = float(value).is_integer() or abs(value) >= 10 ** (digits - 1)
    return (f"{value:,.0f}" if whole else f"{value:.{digits}g}").replace("-", "−")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `middle` is what they lie around, where that counts."""

    low: float = -math.inf
    high: float = math.inf
    middle: float | None = None

    @classmethod
    def exactly(cls, value: float) -> Range:
        """Return the range of one number."""
        return cls(value, value)

    @classmethod
    def around(cls, value: float, distance: float) -> Range:
        """Return what is no farther than `distance` from a value."""
        return cls(value - distance, value + distance, value)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def text(self, digits: int) -> str:
        """Say it: ``= 797``, ``≥ 3``, ``≤ 1e-09``, ``121 ± 30``, ``5 to 20``."""
        if self.low == self.high:
            return f"= {number(self.low, digits)}"
        if math.isinf(self.high):
            return f"≥ {number(self.low, digits)}"
        if math.isinf(self.low):
            return f"≤ {number(self.high, digits)}"
        if self.middle is None:
            return f"{number(self.low, digits)} to {number(self.high, digits)}"
        return f"{number(self.middle, digits)} ± {number(self.high - self.middle, 2)}"


@dataclass(frozen=True)
class Claim:
    """One line of a table.

    Attributes
    ----------
    what : str
    published : float or str
        As printed there; empty where nothing was.
    ours : float or None
        What came out; None where it cannot be run.
    accepted : Range or None
        What counts as reproduced; None: the number is only shown.
    beside : str
        What belongs to our number: spread, how many trials.
    words : str
        Why it does not match, in plain words; shown where it does not.
    digits : int
        How many digits of our number are shown.
    """

    what: str
    published: float | str
    ours: float | None
    accepted: Range | None = None
    beside: str = ""
    words: str = ""
    digits: int = 4

    @property
    def verdict(self) -> str:
        """Whether it is reproduced; NaN never is."""
        if self.ours is None:
            return NOT_RUN
        if self.accepted is None:
            return SHOWN
        return REPRODUCED if self.ours in self.accepted else NOT_REPRODUCED

    @property
    def unexplained(self) -> bool:
        """Whether it does not match and nobody says why."""
        return self.verdict in (NOT_REPRODUCED, NOT_RUN) and not self.words

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The line as text: what, published, ours, accepted, verdict."""
        published = self.published if isinstance(self.published, str) else number(self.published, self.digits)
        ours = "" if self.ours is None else f"{number(self.ours, self.digits)} {self.beside}".strip()
        accepted = "" if self.accepted is None else self.accepted.text(self.digits)
        return self.what, published, ours, accepted, self.verdict

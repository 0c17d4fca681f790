"""One line of the result: who did what how fast, and whether that is where it must be. A value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """A measurement.

    Attributes
    ----------
    part, case, who : str
    value : float or None
    unit : str
    ratio : float or None
        What is judged: how often faster, or a share, or a multiple.
    target : float or None
    at_most : bool
        The ratio must not be above the target; else not below.
    note : str
        How it was done: threads, variants.
    failed : str
        Why there is no ratio; makes the benchmark fail.
    """

    part: str
    case: str
    who: str
    value: float | None
    unit: str
    ratio: float | None = None
    target: float | None = None
    at_most: bool = False
    note: str = ""
    failed: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``MISSED``, why it failed, or nothing where nothing is asked."""
        if self.failed or self.ratio is None or self.target is None:
            return self.failed
        met = self.ratio <= self.target if self.at_most else self.ratio >= self.target
        return "met" if met else "MISSED"

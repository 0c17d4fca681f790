"""Parts of the calendar as points on a circle, so that December is next to January.

Month, weekday and hour of days since 1970. Knows no time zones: a zoned time came in as UTC.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schuss.adapters.columns import FloatArray

__all__ = ["PARTS", "circle", "places"]

PARTS = {"month": 12, "weekday": 7, "hour": 24}
"""The parts, each with the length of its cycle."""


def places(part: str, days: FloatArray) -> NDArray[np.int64]:
    """Return where in the cycle each day stands, shape (n,), from 0; Monday is weekday 0."""
    whole = np.floor(days)
    if part == "month":
        months = whole.astype("datetime64[D]").astype("datetime64[M]")
        return months.astype(np.int64) % 12
    if part == "weekday":
        return (whole.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    # To the millisecond first: thirteen twenty-fourths of a day may fall just short of 13 hours.
    return np.floor(np.round((days - whole) * 86_400, 3) / 3_600).astype(np.int64) % 24


def circle(part: str, days: FloatArray) -> FloatArray:
    """Return sine and cosine of the part's angle, shape (n, 2); (0, 0) where the day is NaN."""
    length = PARTS[part]
    angles = [2 * math.pi * k / length for k in range(length)]
    # Rounded, so that every machine's sine gives the same table.
    table = np.array([[math.sin(a), math.cos(a)] for a in angles]).round(12)
    points = np.zeros((len(days), 2))
    present = ~np.isnan(days)
    points[present] = table[places(part, days[present])]
    return points

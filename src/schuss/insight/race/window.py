"""What of a landscape a picture shows, and its heights there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.surfaces.surface import Window

__all__ = ["heights", "window_of"]

MARGIN = 0.12  # of the trails' own extent, left free on every side
FARTHEST = 3.0  # times the surface's own window: a trail that runs off does not shrink all others


def window_of(trails: Sequence[Array], given: Window | None = None) -> Window:
    """Return a window that holds the trails, each (points, 2), and what was `given`.

    Beyond three times what was given nothing is shown.
    """
    points = np.concatenate(trails).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if given is None:
        size = np.maximum(high - low, 0.1 * max(float((high - low).max()), 1e-3))  # no slit, no point
        middle = (low + high) / 2
        low, high = middle - (0.5 + MARGIN) * size, middle + (0.5 + MARGIN) * size
    else:
        first, last = np.array(given).T
        room, reach = MARGIN / 2 * (last - first), (FARTHEST - 1) / 2 * (last - first)
        low = np.maximum(np.where(low < first, low - room, first), first - reach)
        high = np.minimum(np.where(high > last, high + room, last), last + reach)
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    return (x0, x1), (y0, y1)


def heights(
    land: Landscape, window: Window, count: int, dtype: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates (count,), (count,) of a grid over the window, and E there, shape (count, count)."""
    x, y = (np.linspace(*ends, count) for ends in window)
    with np.errstate(over="ignore", invalid="ignore"):
        found = [[land.loss(np.array([a, b], dtype)) for a in x] for b in y]
    return x, y, np.array(found)

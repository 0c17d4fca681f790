"""The largest curvature at the first weights, and how it varies from batch to batch along its direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schuss.errors import DataError
from schuss.insight.curvature.batches import BatchCurvature, batches_along
from schuss.insight.curvature.lanczos import lanczos
from schuss.insight.curvature.surface import Numbers, Surface

__all__ = ["Sharpness", "sharpness"]

SEED = 0  # of what is drawn
NEAR = 1e-5  # of λmax: its bound need not be smaller
ROUNDING = 1e-12  # of the largest |eigenvalue|


@dataclass(frozen=True)
class Sharpness:
    """Curvature at the first weights.

    Attributes
    ----------
    largest : float
        λmax of the loss of an average batch; positive.
    batches : BatchCurvature or None
        Along λmax's direction; None where a batch is all samples.
    """

    largest: float
    batches: BatchCurvature | None


def sharpness(surface: Surface, theta: Numbers) -> Sharpness | None:
    """Return the curvature at `theta`, shape (n_parameters,); None where none is positive, or not finite."""
    try:
        found = lanczos(
            lambda v: surface.product(theta, v), theta.size, seed=SEED, tolerance=NEAR, both_ends=False
        )
    except DataError:  # beyond all numbers; the trainings will say so themselves
        return None
    largest = found[-1].value
    if not largest > ROUNDING * np.abs(found.values).max():
        return None
    return Sharpness(largest, batches_along(surface, theta, found.top, SEED))

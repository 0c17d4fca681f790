"""How much batches bend along a direction: the curvature that each step of a training meets there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schuss.insight.curvature.noise_scale import batches_apart
from schuss.insight.curvature.surface import Numbers, Surface

__all__ = ["BatchCurvature", "batches_along"]


@dataclass(frozen=True)
class BatchCurvature:
    """How much batches of the plan's size bend along the sharpest direction of all samples.

    Mean and standard deviation over `count` of them that share no sample.
    """

    mean: float
    deviation: float
    count: int


def batches_along(surface: Surface, theta: Numbers, top: Numbers, seed: int) -> BatchCurvature | None:
    """Return how much batches bend along the direction `top`; None where a batch is all samples."""
    n = len(surface.samples)
    if surface.batch >= n:
        return None
    batches = batches_apart(n, surface.batch, seed)
    found = [float(top @ surface.product(theta, top, rows)) for rows in batches]
    return BatchCurvature(float(np.mean(found)), float(np.std(found)), len(found))

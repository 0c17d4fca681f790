"""The gradient noise scale: the batch size at which noise and gradient weigh the same.

With G the mean gradient and S the trace of the covariance of one sample's gradient, a batch of b has
E|g_b|² = |G|² + S/b. Two sizes b < B give both, without bias:

    |G|² = (B·|g_B|² − b·|g_b|²)/(B − b),    S = (|g_b|² − |g_B|²)/(1/b − 1/B),    scale = S/|G|²

Batches much smaller than the scale gain almost their whole size in steps; larger ones gain little.
Source: McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training (2018), appendix A.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.curvature.surface import Numbers, Surface
from schuss.method.backprop import length

__all__ = ["NoiseScale", "batches_apart", "measured_noise_scale", "noise_scale"]

FEWEST_BATCHES, MOST_BATCHES = 8, 64


class NoiseScale(NamedTuple):
    """|G|² and S as estimated; either may come out negative where the other drowns it."""

    gradient_square: float
    variance: float

    @property
    def scale(self) -> float:
        """S/|G|²; infinite where no gradient is left above the noise."""
        if not self.gradient_square > 0:
            return math.inf
        return max(self.variance, 0.0) / self.gradient_square


def noise_scale(small: float, small_size: int, big: float, big_size: int) -> NoiseScale:
    """Return the estimate from mean squared lengths of the gradients of batches of two sizes."""
    gradient_square = (big_size * big - small_size * small) / (big_size - small_size)
    return NoiseScale(gradient_square, (small - big) / (1.0 / small_size - 1.0 / big_size))


def measured_noise_scale(surface: Surface, theta: Numbers, seed: int) -> NoiseScale | None:
    """Return the estimate from batches of the plan's size, drawn apart, and from all samples at once.

    The batches are smaller where there would be fewer than eight. None for fewer than two samples.
    """
    samples, n = surface.samples, len(surface.samples)
    if n < 2:
        return None
    size = min(surface.batch, max(1, n // FEWEST_BATCHES))

    def square(rows: NDArray[Any]) -> float:
        objective, taken = surface.objective(len(rows), "mean"), samples.take(rows)
        return length(surface.engine.gradient(surface.network, theta, taken, objective).gradient) ** 2

    small = float(np.mean([square(rows) for rows in batches_apart(n, size, seed)]))
    return noise_scale(small, size, square(np.arange(n)), n)


def batches_apart(n: int, size: int, seed: int) -> list[NDArray[Any]]:
    """Return batches of `size` of `n` samples that share none, at most `MOST_BATCHES`."""
    order = np.random.default_rng(seed).permutation(n)
    return [order[i : i + size] for i in range(0, n - size + 1, size)][:MOST_BATCHES]

"""Mean and deviation of columns of numbers, by which inputs and targets are standardised."""

from __future__ import annotations

import numpy as np

from schuss.adapters.columns import FloatArray

__all__ = ["mean_and_deviation"]

EPS = float(np.finfo(np.float64).eps)


def mean_and_deviation(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each column, both of shape (k,); NaN is passed over.

    In two passes: what rounding left of the mean among the distances from it is taken off their squares. A
    deviation no larger than what rounding may make of equal numbers is told as 1.
    Source: Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, k)
        Each column holds at least one number.
    """
    gaps = np.isnan(matrix)
    add = np.nansum if gaps.any() else np.sum
    n = len(matrix) - gaps.sum(axis=0)
    mean = add(matrix, axis=0) / n
    away = matrix - mean
    left = add(away, axis=0)
    away **= 2
    variance = (add(away, axis=0) - left**2 / n) / n
    rounding = n * EPS * variance + (n * mean * EPS) ** 2
    return mean, np.where(variance <= rounding, 1.0, np.sqrt(variance))

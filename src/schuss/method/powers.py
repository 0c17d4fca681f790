"""Integer powers in products alone, which every processor rounds alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["power", "powers"]


def power(base: float, exponent: int) -> float:
    """Return base^exponent by squaring."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


def powers(base: float | NDArray[np.float64], exponents: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the same, product for product, for many exponents and one base or as many."""
    results, bit = np.ones(len(exponents)), 1
    while bit <= exponents.max(initial=0):
        np.multiply(results, base, out=results, where=(exponents & bit) != 0)
        base, bit = base * base, bit << 1
    return results

"""Dropout: in each step some hidden units are silent, drawn by a counter-based generator.

    y_j ← y_j·m_j,    m_j = 1/(1−p) with probability 1−p, else 0

A mask is a pure function of (seed, step, layer, row of the batch, unit), so that replay holds: unit j of
a row uses word ⌊j/16⌋ mod 4 of the block 16·⌊j/64⌋ + j mod 16 of Philox 4x32-10, with counter
(block, row, step, layer) and the seed as key, and is silent where that word is not below (1−p)·2³².
Sources: Srivastava et al., JMLR 2014; Salmon et al., SC 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.method.functions import Array

__all__ = ["Dropout", "philox_words"]

Words = NDArray[np.uint64]
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@dataclass(frozen=True)
class Dropout:
    """Which units are silent in one step.

    Attributes
    ----------
    rates : tuple of float
        p of each hidden layer, in [0, 1).
    seed, step : int
    """

    rates: tuple[float, ...]
    seed: int
    step: int

    def mask(self, layer: int, rows: int, units: int, dtype: Any) -> Array | None:
        """Return m of hidden layer `layer` (from 0), shape (rows, units), or None where p is 0."""
        rate = self.rates[layer]
        if rate == 0.0:
            return None
        j = np.arange(units, dtype=np.uint64)
        block = j // np.uint64(64) * np.uint64(16) + j % np.uint64(16)
        row = np.arange(rows, dtype=np.uint64)[:, None]
        words = philox_words(block, row, self.step, layer, self.seed)
        word = (np.arange(units) // 16) % 4
        drawn = np.choose(word, words)
        keep = 1.0 - rate
        return np.where(drawn < np.uint64(keep * 2**32), np.dtype(dtype).type(1.0 / keep), 0).astype(dtype)


def philox_words(c0: Any, c1: Any, c2: Any, c3: Any, key: int) -> list[Words]:
    """Return the four words of Philox 4x32-10 for counters that broadcast together, each below 2³²."""
    counters = np.broadcast_arrays(*(np.asarray(c, dtype=np.uint64) & LOW for c in (c0, c1, c2, c3)))
    a, b, c, d = counters
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        left, right = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, c = (right >> HALF) ^ b ^ np.uint64(k0), (left >> HALF) ^ d ^ np.uint64(k1)
        b, d = right & LOW, left & LOW
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [a, b, c, d]

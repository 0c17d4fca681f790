"""Small stability maps to ask. Holds no test."""

from functools import cache

import numpy as np

from schuss import (
    Network,
    StabilityMap,
    stability_map,
)

__all__ = ["NETWORK", "SMALL", "draw_data", "drawn", "stages_of"]

NETWORK = Network([3, 5, 1], "tanh", output="identity")
SMALL = {"coarse": 3, "levels": 2, "epochs": 12, "batch_size": 5}


def draw_data(n: int = 22, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)).astype(dtype)
    return X, np.tanh(X[:, :1] - X[:, 1:2] * X[:, 2:])


def stages_of(**how: object) -> list[StabilityMap]:
    """Return the map after each stage."""
    seen: list[StabilityMap] = []
    stability_map(NETWORK, *draw_data(), watch=seen.append, **how)
    return seen


@cache
def drawn() -> StabilityMap:
    """Return a map that meets all classes."""
    return stability_map(NETWORK, *draw_data(), levels=3, epochs=40, batch_size=5)

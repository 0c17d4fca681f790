"""The first weights: Glorot, He, LeCun, uniform, normal. Seeded; given arrays go through Network.pack.

Draws come from Philox keyed by (seed, stream) through NumPy's frozen RandomState stream, in float64,
so that a seed gives the same weights under every NumPy. Glorot, He and LeCun leave the biases at
zero; ``uniform`` and ``normal`` draw them too, as the early papers did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.method.checks import check_choice, check_number

if TYPE_CHECKING:
    from schuss.method.network import LayerWeights

__all__ = ["INITS", "Init", "draw_theta", "philox"]

DRAWN_AT_ONCE = 2**18  # of a layer's float64 numbers; the stream is the same
WEIGHTS_STREAM = 2**64 - 1  # far from any epoch number, so weights and orders never share a key

# Variance of a weight from fan-in and fan-out; None: the scale is used as it is.
INITS: dict[str, Any] = {
    "glorot_uniform": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "glorot_normal": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out: 2.0 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2.0 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1.0 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1.0 / fan_in,
    "uniform": None,
    "normal": None,
}


@dataclass(frozen=True)
class Init:
    """How the first weights are drawn.

    Parameters
    ----------
    name : str
        A key of `INITS`.
    scale : float, default 1
        Factor on the drawn numbers; for ``uniform`` the half-width, for ``normal`` the standard
        deviation.
    """

    name: str
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_choice("init", self.name, INITS)
        object.__setattr__(self, "scale", check_number("init scale", self.scale, low=0.0))


def philox(seed: int, stream: int) -> np.random.Philox:
    """Return the counter-based generator Philox 4x64-10 with key (seed, stream) at counter 0."""
    return np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))


def draw_theta(init: Init, layers: Sequence[LayerWeights], seed: int) -> None:
    """Fill the views of a theta with first weights, layer after layer, weights then biases."""
    source = np.random.RandomState(philox(seed, WEIGHTS_STREAM))
    for w, b in layers:
        variance = INITS[init.name]
        deviation = 1.0 if variance is None else math.sqrt(variance(*w.shape))
        rows = max(1, DRAWN_AT_ONCE // w.shape[1])
        for some in (w[i : i + rows] for i in range(0, len(w), rows)):
            some[...] = _draw(source, init, deviation, some.shape)
        if b is not None and variance is None:
            b[...] = _draw(source, init, deviation, b.shape)


def _draw(source: np.random.RandomState, init: Init, deviation: float, shape: tuple[int, ...]) -> Any:
    if init.name.endswith("normal"):
        return init.scale * deviation * source.standard_normal(shape)
    half_width = deviation if init.name == "uniform" else math.sqrt(3.0) * deviation
    return init.scale * half_width * source.uniform(-1.0, 1.0, shape)

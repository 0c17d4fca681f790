"""iRPROP−: step sizes follow the signs of slopes; after a change of sign a weight waits for one step.

    s(n−1)·g > 0:   Δ ← min(Δ⁺·Δ, largest),    Δw = −Δ·sign(g),    s ← g
    s(n−1)·g < 0:   Δ ← max(Δ⁻·Δ, smallest),   Δw = 0,             s ← 0
    else:                                      Δw = −Δ·sign(g),    s ← g

FANN's RPROP is this with a floor of 1e-4 in place of `smallest`, and Δ⁺ also where the product is 0.

Source: Igel & Hüsken, Neurocomputing 50 (2003), 105–123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.resilient import Resilient, resized

__all__ = ["IRpropMinus"]


@dataclass(frozen=True)
class IRpropMinus(Resilient):
    """Δw = −Δ·sign(g); after a change of sign Δw = 0.

    Its settings are those of `Resilient`.
    """

    name: ClassVar[str] = "irprop_minus"
    formula: ClassVar[str] = "Δ ← Δ⁺·Δ or Δ⁻·Δ by the sign of g(n)·g(n−1);  θ ← θ − Δ·sign(g), or stay"
    elsewhere: ClassVar[str] = ""

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by its step sizes, where no slope has changed its sign."""
        loss, gradient = land.gradient(theta)
        sizes, turned = resized(self, memory, gradient, rates)
        slope = np.where(turned, 0, gradient).astype(theta.dtype, copy=False)
        change = -sizes * np.sign(slope)
        return Stepped(theta + change, np.stack([change, sizes, slope]), loss)

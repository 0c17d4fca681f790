"""iRPROP+: as RPROP+, but a step is taken back only if the loss rose by it.

    s(n−1)·g > 0:   Δ ← min(Δ⁺·Δ, largest),    Δw = −Δ·sign(g),                          s ← g
    s(n−1)·g < 0:   Δ ← max(Δ⁻·Δ, smallest),   Δw = −Δw(n−1) if E(n) > E(n−1), else 0,   s ← 0
    else:                                      Δw = −Δ·sign(g),                          s ← g

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

__all__ = ["IRpropPlus"]


@dataclass(frozen=True)
class IRpropPlus(Resilient):
    """Δw = −Δ·sign(g); after a change of sign the step before is taken back if the loss rose.

    Its settings are those of `Resilient`.
    """

    name: ClassVar[str] = "irprop_plus"
    memory: ClassVar[tuple[str, ...]] = ("change", "step_size", "slope", "loss")
    formula: ClassVar[str] = (
        "Δ ← Δ⁺·Δ or Δ⁻·Δ by the sign of g(n)·g(n−1);  θ ← θ − Δ·sign(g), or stay, or back if E rose"
    )
    elsewhere: ClassVar[str] = "taking back the step before"

    def start(self, theta: Array) -> Array:
        """Return the first memory, shape (4, n)."""
        return np.concatenate([super().start(theta), np.full_like(theta, np.finfo(theta.dtype).max)[None]])

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by its step sizes; back where a slope has changed its sign, if the loss rose."""
        loss, gradient = land.gradient(theta)
        sizes, turned = resized(self, memory[:3], gradient, rates)
        told = theta.dtype.type(loss)
        back = -memory[0] if told > memory[3, 0] else np.zeros_like(theta)
        change = np.where(turned, back, -sizes * np.sign(gradient))
        slope = np.where(turned, 0, gradient).astype(theta.dtype, copy=False)
        return Stepped(theta + change, np.stack([change, sizes, slope, np.full_like(theta, told)]), loss)

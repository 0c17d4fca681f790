"""Resilient propagation, RPROP+: step sizes follow the signs of slopes, and a step too far is taken back.

    s(n−1)·g > 0:   Δ ← min(Δ⁺·Δ, largest),    Δw = −Δ·sign(g),    s ← g
    s(n−1)·g < 0:   Δ ← max(Δ⁻·Δ, smallest),   Δw = −Δw(n−1),      s ← 0
    else:                                      Δw = −Δ·sign(g),    s ← g

Source: Riedmiller & Braun, IEEE International Conference on Neural Networks 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.resilient import Resilient, resized

__all__ = ["Rprop"]


@dataclass(frozen=True)
class Rprop(Resilient):
    """Δw = −Δ·sign(g); after a change of sign the step before is taken back.

    Its settings are those of `Resilient`.
    """

    name: ClassVar[str] = "rprop"
    formula: ClassVar[str] = "Δ ← Δ⁺·Δ or Δ⁻·Δ by the sign of g(n)·g(n−1);  θ ← θ − Δ·sign(g), or back"
    elsewhere: ClassVar[str] = "taking back the step before"

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta moved by its step sizes, and where a slope has changed its sign moved back."""
        loss, gradient = land.gradient(theta)
        sizes, turned = resized(self, memory, gradient, rates)
        change = np.where(turned, -memory[0], -sizes * np.sign(gradient))
        slope = np.where(turned, 0, gradient).astype(theta.dtype, copy=False)
        return Stepped(theta + change, np.stack([change, sizes, slope]), loss)

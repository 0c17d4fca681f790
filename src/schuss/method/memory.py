"""How long momentum remembers, and what its memory does to the rate: closed forms for constant settings.

A push is faded by η per step, so all of it together is paid out 1/(1−η) times.
"""

from __future__ import annotations

import math

__all__ = ["effective_rate", "half_life"]


def effective_rate(learning_rate: float, momentum: float) -> float:
    """Return α/(1−η): how far a lasting push of 1 moves a weight per step; infinite at η = 1."""
    return learning_rate / (1.0 - momentum) if momentum < 1.0 else math.inf


def half_life(momentum: float) -> float | None:
    """Return ln ½ / ln η: after how many steps half of a push is forgotten; None without memory."""
    if momentum == 0.0:
        return None
    return math.log(0.5) / math.log(momentum) if momentum < 1.0 else math.inf

"""A schedule or two of every kind but Custom, on a training of a hundred steps. Holds no test."""

import numpy as np

from schuss.method.schedules import (
    Cosine,
    Demon,
    Exponential,
    Inverse,
    InverseScaling,
    Listed,
    Nesterov1983,
    OneCycle,
    Plateau,
    Restart,
    Schedule,
    Span,
    Step,
    Sutskever,
    WarmUp,
)

__all__ = ["EACH", "SPAN", "values"]

SPAN = Span(100, 10, 75)
EACH = [
    *[Cosine(0.3, 0.1, 0.2), InverseScaling(0.3), Plateau(0.3, drops=(3, 9))],
    *[Step(0.3, every=2), Step(0.3, 3.0, after=(1, 4)), Step(0.3, 2.0, after=(5, 50), per="step")],
    *[Exponential(0.3, 0.9), Exponential(0.3, 0.99, "step"), Inverse(0.3, 0.1), Inverse(0.3, 0.5, "epoch")],
    *[WarmUp(0.3), WarmUp(Cosine(0.3), 5, "step"), WarmUp(WarmUp(Exponential(0.3, 0.5), 1.5), 0.5)],
    *[OneCycle(0.01, 0.3), OneCycle(0.95, 0.85), OneCycle(0.01, 0.3, 1e-6, 0.4, "linear")],
    *[Sutskever(), Sutskever(0.3, 10), Nesterov1983(), Nesterov1983(0.3), Demon(), Demon(0.5)],
    *[
        Listed((0.1, 0.3, 0.2)),
        Listed(((2, 0.1), (50, 0.3), (90, 0.0))),
        Listed(((0, 0.1), (2.5, 0.2)), "epoch"),
    ],
    *[Restart(restarts=(30, 31, 80)), Restart(0.3, "gradient", (5,)), Restart(Sutskever(0.9, 10))],
]


def values(schedule: Schedule, total: int = 100, per_epoch: int = 10) -> list[float]:
    """Return a schedule's values at every step of a training."""
    return schedule.at(np.arange(total), Span(total, per_epoch, 75)).tolist()

"""How long gradient, memory and change were over a recorded run, for pictures of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from schuss.training.run import Run

__all__ = ["lengths"]


def lengths(run: Run, most: int) -> dict[str, tuple[list[int], list[float]]]:
    """Return steps and Euclidean lengths of the gradient, the rule's first memory, if any, and the change.

    At most `most` of each: means over as many shares of the steps whose norms were kept, at the first step
    of each share. Nothing where fewer than two were.
    """
    known = np.flatnonzero(np.isfinite(run.norms).all(axis=1))
    if len(known) < 2:
        return {}
    shares = np.array_split(known, min(most, len(known)))
    steps = [int(share[0]) * run.norms_every for share in shares]
    means = np.array([run.norms[share].mean(axis=0, dtype=np.float64) for share in shares])
    memory = run.plan.rule.memory[0].replace("_", " ") if run.plan.rule.memory else None
    names = ("gradient", memory, "change")
    return {name: (steps, column.tolist()) for name, column in zip(names, means.T, strict=True) if name}

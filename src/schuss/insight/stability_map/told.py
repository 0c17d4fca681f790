"""A stability map as lines of text: a picture in characters, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schuss.insight.shown import columns, number
from schuss.insight.stability_map.classes import CLASSES, CONVERGES, NEVER

if TYPE_CHECKING:
    from schuss.insight.stability_map.value import StabilityMap

__all__ = ["BEST", "MARKS", "best_rows", "map_text", "picture"]

MARKS = dict(zip("●·~×", CLASSES, strict=True))  # a class by its character
BEST, BOUND = "★", "|"
MOST_TOLD = 5


def map_text(of: StabilityMap) -> str:
    """Return a map's picture, its cells counted, theory beside them, and the best cells."""
    return "\n".join([*picture(of), "", *_legend(of), "", *_said(of), "", *best_rows(of)])


def picture(of: StabilityMap) -> list[str]:
    """Return a line for each momentum, the highest first, and the learning rates below.

    The character of a cell is that of its class; the bar behind it stands where the largest stable rate lies.
    """
    marks = list(MARKS)
    lines = []
    for j in range(len(of.momentum))[::-1]:
        signs = [marks[place] for place in of.classes[:, j]]
        if of.best is not None and of.best[1] == j:
            signs[of.best[0]] = BEST
        gaps = [" "] * len(signs)
        if of.bounds and (beyond := _place(of, j)) is not None:
            gaps[beyond] = BOUND
        row = "".join(sign + gap for sign, gap in zip(signs, gaps, strict=True)).rstrip()
        lines.append(f"{_momentum(of, j):>6} {row}")
    low, high = f"{of.learning_rate[0]:.3g}", f"{of.learning_rate[-1]:.3g}"
    width = 2 * len(of.learning_rate) - 1
    middle = f"{of.learning_rate[len(of.learning_rate) // 2]:.3g}".center(width - len(low) - len(high))
    return [f"{'η':>6}", *lines, f"{'α':>6} {low}{middle}{high}"]


def _place(of: StabilityMap, j: int) -> int | None:
    """Return the last rate below the largest stable one at momentum j, if that lies within the map."""
    below = int((of.learning_rate <= of.bounds[0].at(of.momentum[j : j + 1])).sum())
    return below - 1 if 0 < below < len(of.learning_rate) else None


def _momentum(of: StabilityMap, j: int) -> str:
    """Return a momentum's label: about nine of them stand beside the picture."""
    every = max(1, (len(of.momentum) - 1) // 8)
    return f"{of.momentum[j]:.4g}" if j % every == 0 else ""


def _legend(of: StabilityMap) -> list[str]:
    counted = [f"{mark} {name} {of.counts[name]:,}" for mark, name in MARKS.items()]
    lines = ["   ".join([*counted, f"{BEST} best"])]
    if of.bounds:
        lines.append(f"{BOUND} largest stable rate of theory, {of.bounds[0].formula}")
    if not of.complete:
        lines.append(
            f"{int((~of.trained).sum()):,} cells are not trained yet; all around them are of their class"
        )
    return lines


def _said(of: StabilityMap) -> list[str]:
    epochs = of.plan.epochs
    steps = epochs * of.plan.steps_per_epoch(of.n_samples)
    trainings = f"{of.trained.sum():,} trainings of {epochs} epochs ({steps:,} steps)"
    lines = [f"{of.plan.rule.name}: {trainings} in {of.seconds:.3g} s, level {of.level + 1} of {of.levels}"]
    goal = "nothing fell: there is no goal" if of.goal is None else f"goal {of.goal:.4g}"
    lines.append(f"loss of the first weights {of.start:.4g}, {goal}")
    if of.sharpness is None:
        lines.append("the loss curves upwards nowhere at the first weights: theory has no bounds")
    else:
        lines.append(f"largest curvature at the first weights {of.sharpness.largest:.4g}")
    if of.agreement is not None:
        lines.append(
            f"the largest stable rate says rightly of {of.agreement:.0%} of the cells whether they diverge"
        )
    return lines


def best_rows(of: StabilityMap) -> list[str]:
    """Return a table of the cells that reach the goal in the fewest steps, and the neighbours of the best."""
    if of.best is None:
        return ["every cell diverges: take lower learning rates"]
    head = ["best cells", "η", "steps to the goal", "loss at the end"]
    rows = [
        [
            f"α {of.learning_rate[i]:.6g}",
            f"{of.momentum[j]:.6g}",
            f"{of.steps[i, j]:,}" if of.steps[i, j] != NEVER else "–",
            number(float(of.judged.end[i, j])),
        ]
        for i, j in of.ranked[:MOST_TOLD]
    ]
    around = of.neighbours(*of.best)
    told = f"{int((around == CONVERGES).sum())} of the {len(around)} cells around the best converge"
    return [*columns(head, rows), told]

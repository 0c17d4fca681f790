"""A stability map as lines of text: a picture in characters, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schuss.insight.shown import columns, number
from schuss.insight.stability_map.classes import CLASSES, CONVERGES, DIVERGES, NEVER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from schuss.insight.stability_map.value import StabilityMap

__all__ = ["BEST", "MARKS", "best_rows", "map_text", "picture"]

MARKS = dict(zip("●·~×", CLASSES, strict=True))  # a class by its character
BEST = "★"
BARS = {"largest stable rate": "|", "small batches": ":"}  # a bound by its character
MOST_TOLD = 5
LITTLE = 0.1  # of the first loss: a fall of less may be no more than its beginning


def map_text(of: StabilityMap) -> str:
    """Return a map's picture, its cells counted, theory beside them, and the best cells."""
    return "\n".join([*picture(of), "", *_legend(of), "", *_said(of), "", *best_rows(of)])


def picture(of: StabilityMap) -> list[str]:
    """Return a line for each momentum, the highest first, and the learning rates below.

    The character of a cell is that of its class; the bars between cells stand where theory's bounds lie.
    """
    marks, edges, lines = list(MARKS), _edges(of), []
    for j in range(len(of.momentum))[::-1]:
        signs = [marks[place] for place in of.classes[:, j]]
        if of.best is not None and of.best[1] == j:
            signs[of.best[0]] = BEST
        row = "".join(sign + gap for sign, gap in zip(signs, _gaps(of, edges, j), strict=True)).rstrip()
        lines.append(f"{_momentum(of, j):>6} {row}")
    return [f"{of.letter:>6}", *lines, f"{'α':>6} {_rates(of)}"]


def _rates(of: StabilityMap) -> str:
    """Return the lowest and the highest rate below their cells, and the middle one where it has room."""
    low, middle, high = (f"{of.learning_rate[i]:.3g}" for i in (0, len(of.learning_rate) // 2, -1))
    room = 2 * len(of.learning_rate) - 1 - len(low) - len(high)
    return low + (middle if room > len(middle) + 3 else "").center(max(room, 2)) + high


def _edges(of: StabilityMap) -> dict[str, NDArray[np.float64]]:
    """Return the bars that are shown, the first above the others, and their rate for each momentum."""
    return {BARS[bound.name]: bound.at(of.momentum) for bound in of.bounds[::-1] if bound.name in BARS}


def _gaps(of: StabilityMap, edges: dict[str, NDArray[np.float64]], j: int) -> list[str]:
    """Return what stands behind each cell of momentum j: the bar of a bound before the next, or nothing."""
    gaps = [" "] * len(of.learning_rate)
    for bar, edge in edges.items():
        below = int((of.learning_rate <= edge[j]).sum())
        if 0 < below < len(gaps):
            gaps[below - 1] = bar
    return gaps


def _momentum(of: StabilityMap, j: int) -> str:
    """Return a momentum's label: about nine of them stand beside the picture."""
    every = max(1, (len(of.momentum) - 1) // 8)
    return f"{of.momentum[j]:.4g}" if j % every == 0 else ""


def _legend(of: StabilityMap) -> list[str]:
    counted = [f"{mark} {name} {of.counts[name]:,}" for mark, name in MARKS.items()]
    lines = ["   ".join([*counted, f"{BEST} best"])]
    bars = [f"{BARS[b.name]} {b.told}" for b in of.bounds if b.name in BARS]
    lines += ["   ".join(bars)] if bars else []
    if not of.complete:
        lines.append(
            f"{int((~of.trained).sum()):,} cells are not trained yet; all around them are of their class"
        )
    return lines


def _said(of: StabilityMap) -> list[str]:
    epochs = of.plan.epochs
    steps = epochs * of.plan.steps_per_epoch(of.n_samples)
    trainings = f"{of.trained.sum():,} trainings of {epochs} epochs ({steps:,} steps)"
    rule = of.plan.rule.name.replace("_", " ")
    lines = [f"{rule}: {trainings} in {of.seconds:.3g} s, level {of.level + 1} of {of.levels}"]
    goal = "nothing fell: there is no goal" if of.goal is None else f"goal {of.goal:.4g}"
    lines.append(f"loss of the first weights {of.start:.4g}, {goal}")
    if of.sharpness is None:
        lines.append("the loss curves upwards nowhere at the first weights: theory has no bounds")
    else:
        lines.append(f"largest curvature at the first weights {of.sharpness.largest:.4g}")
    if of.agreement:
        rightly = ", ".join(f"{name} {share:.0%}" for name, share in of.agreement.items())
        lines.append(f"whether a cell diverges is said rightly by: {rightly}")
    return lines


def best_rows(of: StabilityMap) -> list[str]:
    """Return a table of the cells that reach the goal in the fewest steps, and the neighbours of the best."""
    if of.best is None:
        return ["every cell diverges: take lower learning rates"]
    head = ["best cells", of.letter, "steps to the goal", "loss at the end"]
    rows = [
        [
            f"α {of.learning_rate[i]:.6g}",
            f"{of.momentum[j]:.6g}",
            f"{of.steps[i, j]:,}" if of.steps[i, j] != NEVER else "–",
            number(float(of.judged.end[i, j])),
        ]
        for i, j in of.ranked[:MOST_TOLD]
    ]
    return [*columns(head, rows), _beside(of.neighbours(*of.best)), *_lowest(of)]


def _beside(around: NDArray[np.int8]) -> str:
    """Say how safe the best cell is."""
    converge, diverge = int((around == CONVERGES).sum()), int((around == DIVERGES).sum())
    return f"of the {len(around)} cells around the best {converge} converge, {diverge} diverge"


def _lowest(of: StabilityMap) -> list[str]:
    """Say which cell ends lowest, and whether that is low at all."""
    assert of.lowest is not None  # noqa: S101  # asked where there is a best
    i, j = of.lowest
    end = float(of.judged.end[i, j])
    place = f"α {of.learning_rate[i]:.6g}, {of.letter} {of.momentum[j]:.6g}"
    lines = [f"the lowest loss at the end, {number(end)}, has {place}"]
    share = (of.start - end) / (abs(of.start) or 1.0)
    if share < LITTLE:
        lines.append(f"that is a fall of {share:.1%}: more epochs may say more")
    return lines

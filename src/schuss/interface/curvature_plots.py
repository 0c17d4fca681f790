"""Pictures of curvature: eigenvalues beside the thresholds of rules, and sharpness over a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schuss.errors import SettingError
from schuss.interface.plots import check_picture, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from schuss.insight.curvature.tracker import SharpnessTracker
    from schuss.insight.curvature.value import Curvature

__all__ = ["save_sharpness", "save_spectrum"]

BLUE, ORANGE, GREEN = "#1f5fa8", "#c2571a", "#3a7d44"
SETTLED = 0.1  # of its size, a bound below which a value is drawn as found
STYLES = ("--", ":", "-.", "-", (0, (8, 2)))
COMPARED = ("gradient_descent", "momentum", "nesterov")


def save_spectrum(curvature: Curvature, path: Path) -> Path:
    """Draw the eigenvalues found, largest first, on a log scale, and what rules hold out at this rate.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `schuss.interface.plots.save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(-np.abs(curvature.values))
    values, bounds = curvature.values[order], curvature.bounds[order]
    found = bounds < SETTLED * np.abs(values)
    ranks = np.arange(1, len(values) + 1)
    for sign, color, name in ((1, BLUE, "above 0"), (-1, ORANGE, "below 0, its size")):
        own = np.sign(values) == sign
        filled, open_ = own & found, own & ~found
        axes.plot(ranks[filled], np.abs(values[filled]), "o", ms=4, color=color, label=name)
        axes.plot(ranks[open_], np.abs(values[open_]), "o", ms=4, color=color, mfc="none")
    for (name, threshold), style in zip(_thresholds(curvature).items(), STYLES, strict=False):
        axes.axhline(threshold, color=GREEN, lw=1, ls=style, label=f"limit of {name.replace('_', ' ')}")
    axes.set_yscale("log")
    axes.set_xlabel("eigenvalue, largest first; hollow: not yet settled")
    axes.set_ylabel("curvature")
    rates = f"learning rate {curvature.learning_rate:.4g}, momentum {curvature.momentum:g}"
    whole = curvature.element_wise is None
    axes.set_title(f"step {curvature.step:,}, {curvature.rule.name if whole else rates}", loc="left")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def _thresholds(curvature: Curvature) -> dict[str, float]:
    """Return the highest eigenvalue that rules hold out at this learning rate and momentum.

    Of the rule of the run, unless that measures in its own way, and of those that most texts compare. None
    where the rule looks at a whole step: its learning rate, if it has one, is no other rule's.
    """
    if curvature.element_wise is None:
        return {}
    scale = curvature.highest.value / curvature.learning_rate
    own = curvature.rule.name
    shown = {*COMPARED, own} - ({own} if curvature.rule.reads_memory else set())
    rates = curvature.stable_rates.items()
    limits = {name: rate * scale for name, rate in rates if name in shown and np.isfinite(rate)}
    if curvature.batch_rate is not None:
        limits[f"{curvature.rule.name} with batches"] = curvature.batch_rate * scale
    return limits


def save_sharpness(tracker: SharpnessTracker, path: Path) -> Path:
    """Draw the sharpness over the steps with its threshold, and the loss beneath, and return the path.

    Raises
    ------
    MissingExtraError, OutputError
        As `schuss.interface.plots.save_loss_curve`.
    SettingError
        The same, or the tracker has measured nothing.
    """
    path = check_picture(path)
    if not tracker.rows:
        raise SettingError("the tracker has no rows yet; train with it first.")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1.4))
    draw_sharpness(above, tracker)
    below.plot([row.step for row in tracker.rows], [row.loss for row in tracker.rows], color="0.35", lw=1)
    below.set_yscale("log")
    below.set_ylabel("loss")
    below.set_xlabel("step")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def draw_sharpness(axes: Axes, tracker: SharpnessTracker) -> None:
    """Draw sharpness and threshold over the steps."""
    steps = [row.step for row in tracker.rows]
    axes.plot(steps, [row.sharpness for row in tracker.rows], color=BLUE, lw=1.3, label="sharpness")
    axes.plot(
        steps, [row.threshold for row in tracker.rows], color=ORANGE, ls="--", lw=1.3, label="threshold"
    )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("curvature")
    axes.legend(frameon=False, loc="best")

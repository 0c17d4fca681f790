"""The picture of a search: the score against each setting, a small panel each. Through matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.insight.tuning.space import coordinates
from schuss.interface.describe import NAMES
from schuss.interface.plots import check_picture, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from schuss.insight.tuning.found import Found, Standing
    from schuss.insight.tuning.journal import Measured

__all__ = ["save_tuning"]

# coordinate -> (what stands under its panel, scale)
PANELS: dict[str, tuple[str, str]] = {
    "learning_rate": ("learning rate α (peak)", "log"),
    "momentum": ("1 − momentum η", "log"),
    "batch_size": ("batch size", "log"),
    "width": ("units of a hidden layer", "log"),
    "depth": ("hidden layers", "few"),
    "activation": ("activation", "few"),
    "decay": ("l2 / batch size", "log"),
    "dropout": ("dropout", "few"),
    "visits": ("epochs", "log"),
}
LOOK, WHOLE, BEST = "#9db8d2", "#1f5fa8", "#c2571a"


def save_tuning(found: Found, path: Path) -> Path:
    """Draw the score of all that was tried against each setting to `path`, and return the path.

    Light: one fold, a part of the epochs. Dark: the mean of whole folds. Each stands as far from the start as
    it was on the same folds, since folds differ. A cross at the upper edge: worse than the picture is high,
    or diverged.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    looks = [(coordinates(each.setting, found.n), _look(each, found)) for each in found.looks]
    whole = [(coordinates(each.setting, found.n), _whole(each, found)) for each in found.whole]
    best = coordinates(found.best.setting, found.n), _whole(found.best, found)
    low, high = _limits([score for _, score in looks + whole], found.start.score)
    figure = Figure(figsize=(8.4, 7.2), layout="constrained")
    grid = figure.subplots(3, 3, sharey=True)
    for axes, (name, (label, scale)) in zip(grid.flat, PANELS.items(), strict=True):
        for points, color, size in ((looks, LOOK, 7), (whole, WHOLE, 10)):
            places, scores = [_place(name, at, found.n) for at, _ in points], [score for _, score in points]
            _dots(axes, places, scores, high, color, size)
        place = _place(name, best[0], found.n)
        axes.plot([place], [best[1]], marker="*", color=BEST, ms=12, ls="", zorder=4)
        axes.axhline(found.start.score, color="0.5", lw=0.8, ls=":")
        _labelled(axes, name, label, scale, found)
    grid[0, 0].set_ylim(low, high)
    for axes in grid[:, 0]:
        axes.set_ylabel(NAMES[found.measure])
    key = "light, one fold and a part of the epochs; dark, whole folds; star, the best; dotted, the start"
    figure.suptitle(f"{found.tried} settings: {key}", fontsize=9, x=0.01, ha="left")
    return save_figure(figure, path)


def _look(look: Measured, found: Found) -> float:
    """Return the score of a first look, moved by how much its fold is harder or easier for the start."""
    there = found.start.scores.get(look.unit._replace(share=1.0), math.inf)
    return look.score + found.start.score - there if math.isfinite(found.start.score - there) else look.score


def _whole(standing: Standing, found: Found) -> float:
    """Return the score of a setting as its gap from the start, where that is known."""
    score = found.start.score + standing.gap
    return standing.score if math.isnan(score) else score


def _limits(scores: list[float], start: float) -> tuple[float, float]:
    finite = np.array([score for score in scores if math.isfinite(score)] or [0.0, 1.0])
    low, high = float(finite.min()), float(np.quantile(finite, 0.8))
    if math.isfinite(start):
        high = max(high, start)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _place(name: str, at: dict[str, Any], n: int) -> Any:
    if name == "momentum":
        return 1.0 - at[name]
    return at[name] / n if name == "visits" else at[name]


def _dots(axes: Axes, places: list[Any], scores: list[float], high: float, color: str, size: int) -> None:
    """Draw scores at places, those beyond the upper edge as crosses on it."""
    inside = [i for i, score in enumerate(scores) if score <= high]
    over = [i for i, score in enumerate(scores) if not score <= high]
    if inside:
        x, y = [places[i] for i in inside], [scores[i] for i in inside]
        axes.scatter(x, y, s=size, color=color, lw=0, zorder=3)
    if over:
        x, y = [places[i] for i in over], [high] * len(over)
        axes.scatter(x, y, s=9, marker="x", color=color, lw=0.6, clip_on=False)


def _labelled(axes: Axes, name: str, label: str, scale: str, found: Found) -> None:
    if scale == "log":
        axes.set_xscale("log")
    if name == "momentum":
        axes.invert_xaxis()
    if name in ("batch_size", "width"):
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
    if name == "visits":
        from matplotlib.ticker import LogLocator, NullFormatter

        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if name == "depth":
        axes.set_xticks([0, 1, 2])
    share = found.effects.get(name)
    axes.set_xlabel(label if share is None else f"{label}    {share:.0%}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)

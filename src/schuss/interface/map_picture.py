"""A stability map as a picture: its classes, and beside them the steps to the goal, with theory over both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.insight.stability_map.classes import CLASSES, NEVER
from schuss.interface.plots import check_picture, save_figure

if TYPE_CHECKING:
    from schuss.insight.stability_map.bounds import Bound
    from schuss.insight.stability_map.value import StabilityMap

__all__ = ["save_stability_map"]

# A class by colour and by hatching: one of them is enough to tell them apart.
FACES = dict(zip(CLASSES, ("#8fc1a9", "#f3efe0", "#f2b661", "#7d3b4f"), strict=True))
HATCHES = dict(zip(CLASSES, ("", "..", "////", "xx"), strict=True))
LINES = {  # a curve of theory by its name
    "largest stable rate": {"color": "black", "ls": "-", "lw": 2.0},
    "gradient descent": {"color": "black", "ls": ":", "lw": 1.4},
    "critical damping": {"color": "#1f3f8f", "ls": "--", "lw": 1.4},
    "small batches": {"color": "black", "ls": "-.", "lw": 1.4},
}
POINTS = 200  # of a curve
# What is labelled on the axes.
RATES = tuple(10.0**power for power in range(-12, 13))
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


def save_stability_map(of: StabilityMap, path: Path) -> Path:
    """Draw a map to `path`, and return the path.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_classes(left, of)
    _draw_steps(figure, right, of)
    curves = _curves(of)
    for axes in (left, right):
        _draw_bounds(axes, of, curves)
        _label(axes, of)
    left.set_ylabel(f"momentum {of.letter}, by log(1−{of.letter})")
    handles = [*_patches(), *left.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    sizes, rule = "-".join(map(str, of.network.layers)), of.plan.rule.name.replace("_", " ")
    figure.suptitle(f"{sizes}, {rule}: {int(of.trained.sum()):,} trainings", x=0.01, ha="left")
    return save_figure(figure, path)


def _edges(values: Any) -> Any:
    """Return where the cells around `values`, evenly apart in their logarithms, begin and end."""
    logs = np.log(values)
    middles = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]]))


def _mesh(axes: Any, of: StabilityMap, shown: Any, **how: Any) -> Any:
    masked = np.ma.masked_invalid(shown.T)
    return axes.pcolor(_edges(of.learning_rate), _edges(1.0 - of.momentum), masked, **how)


def _draw_classes(axes: Any, of: StabilityMap) -> None:
    from matplotlib.colors import ListedColormap

    for place, name in enumerate(CLASSES):
        shown = np.where(of.classes == place, 1.0, np.nan)
        face, hatch = ListedColormap([FACES[name]]), HATCHES[name]
        _mesh(axes, of, shown, cmap=face, hatch=hatch, edgecolor=(0, 0, 0, 0.35), linewidth=0)
    axes.set_title("what became of each training", loc="left", fontsize=10)


def _draw_steps(figure: Any, axes: Any, of: StabilityMap) -> None:
    from matplotlib.colors import LogNorm

    steps = np.where(of.trained & (of.steps != NEVER), of.steps, np.nan)
    axes.set_facecolor("0.85")
    axes.set_title(
        "steps to the goal" + (f", a loss of {of.goal:.3g}" if of.goal is not None else ""),
        loc="left",
        fontsize=10,
    )
    if np.isfinite(steps).any():
        mesh = _mesh(axes, of, steps, cmap="viridis_r", norm=LogNorm(), linewidth=0)
        bar = figure.colorbar(mesh, ax=axes, pad=0.01, label="steps; grey: never", format="{x:,.0f}")
        bar.ax.yaxis.set_minor_formatter("{x:,.0f}")


def _curves(of: StabilityMap) -> list[tuple[Bound, Any, Any]]:
    """Return theory's bounds, each with its learning rates and the momenta that they belong to."""
    momentum = 1.0 - np.geomspace(1.0 - of.momentum[0], 1.0 - of.momentum[-1], POINTS)
    return [(bound, bound.at(momentum), momentum) for bound in of.bounds]


def _draw_bounds(axes: Any, of: StabilityMap, curves: list[tuple[Bound, Any, Any]]) -> None:
    from matplotlib.patheffects import Normal, Stroke

    rim = [Stroke(linewidth=3.6, foreground="white"), Normal()]  # or lines would be lost on dark cells
    for bound, rate, momentum in curves:
        axes.plot(rate, 1.0 - momentum, label=bound.told, path_effects=rim, **LINES[bound.name])
    if of.best is not None:
        i, j = of.best
        place = [of.learning_rate[i]], [1.0 - of.momentum[j]]
        told = f"best: α {of.learning_rate[i]:.3g}, {of.letter} {of.momentum[j]:.4g}"
        axes.plot(*place, "*", ms=15, mfc="white", mec="black", mew=1.2, label=told, ls="none")


def _label(axes: Any, of: StabilityMap) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*_edges(of.learning_rate)[[0, -1]])
    axes.set_ylim(*_edges(1.0 - of.momentum)[[0, -1]])
    axes.set_xlabel("learning rate α")
    rates, momenta = _ticks(of.learning_rate, RATES), _ticks(of.momentum, MOMENTA)
    axes.set_xticks(rates, [f"{rate:.3g}" for rate in rates])
    axes.set_yticks([1.0 - momentum for momentum in momenta], [f"{momentum:.4g}" for momentum in momenta])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)


def _ticks(values: Any, wished: Sequence[float]) -> list[float]:
    """Return which values are labelled: those `wished` for in range, or ends and middle of a narrow one."""
    within = [value for value in wished if values[0] <= value <= values[-1]]
    return within if len(within) > 1 else values[[0, len(values) // 2, -1]].tolist()


def _patches() -> list[Any]:
    from matplotlib.patches import Patch

    edge = (0, 0, 0, 0.5)
    return [Patch(facecolor=FACES[c], hatch=HATCHES[c], edgecolor=edge, label=c) for c in CLASSES]

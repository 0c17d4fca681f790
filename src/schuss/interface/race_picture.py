"""The picture of a race: the landscape's contours with every trail on them, and the losses beside them.

Each rule has a line style and a marker of its own, so that no picture needs its colours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schuss.insight.race.value import DIVERGED, Race, Racer, settings_of
from schuss.insight.race.varied import Varied, varied_in
from schuss.interface.plots import check_picture, save_figure
from schuss.interface.race_levels import levels_of, lowest_told
from schuss.method.rules.rule import LETTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["save_race"]

# A racer's look: the first seven differ in all three, the first 56 in some.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#7f3c8d")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ((5, 1, 1, 1, 1, 1), (9, 2), (4, 1, 1, 1), (1, 1, 1, 3))
LINES = ("-", "--", "-.", ":", *((0, dashes) for dashes in DASHES))
GOAL_COLOR = "#a00000"
MARKS = 9  # along a trail
LEVELS = 16
CLOCK_WORDS = {"steps": "steps", "evaluations": "evaluations of gradient or loss", "time": "seconds"}


def save_race(race: Race, path: Path) -> Path:
    """Draw a race to `path` and return it.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `schuss.interface.plots.save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    varied = varied_in(race)
    ratios = (1.15, 1.0) if varied is None else (1.15, 1.0, 0.7)
    figure = Figure(figsize=(5.1 * sum(ratios), 5.0), layout="constrained")
    land, losses, *rest = figure.subplots(1, len(ratios), width_ratios=ratios)
    _draw_land(land, race)
    for i, racer in enumerate(race.racers):
        look = _look(i)
        along = racer.path
        land.plot(along[:, 0], along[:, 1], **look, markevery=_spaced(along, race), label=_label(racer, race))
        clock, shown = race.by_clock(racer), racer.loss > 0
        losses.plot(clock[shown], racer.loss[shown], **look, markevery=_every(int(shown.sum())))
    if varied is not None:
        _draw_varied(rest[0], varied, race)
    _draw_ends(land, race)
    _finish_losses(losses, race)
    figure.suptitle(f"{race.name}: {race.words}", x=0.01, ha="left", fontsize=11)
    handles, labels = land.get_legend_handles_labels()
    columns = min(len(labels), 3)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    return save_figure(figure, path)


def _draw_land(axes: Axes, race: Race) -> None:
    x, y, found = race.grid
    levels = levels_of(found, race.goal, LEVELS)
    with np.errstate(invalid="ignore"):
        scale = "log" if levels[0] > 0 else "linear"
        axes.contourf(x, y, found, levels=levels, cmap="Greys", alpha=0.25, extend="both", norm=scale)
        axes.contour(x, y, found, levels=levels, colors="0.6", linewidths=0.5)
        if race.goal is not None and found.min() < race.goal < found.max():
            axes.contour(x, y, found, levels=[race.goal], colors=GOAL_COLOR, linewidths=1.2)
    if race.goal is not None:
        axes.plot([], [], color=GOAL_COLOR, lw=1.2, label=f"goal: loss {race.goal:g}")
    axes.set_xlim(*race.window[0])
    axes.set_ylim(*race.window[1])
    axes.set_xlabel(race.axes[0])
    axes.set_ylabel(race.axes[1])


def _draw_ends(axes: Axes, race: Race) -> None:
    """Mark the start, and the lowest points where they are known."""
    start = race.racers[0].path[0].astype(np.float64)
    axes.plot(*start, "o", ms=11, mfc="white", mec="black", mew=1.6, zorder=5)
    (x0, x1), (y0, y1) = race.window
    middle = np.mean(np.concatenate([racer.path for racer in race.racers]), axis=0)
    place = (start - [x0, y0]) / [x1 - x0, y1 - y0]
    # away from the trails, but not over the frame
    across = 0 if min(place[0], 1 - place[0]) < 0.1 else -1 if start[0] < middle[0] else 1
    up = 1 if place[1] < 0.06 or (start[1] > middle[1] and place[1] < 0.94) else -1
    axes.annotate(
        "start",
        (float(start[0]), float(start[1])),
        (8.0 * across, 9.0 * up),
        textcoords="offset points",
        ha=("center", "left", "right")[across],
        va="bottom" if up > 0 else "top",
        fontsize=9,
        zorder=6,
    )
    for a, b in race.minima:
        axes.plot([a], [b], "*", ms=13, mfc="white", mec="black", zorder=5)


def _finish_losses(axes: Axes, race: Race) -> None:
    ends = [float(race.by_clock(racer)[-1]) for racer in race.racers]
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], lowest_told(race)))
    _plain_ticks(axes)
    if max(ends) > 8 * min(ends):
        firsts = [
            float(clock[clock > 0][0]) for racer in race.racers if (clock := race.by_clock(racer))[-1] > 0
        ]
        axes.set_xscale("symlog", linthresh=min(firsts, default=1.0))
        axes.set_xlim(left=0)
    if race.goal is not None:
        axes.axhline(race.goal, color=GOAL_COLOR, lw=1.2)
    axes.set_xlabel(CLOCK_WORDS[race.clock])
    axes.set_ylabel("loss")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_varied(axes: Axes, varied: Varied, race: Race) -> None:
    """Draw what the clock showed at the goal by the setting that varies; an arrow up where nobody arrived."""
    arrived, places = np.isfinite(varied.at_goal), varied.values
    if varied.setting == "momentum" and places[-1] < 1:  # what matters is how near it is to 1
        places = -np.log(1 - places)
        axes.set_xticks(places, [f"{value:g}" for value in varied.values], rotation=90)
    axes.plot(places[arrived], varied.at_goal[arrived], "o-", color="black", ms=5, lw=1.2)
    axes.set_xlim(places[0] - 0.05 * np.ptp(places), places[-1] + 0.05 * np.ptp(places))
    axes.set_yscale("log")
    _plain_ticks(axes)
    for place in places[~arrived]:
        axes.annotate(
            "not at\nthe goal",
            (float(place), 1.0),
            (0.0, -25.0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7,
            arrowprops={"arrowstyle": "->"},
        )
    axes.set_xlabel(f"{varied.setting.replace('_', ' ')} {LETTERS.get(varied.setting, '')}".rstrip())
    axes.set_ylabel(f"{CLOCK_WORDS[race.clock]} to the goal")
    axes.spines[["top", "right"]].set_visible(False)


def _plain_ticks(axes: Axes) -> None:
    """Write the numbers of a logarithmic axis out, where it spans no more than a decade or two."""
    low, high = axes.get_ylim()
    if high < 30 * low:
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.yaxis.set_minor_formatter("{x:,g}")


def _look(i: int) -> dict[str, Any]:
    return {
        "color": COLORS[i % len(COLORS)],
        "marker": MARKERS[i % len(MARKERS)],
        "ls": LINES[i % len(LINES)],
        "lw": 1.4,
        "ms": 4.5,
        "mec": "white",
        "mew": 0.5,
    }


def _label(racer: Racer, race: Race) -> str:
    """Return who it is and how it ended."""
    if racer.stopped == DIVERGED:
        end = "diverged"
    elif racer.reached:
        end = f"{racer.steps:,} steps"
    else:
        end = f"loss {racer.loss[racer.best]:.3g}" + ("" if race.goal is None else ", not at the goal")
    return f"{racer.name} {settings_of(racer.rule)}".rstrip() + f": {end}"


def _every(points: int) -> int:
    return max(1, points // MARKS)


def _spaced(along: NDArray[Any], race: Race) -> list[int]:
    """Return points of a trail that lie about evenly on paper, for its markers."""
    size = np.array([high - low for low, high in race.window])
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(along, axis=0) / size, axis=1))])
    places = np.searchsorted(gone, np.linspace(0, gone[-1], MARKS + 1))
    found: list[int] = np.unique(np.minimum(places, len(along) - 1)).tolist()
    return found

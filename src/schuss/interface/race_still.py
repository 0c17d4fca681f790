"""A race as a still in the terminal: contours in dots, each trail in a letter of its own, losses beside it.

Letters tell the trails apart; colours only help. An end is a capital.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich.text import Text

from schuss.insight.race.value import Race, settings_of
from schuss.interface.race_levels import levels_of, lowest_told
from schuss.method.functions import Array

__all__ = ["still_of"]

COLORS = ("blue", "red", "green", "magenta", "yellow", "cyan", "bright_black", "white")
ROWS, LAND_COLUMNS, LOSS_COLUMNS = 21, 60, 46
LABEL = 9  # characters before the losses' panel
START, GOAL_LINE, CONTOUR = "@", "─", "·"

Cell = tuple[str, str]  # a character and its style


def still_of(race: Race, width: int) -> Text:
    """Return the picture for a terminal of `width` characters; the panels one below the other if need be."""
    side_by_side = width >= LAND_COLUMNS + LOSS_COLUMNS + LABEL + 3
    land = _land(race, min(LAND_COLUMNS, max(width - 1, 20)))
    losses = _losses(race, min(LOSS_COLUMNS, max(width - LABEL - 1, 20)))
    if side_by_side:
        lines = [Text.assemble(a, "   ", b) for a, b in zip(land, losses, strict=True)]
    else:
        lines = [*land, Text(), *losses]
    lines += [Text(), *_legend(race)]
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def _land(race: Race, columns: int) -> list[Text]:
    """Return contours and trails, `ROWS` lines of rows from top to bottom, and a line below them."""
    found = _resampled(race.grid[2], columns, ROWS)
    band = np.digitize(found, levels_of(found, race.goal, 9))
    edge = np.zeros(band.shape, bool)
    edge[:, :-1] |= band[:, :-1] != band[:, 1:]
    edge[:-1] |= band[:-1] != band[1:]
    cells: list[list[Cell]] = [[(CONTOUR if is_edge else " ", "dim") for is_edge in row] for row in edge]
    (x0, x1), (y0, y1) = race.window
    paths = [(racer.path - [x0, y0]) / [x1 - x0, y1 - y0] for racer in race.racers]
    _draw(cells, paths)
    _put(cells, paths[0][0], START, "bold")
    below = f"{race.axes[0]} {x0:.4g} … {x1:.4g},  {race.axes[1]} {y0:.4g} … {y1:.4g}"
    return [*_lines(cells), Text(below[:columns].ljust(columns), "dim")]


def _resampled(found: Array, columns: int, rows: int) -> Array:
    """Return heights between those of a grid, shape (rows, columns), the top row first."""
    x, y = np.linspace(0, found.shape[1] - 1, columns), np.linspace(found.shape[0] - 1, 0, rows)
    left, below = np.minimum(x.astype(int), found.shape[1] - 2), np.minimum(y.astype(int), found.shape[0] - 2)
    across = found[:, left] + (x - left) * (found[:, left + 1] - found[:, left])
    between: Array = across[below] + (y - below)[:, None] * (across[below + 1] - across[below])
    return between


def _losses(race: Race, columns: int) -> list[Text]:
    """Return the losses by the race's clock, both on a logarithmic scale, as lines of the same number."""
    clocks = [np.log10(1 + race.by_clock(r) / _unit(race)) for r in race.racers]
    values = [np.log10(np.maximum(r.loss, np.finfo(np.float64).tiny)) for r in race.racers]
    floor = math.log10(race.goal) if race.goal and race.goal > 0 else math.inf
    low = max(min(*(float(v.min()) for v in values), floor), math.log10(lowest_told(race)))
    high = max(float(v.max()) for v in values)
    last = max(float(c[-1]) for c in clocks) or 1.0
    cells: list[list[Cell]] = [[(" ", "")] * columns for _ in range(ROWS)]
    if low <= floor < math.inf:
        for i in range(columns):
            _put(cells, np.array([(i + 0.5) / columns, (floor - low) / (high - low or 1)]), GOAL_LINE, "dim")
    _draw(
        cells,
        [
            np.column_stack([c / last, (v - low) / (high - low or 1)])
            for c, v in zip(clocks, values, strict=True)
        ],
    )
    labels = {0: f"{10**high:.3g}", ROWS - 1: f"{10**low:.3g}", ROWS // 2: "loss"}
    body = [
        Text.assemble((f"{labels.get(i, ''):>{LABEL - 1}} ", "dim"), line)
        for i, line in enumerate(_lines(cells))
    ]
    end = max(float(race.by_clock(r)[-1]) for r in race.racers)
    scale = f"{race.clock} 0 … {end:,.4g} (logarithmic)"
    return [*body, Text(" " * LABEL + scale, "dim")]


def _unit(race: Race) -> float:
    """Return what the clock's scale begins with: one count, or the shortest first step."""
    if race.clock != "time":
        return 1.0
    return min((float(r.seconds[1]) for r in race.racers if len(r.seconds) > 1), default=1.0) or 1.0


def _draw(cells: list[list[Cell]], paths: Sequence[Array]) -> None:
    """Draw each path, of points in the unit square, in its letter; paths that cover each other take turns."""
    for i, path in enumerate(paths):
        letter, style = chr(ord("a") + i % 26), COLORS[i % len(COLORS)]
        for point in _dense(path, len(cells[0]), len(cells)):
            _put(cells, point, letter, style, shared=True)
    for i, path in enumerate(paths):
        _put(cells, path[-1], chr(ord("A") + i % 26), f"bold {COLORS[i % len(COLORS)]}")


def _dense(path: Array, columns: int, rows: int) -> Array:
    """Return the points of a path and enough between them that no cell is left out."""
    steps = np.abs(np.diff(path, axis=0)) * [columns, rows]
    counts = np.clip(np.ceil(steps.max(axis=1, initial=0)), 1, 2 * columns).astype(int)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(path, path[1:], counts, strict=False)]
    return np.concatenate([*parts, path[-1:]])


def _put(cells: list[list[Cell]], point: Array, sign: str, style: str, *, shared: bool = False) -> None:
    rows, columns = len(cells), len(cells[0])
    if not (np.all(point >= 0) and np.all(point <= 1)):
        return
    column, row = min(int(point[0] * columns), columns - 1), rows - 1 - min(int(point[1] * rows), rows - 1)
    taken = cells[row][column][0].isalpha() and cells[row][column][0] != sign
    if not (shared and taken and (row + column) % 2):
        cells[row][column] = sign, style


def _lines(cells: Sequence[Sequence[Cell]]) -> list[Text]:
    return [Text.assemble(*row) for row in cells]


def _legend(race: Race) -> list[Text]:
    """Return a line for each letter, and one for the signs."""
    lines = []
    for i, racer in enumerate(race.racers):
        letter, style = chr(ord("a") + i % 26), COLORS[i % len(COLORS)]
        lines.append(
            Text.assemble((letter, f"bold {style}"), f" {racer.name} {settings_of(racer.rule)}".rstrip())
        )
    goal = "" if race.goal is None else f"  {GOAL_LINE} goal"
    lines.append(Text(f"{START} start  A end{goal}  {CONTOUR} contour", "dim"))
    return lines

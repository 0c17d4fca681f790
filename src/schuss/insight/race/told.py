"""A race as text: a row for each rule, in the order in which they arrived."""

from __future__ import annotations

from schuss.insight.race.value import DIVERGED, ENDED, Race, Racer, settings_of
from schuss.insight.shown import columns, number
from schuss.method.functions import Array

__all__ = ["clocked", "told"]

HEAD = ("rule", "settings", "steps", "gradients", "losses", "curvatures", "time", "end point", "loss", "goal")


def told(race: Race) -> str:
    """Return the race as lines of text."""
    lines = [f"{race.name}: {race.words}", _course(race), "", *_table(race)]
    return "\n".join([*lines, "", *race.notes] if race.notes else lines)


def _course(race: Race) -> str:
    begins = f"from {_point(race.start)}, " if race.start.size == 2 else ""
    goal = "" if race.goal is None else f" to a loss of {race.goal:g}"
    clock = "" if race.clock == "steps" else f", ranked by {race.clock}"
    return f"{begins}at most {race.limit:,} steps{goal}, {race.start.dtype.name}{clock}"


def _table(race: Race) -> list[str]:
    """Return the table without the columns that say nothing of this race; the first two to the left."""
    rows = [_row(race, racer) for racer in race.ranked]
    used = [i for i in range(len(HEAD)) if any(row[i] for row in rows)]
    head, *cells = ([row[i] for i in used] for row in (HEAD, *rows))
    width = max(len(row[1]) for row in (head, *cells))
    for row in (head, *cells):
        row[1] = row[1].ljust(width)
    return columns(head, cells)


def _row(race: Race, racer: Racer) -> tuple[str, ...]:
    best = racer.best
    return (
        racer.name,
        settings_of(racer.rule),
        f"{racer.steps:,}",
        f"{racer.gradients[-1]:,}",
        f"{racer.losses[-1]:,}" if racer.losses[-1] else "",
        f"{racer.products[-1]:,}" if racer.products[-1] else "",
        _duration(racer.seconds[-1]),
        _point(racer.trail[best]) if racer.trail.shape[1] == 2 else "",
        number(float(racer.loss[best]), 6),
        _ending(race, racer),
    )


def _ending(race: Race, racer: Racer) -> str:
    """Return whether it arrived; without a goal only why it stopped before the others."""
    if racer.reached:
        return "reached"
    said = f"best at step {racer.at[racer.best]:,}"
    if racer.stopped in (DIVERGED, ENDED):
        return f"{racer.stopped}; {said}"
    return "" if race.goal is None else f"no; {said}"


def clocked(race: Race, racer: Racer) -> str:
    """Return what the race's clock showed at the end of a racer's way, with its unit."""
    if race.clock == "time":
        return _duration(float(racer.seconds[-1]))
    return f"{race.by_clock(racer)[-1]:,} {race.clock}"


def _point(theta: Array) -> str:
    return "(" + ", ".join(f"{x:.5g}" for x in theta.tolist()) + ")"


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"

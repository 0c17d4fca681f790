"""A race as text: a row for each rule, in the order in which they arrived."""

from __future__ import annotations

from schuss.insight.race.value import DIVERGED, Race, Racer, settings_of
from schuss.insight.shown import columns, number

__all__ = ["told"]

HEAD = ("rule", "settings", "steps", "gradients", "losses", "curvatures", "time", "end point", "loss", "goal")


def told(race: Race) -> str:
    """Return the race as lines of text."""
    lines = [f"{race.name}: {race.words}", _course(race), ""]
    lines += _table(race)
    return "\n".join([*lines, *_afterwards(race)])


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
    """Return whether it arrived; without a goal only what went wrong."""
    if racer.reached:
        return "reached"
    diverged = racer.stopped == DIVERGED
    if race.goal is None and not diverged:
        return ""
    said = f"best at step {racer.at[racer.best]:,}"
    return f"diverged; {said}" if diverged else f"no; {said}"


def _point(theta: object) -> str:
    return "(" + ", ".join(f"{float(x):.5g}" for x in theta) + ")"  # type: ignore[attr-defined]  # an array


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _afterwards(race: Race) -> list[str]:
    return ["", *race.notes] if race.notes else []

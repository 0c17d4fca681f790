"""A race as text: a row for each rule, in the order in which they arrived."""

from __future__ import annotations

from schuss.insight.race.value import CLOCKS, DIVERGED, Race, Racer, settings_of
from schuss.insight.shown import columns, number

__all__ = ["told"]

HEAD = ("rule", "settings", "steps", "gradients", "losses", "time", "end point", "loss", "goal")


def told(race: Race) -> str:
    """Return the race as lines of text."""
    lines = [f"{race.name}: {race.words}", _course(race), ""]
    lines += _with_left_columns(race)
    return "\n".join([*lines, *_afterwards(race)])


def _course(race: Race) -> str:
    begins = f"from {_point(race.start)}, " if race.start.size == 2 else ""
    goal = "" if race.goal is None else f" to a loss of {race.goal:g}"
    clock = "" if race.clock == "steps" else f", ranked by {race.clock}"
    return f"{begins}at most {race.limit:,} steps{goal}, {race.start.dtype.name}{clock}"


def _with_left_columns(race: Race) -> list[str]:
    """Return the table; columns without a use for this race are left out."""
    rows = [HEAD, *(_row(race, racer) for racer in race.ranked)]
    used = [i for i in range(len(HEAD)) if any(row[i] for row in rows[1:])]
    table = [[row[i] for i in used] for row in rows]
    width = max(len(row[1]) for row in table)
    return columns(table[0][:1] + [table[0][1].ljust(width)] + table[0][2:],
                   [row[:1] + [row[1].ljust(width)] + row[2:] for row in table[1:]])


def _row(race: Race, racer: Racer) -> tuple[str, ...]:
    best = racer.best
    return (
        racer.name,
        settings_of(racer.rule),
        f"{racer.steps:,}",
        f"{racer.gradients[-1]:,}",
        f"{racer.losses[-1]:,}" if racer.losses[-1] else "",
        _duration(racer.seconds[-1]),
        _point(racer.trail[best]) if racer.trail.shape[1] == 2 else "",
        number(float(racer.loss[best]), 6),
        "" if race.goal is None else _ending(racer),
    )


def _ending(racer: Racer) -> str:
    if racer.reached:
        return "reached"
    said = f"no; best at step {racer.at[racer.best]:,}"
    return f"diverged, {said}" if racer.stopped == DIVERGED else said


def _point(theta: object) -> str:
    return "(" + ", ".join(f"{float(x):.5g}" for x in theta) + ")"  # type: ignore[attr-defined]  # an array


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _afterwards(race: Race) -> list[str]:
    return ["", *race.notes] if race.notes else []

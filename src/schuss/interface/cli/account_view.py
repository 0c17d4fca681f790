"""An account of a weight's change as lines for a terminal, with a small waterfall."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schuss.insight.account import Account

__all__ = ["Entry", "entries", "sample_rows", "step_rows", "waterfall"]

WIDTH = 32


class Entry(NamedTuple):
    """A line of an account: what it is, and what it gives to the change."""

    name: str
    coefficient: str
    term: str
    value: float


def entries(account: Account, most: int) -> list[Entry]:
    """Return the lines of an account, at most so many steps by themselves and the rest in one."""
    steps = account.steps
    order = list(range(len(steps.keys)))
    if account.stop - account.start > 1:  # over a range the largest tell more than the newest
        order.sort(key=lambda i: -abs(steps.contribution[i]))
    alone, rest = order[:most], order[most:]
    found = [
        Entry(
            f"step {steps.keys[i]}",
            f"{account.coefficient[i]:.6g}",
            f"{account.term[i]:+.4g}",
            float(steps.contribution[i]),
        )
        for i in alone
    ]
    if rest:
        found.append(Entry(f"{len(rest):,} other steps", "", "", float(steps.contribution[rest].sum())))
    if account.first or account.older:
        found.append(Entry(f"memory before step {account.first}", "", "", account.older))
    found += [Entry(name, "", "", value) for name, value in account.others.items()]
    return [*found, Entry("rounding", "", "", sum(steps.rounding))]


def step_rows(account: Account, most: int) -> list[tuple[str, ...]]:
    """Return the table of lines: name, coefficient, gradient term, contribution, share, waterfall."""
    lines = entries(account, most)
    change = float(account.change)
    bars = waterfall([line.value for line in lines])
    return [
        (line.name, line.coefficient, line.term, f"{line.value:+.6g}", share(line.value, change), bar)
        for line, bar in zip(lines, bars, strict=True)
    ]


def sample_rows(account: Account, most: int, label: Callable[[int], str]) -> list[tuple[str, ...]]:
    """Return the samples that moved the weight most: name, visits, contribution, share."""
    samples, change = account.samples, float(account.change)
    columns = zip(samples.keys[:most], account.visits[:most], samples.contribution[:most], strict=True)
    rows: list[tuple[str, ...]] = [
        (label(int(k)), f"{n}", f"{c:+.6g}", share(float(c), change)) for k, n, c in columns
    ]
    left = len(samples.keys) - len(rows)
    if left > 0:
        rest = float(samples.contribution[most:].sum())
        rows.append(
            (f"{left:,} others", f"{account.visits[most:].sum():,}", f"{rest:+.6g}", share(rest, change))
        )
    return rows


def share(value: float, change: float) -> str:
    """Return a contribution as a share of the change."""
    return f"{value / change:+.1%}" if change else ""


def waterfall(values: list[float], width: int = WIDTH) -> list[str]:
    """Return a bar for each value, from where the sum of those before it ends; ░ goes down, █ goes up."""
    ends = list(accumulate(values, initial=0.0))
    low, high = min(ends), max(ends)
    if high == low:
        return [""] * len(values)

    def place(x: float) -> int:
        return round((x - low) / (high - low) * width)

    bars = []
    for before, after in pairwise(ends):
        a, b = sorted((place(before), place(after)))
        bars.append(" " * a + (("█" if after >= before else "░") * (b - a) or "▏"))
    return bars

"""An account of a weight's change as lines of text, with a small waterfall."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from schuss.insight.shown import Label, columns
from schuss.method.rules import RULES

if TYPE_CHECKING:
    from schuss.insight.account import Account

__all__ = ["Entry", "account_text", "entries", "step_lines", "waterfall"]

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


def account_text(account: Account, most: int, label: Label) -> str:
    """Return an account as lines, at most so many steps and samples by themselves."""
    whole = account.stop - account.start > 1
    when = f"steps {account.start:,} to {account.stop - 1:,}" if whole else f"step {account.start:,}"
    others = f" and {sum(account.others.values()):+.6g} from {', '.join(account.others)}"
    verdict = "add up to the change to the last bit" if account.balances else "DO NOT ADD UP: a bug"
    change = (
        f"{account.before:.9g} → {account.after:.9g}: change {float(account.change):+.6g} = "
        f"{account.now:+.6g} from now and {account.memory:+.6g} from memory"
    )
    change += others if account.others else ""
    forgets = "" if RULES[account.rule].memory else ", which has no memory"
    lines = [
        f"{account.name}, {when}, rule {account.rule}{forgets}",
        change,
        "",
        *step_lines(account, most),
        "",
    ]
    if account.silent:
        visits = f"{account.silent:,} of {int(account.visits.sum()):,} visits of samples"
        lines.append(f"{visits} gave nothing: a silent unit, or an input of 0.")
    lines += columns(["by sample", "visits", "contribution", "share"], _sample_rows(account, most, label))
    return "\n".join([*lines, "", f"The lines of both tables, with their roundings, {verdict}."])


def step_lines(account: Account, most: int) -> list[str]:
    """Return the table of lines: name, coefficient, gradient term, contribution, share, waterfall."""
    found, change = entries(account, most), float(account.change)
    rows = [
        [line.name, line.coefficient, line.term, f"{line.value:+.6g}", _share(line.value, change)]
        for line in found
    ]
    bars = ["", *waterfall([line.value for line in found])]
    lines = columns(["", "coefficient", "gradient term", "contribution", "share"], rows)
    return [f"{line}  {bar}".rstrip() for line, bar in zip(lines, bars, strict=True)]


def _sample_rows(account: Account, most: int, label: Label) -> list[list[str]]:
    """Return the samples that moved the weight most: name, visits, contribution, share."""
    samples, change = account.samples, float(account.change)
    told = zip(samples.keys[:most], account.visits[:most], samples.contribution[:most], strict=True)
    rows = [[label(int(k)), f"{n}", f"{c:+.6g}", _share(float(c), change)] for k, n, c in told]
    left = len(samples.keys) - len(rows)
    if left > 0:
        rest = float(samples.contribution[most:].sum())
        visits = f"{account.visits[most:].sum():,}"
        rows.append([f"{left:,} others", visits, f"{rest:+.6g}", _share(rest, change)])
    return rows


def _share(value: float, change: float) -> str:
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

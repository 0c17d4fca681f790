"""``schuss compare``: where two recorded runs part, to the bit."""

from __future__ import annotations

from typing import Annotated

import typer

from schuss.interface.cli.output import print_json, print_line
from schuss.interface.cli.places import place_of

__all__ = ["compare"]


def compare(
    first: Annotated[str, typer.Argument(help="A recorded run: its folder, or its name in the folder runs.")],
    second: Annotated[str, typer.Argument(help="Another one of the same network.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Find the first step at which two runs differ in any bit, and what it did in each of them."""
    from schuss.adapters.recorded import open_run
    from schuss.insight.account_text import step_lines
    from schuss.insight.comparison import compare as compare_runs

    found = compare_runs(open_run(place_of(first)), open_run(place_of(second)))
    if as_json:
        print_json(found.to_dict())
        return
    for name, (one, other) in found.settings.items():
        print_line(f"{name}: {one} in the first, {other} in the second")
    if found.step is None:
        print_line(f"equal to the last bit from step {found.first:,} to step {found.stop:,}", style="bold")
        return
    unlike = f"in {len(found.parted):,} weights, most in {found.weight}"
    where = f"parted by the update of step {found.step:,}"
    if found.step < 0:
        where = f"unlike already at step {found.first:,}, the first that both can make again"
    print_line(f"{where}, {unlike}", style="bold")
    for name, account in zip((first, second), found.accounts, strict=False):
        print_line()
        change = float(account.change)
        print_line(f"{name}: {account.before:.9g} → {account.after:.9g}, change {change:+.6g}")
        for line in step_lines(account, 4):
            print_line(line)

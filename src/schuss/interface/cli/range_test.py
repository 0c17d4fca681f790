"""``schuss tune --range-test``: which learning rate a table bears, and the commands that try it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from schuss.interface.cli.output import print_json, print_line, say

if TYPE_CHECKING:
    from schuss.adapters.columns import Table

__all__ = ["DOES", "OF_USE", "show_range_test"]

DOES = "makes one short training and keeps nothing"
OF_USE = (
    *("data", "target", "task", "test_size", "drop_missing_target", "seed", "dtype", "engine", "threads"),
    *("plot", "no_record", "as_json", "quiet"),
)


def show_range_test(
    table: Table,
    targets: list[str],
    how: dict[str, Any],
    data: str,
    plot: Path | None,
    *,
    dropped: bool,
    engine: str,
    threads: int | None,
    as_json: bool,
) -> None:
    """Make a range test with what `schuss train` takes by itself, and print what it says.

    The commands begin at the weights and with the batches of the test: `dropped` says whether rows without
    a target were left out of the table.
    """
    from schuss.adapters.fitting import prepare
    from schuss.adapters.recipe import Recipe
    from schuss.adapters.train_command import RISE_AND_FALL, terms_of, train_command
    from schuss.insight.range_test import range_test

    found = prepare(table, targets, **how)
    recipe = Recipe(seed=how["seed"])
    network, plan = recipe.network(found.X.shape[1], found.targets), recipe.plan(len(found.X))
    tested = range_test(network, found.X, found.T, plan, engine=engine, threads=threads)
    terms = terms_of(**how, engine=engine) | {"drop_missing_target": dropped}
    commands = [
        train_command(data, targets, {"learning_rate": f"{rate:.3g}", "schedule": RISE_AND_FALL} | terms)
        for rate in (tested.tenth, tested.steepest)
        if rate is not None
    ]
    if as_json:
        print_json(tested.to_dict() | {"data": table.name, "commands": commands})
    else:
        for line in [f"{table.name}: {network!r}", *tested.text().splitlines()]:
            print_line(line)
        for line in commands:
            print_line(f"try: {line}")
    if plot is not None:
        from schuss.interface.range_picture import save_range_test

        say(f"picture written to {save_range_test(tested, plot)}")

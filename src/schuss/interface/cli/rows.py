"""Rows without a target: left out if that was asked for, else refused with the option's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from schuss.errors import DataError
from schuss.interface.cli.output import say

if TYPE_CHECKING:
    from schuss.adapters.columns import Table

__all__ = ["DropMissingTarget", "with_targets"]

DropMissingTarget = Annotated[
    bool, typer.Option("--drop-missing-target", help="Leave out rows without a target.")
]


def with_targets(table: Table, targets: Sequence[str], *, drop: bool) -> Table:
    """Return the rows that have all their targets.

    Raises
    ------
    DataError
        Some rows lack one, and `drop` is False.
    """
    import numpy as np

    missing = table.missing(targets)
    if not missing.any():
        return table
    count = f"{int(missing.sum()):,} of {table.n_rows:,} rows"
    if not drop or missing.all():
        names = " or ".join(map(repr, targets))
        raise DataError(
            f"target {names} is missing in {count} (first in row {int(missing.argmax()) + 1:,}). Fill it in, "
            "or leave these rows out with --drop-missing-target."
        )
    say(f"Left out {count} without a target.")
    return table.take(np.flatnonzero(~missing))

"""``schuss evaluate``: how right a model is on a table that holds the answers."""

from __future__ import annotations

from typing import Annotated

import typer

from schuss.interface.cli.output import print_json, print_line
from schuss.interface.cli.places import MODEL, model_named
from schuss.interface.cli.rows import DropMissingTarget, with_targets

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL)],
    data: Annotated[str, typer.Argument(help="A file, - for stdin, or an embedded set.")],
    drop_missing_target: DropMissingTarget = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Print a model's scores on a table that holds its target."""
    from schuss.adapters.tables import read_table
    from schuss.interface.describe import score_line

    loaded, table = model_named(model), read_table(data)
    table = with_targets(table, [target.name for target in loaded.targets], drop=drop_missing_target)
    scores = loaded.evaluate(table)
    if as_json:
        print_json(scores | {"rows": table.n_rows})
    else:
        print_line(f"{table.name}: {table.n_rows:,} rows, {score_line(scores)}")

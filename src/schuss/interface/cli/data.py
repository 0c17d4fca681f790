"""``schuss data``: the embedded data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from schuss.interface.cli.output import print_json, print_table

__all__ = ["data"]


def data(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the data sets that come with schuss and need no file."""
    from schuss.adapters.datasets import DATASETS

    if as_json:
        fields = ("name", "task", "n_rows", "n_inputs", "targets", "description")
        print_json([{name: getattr(s, name) for name in fields} for s in DATASETS.values()])
        return
    rows = [(s.name, f"{s.n_rows:,}", s.n_inputs, s.task, s.description) for s in DATASETS.values()]
    print_table(("name", "rows", "inputs", "task", "what it is"), rows)

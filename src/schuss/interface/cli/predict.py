"""``schuss predict``: what a model says of a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.interface.cli.output import print_json, say
from schuss.interface.cli.places import MODEL, model_named

if TYPE_CHECKING:
    from schuss.adapters.columns import Table
    from schuss.adapters.model import Model

__all__ = ["predict"]


def predict(
    model: Annotated[str, typer.Argument(help=MODEL)],
    data: Annotated[str, typer.Argument(help="A file, - for stdin, or an embedded set.")],
    proba: Annotated[bool, typer.Option("--proba", help="Add each class's probability.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the predictions to this CSV file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the predictions as JSON.")] = False,
) -> None:
    """Print a model's predictions for each row of a table, as CSV."""
    from schuss.adapters.tables import read_table
    from schuss.training.record import write_whole

    loaded, table = model_named(model), read_table(data)
    columns = prediction_columns(loaded, table, proba=proba)
    if out is not None:
        written = write_whole(out, as_csv(columns).encode())
        say(f"{table.n_rows:,} predictions written to {written}")
    if as_json:
        print_json(columns)
    elif out is None:
        print(as_csv(columns), end="")


def prediction_columns(model: Model, table: Table, *, proba: bool) -> dict[str, list[Any]]:
    """Return predictions, and probabilities if asked for, as columns of plain values."""
    columns = {name: values.tolist() for name, values in model.predict(table).items()}
    if proba:
        for target in model.targets:
            shares = model.probabilities(table)[target.name]
            names = [f"{target.name}={label}" for label in target.classes]
            columns |= dict(zip(names, shares.T.tolist(), strict=True))
    return columns


def as_csv(columns: dict[str, list[Any]]) -> str:
    """Return columns as CSV text with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()

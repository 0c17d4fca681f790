"""The table of commands, from which the program, its help and docs/cli.md are built."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from schuss.interface.cli.bare_record import Command
from schuss.interface.cli.compare import compare
from schuss.interface.cli.convert import convert
from schuss.interface.cli.curvature import curvature
from schuss.interface.cli.data import data
from schuss.interface.cli.derive import derive
from schuss.interface.cli.doctor import doctor
from schuss.interface.cli.evaluate import evaluate
from schuss.interface.cli.exits import guarded
from schuss.interface.cli.explain import explain
from schuss.interface.cli.fork import fork
from schuss.interface.cli.map import map as stability_map
from schuss.interface.cli.predict import predict
from schuss.interface.cli.race import race
from schuss.interface.cli.replay import replay
from schuss.interface.cli.resume import resume
from schuss.interface.cli.show import show
from schuss.interface.cli.train import train
from schuss.interface.cli.tune import tune

__all__ = ["COMMANDS", "app"]

COMMANDS = (
    train,
    tune,
    predict,
    evaluate,
    show,
    derive,
    resume,
    replay,
    fork,
    compare,
    explain,
    stability_map,
    convert,
    race,
    curvature,
    data,
    doctor,
)

app = typer.Typer(
    name="schuss",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # what goes wrong on purpose is told in a sentence
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        from schuss import __version__

        print(f"schuss {__version__}")
        raise typer.Exit


@app.callback(epilog="Start with: schuss train digits")
def schuss(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train feed-forward networks by back-propagation with momentum: fast, and the same bits every time."""


def _add(command: Any) -> None:
    app.command(command.__name__, cls=Command)(guarded(command))


for _command in COMMANDS:
    _add(_command)

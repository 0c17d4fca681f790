"""The table of commands, from which the program, its help and docs/cli.md are built.

A command is the function of its name in the file of its name; only the file of the one that is called is
imported, and only that one is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from schuss.interface.cli.bare_record import Command
from schuss.interface.cli.exits import guarded

__all__ = ["COMMANDS", "app", "function_of"]

COMMANDS = (
    "train",
    "tune",
    "predict",
    "evaluate",
    "show",
    "derive",
    "resume",
    "replay",
    "fork",
    "compare",
    "explain",
    "map",
    "convert",
    "race",
    "curvature",
    "data",
    "doctor",
)

MARKUP: Literal["rich"] = "rich"


def function_of(name: str) -> Callable[..., None]:
    """Return the function that the command `name` calls."""
    function: Callable[..., None] = getattr(import_module(f"schuss.interface.cli.{name}"), name)
    return function


class _Built(Mapping[str, Any]):
    """The commands by name, each built when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=MARKUP)
        alone.command(name, cls=Command)(guarded(function_of(name)))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """The program: it knows its commands by name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _Built()  # typer's own way builds all commands before it runs one

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # click's signature
        """Return their names; typer's own way would build them for it."""
        return list(self.commands)


app = typer.Typer(
    name="schuss",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # what goes wrong on purpose is told in a sentence
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=MARKUP,
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

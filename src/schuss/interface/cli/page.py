"""docs/cli.md, written from the program itself: ``python -m schuss.interface.cli.page > docs/cli.md``."""

from __future__ import annotations

import sys
from typing import Any

import typer

from schuss.interface.cli.app import app

__all__ = ["page"]

HEAD = """\
# The command line

Written by `python -m schuss.interface.cli.page`; a test holds it to the program.

Results go to stdout, progress and messages to stderr.
Exit codes: 0 fine, 1 failed, 2 usage, 3 diverged, 130 interrupted.
DATA is a file (CSV, TSV, JSON lines, each also as .gz; Parquet and Feather with the extra `data`),
`-` for stdin, or the name of an embedded set.
"""


def page() -> str:
    """Return the page as Markdown."""
    group: Any = typer.main.get_command(app)
    return HEAD + "".join(_section(name, command) for name, command in group.commands.items())


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["schuss", name, *(p.name.upper() for p in arguments), "[OPTIONS]"])
    rows = [(p.name.upper(), p.help or "") for p in arguments] + [_option_row(p) for p in options]
    table = "".join(f"| `{left}` | {right} |\n" for left, right in rows)
    return f"\n## {name}\n\n    {usage}\n\n{command.help}\n\n| | |\n| --- | --- |\n{table}"


def _option_row(option: Any) -> tuple[str, str]:
    flags = ", ".join(sorted(option.opts, key=len))
    shown = option.default not in (None, False) and not callable(option.default)
    return flags, (option.help or "") + (f" Default {option.default}." if shown else "")


if __name__ == "__main__":
    sys.stdout.write(page())

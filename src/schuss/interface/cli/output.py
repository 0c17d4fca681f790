"""Where words go: results to stdout, messages to stderr; colour only where a terminal wants it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["console", "print_json", "print_line", "print_table", "say"]


def console(*, stderr: bool = False) -> Console:
    """Return a console; rich honours NO_COLOR and plain pipes."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def say(message: str, style: str = "dim") -> None:
    """Print a message for people to stderr."""
    console(stderr=True).print(Text(message, style=style))


def print_line(line: str = "", style: str = "") -> None:
    """Print a line of the result to stdout."""
    console().print(Text(line, style=style))


def print_json(value: Any) -> None:
    """Print a result as one JSON value to stdout; numbers that are not finite, or not known, are null."""
    from schuss.insight.shown import plain

    print(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, header: bool = True) -> None:
    """Print rows to stdout in columns as wide as they need."""
    table = Table(box=None, show_header=header, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    wide = console()
    wide.width = 10_000  # a number that is cut is another number; a terminal wraps what is too long for it
    lines = wide.render_lines(table, pad=False)
    for line in lines:
        text = Text.assemble(*((piece.text, piece.style or "") for piece in line))
        text.rstrip()
        wide.print(text)

"""How an answer is shown: rows of text in columns for a terminal, and the same text in HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

__all__ = ["Label", "as_html", "columns", "number", "plain", "sample_name"]

Label = Callable[[int], str]  # what a sample is called


def sample_name(sample: int) -> str:
    """Return what a sample is called where nothing else is known of it."""
    return f"sample {sample}"


def number(value: float, digits: int = 4) -> str:
    """Return a number in few digits; one that is not finite as a dash."""
    return f"{value:.{digits}g}" if abs(value) < float("inf") else "–"


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of a table, the first column to the left and all others to the right."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table]


def as_html(text: str) -> str:
    """Return lines of text as an HTML fragment."""
    return f"<pre class='schuss-answer'>{escape(text)}</pre>"


def plain(value: Any) -> Any:
    """Return a value made of tuples, dicts and numbers as plain JSON, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value

"""The options that name an update rule and its settings, for the commands that train by one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.named_settings import parse_value

__all__ = ["NesterovToo", "RuleName", "RuleSettings", "parse_settings"]

PANEL = "Rule"

NesterovToo = Annotated[
    bool, typer.Option("--nesterov", help="The same as --rule nesterov.", rich_help_panel=PANEL)
]
RuleName = Annotated[
    str | None,
    typer.Option(
        help="How steps are made; by default momentum. All are in docs/rules.md.", rich_help_panel=PANEL
    ),
]
RuleSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another setting of the rule, as beta_1=0.95; may be repeated.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]


def parse_settings(given: list[str] | None) -> tuple[tuple[str, Any], ...]:
    """Return what ``NAME=VALUE`` names: numbers, words, or true and false."""
    found = dict[str, Any]()
    for text in given or ():
        name, _, value = (part.strip() for part in text.partition("="))
        found[name] = parse_value(value)
        if found[name] is None:
            raise SettingError(
                f"--set takes NAME=VALUE with a number or a word, as beta_1=0.95; got {text!r}."
            )
    return tuple(found.items())

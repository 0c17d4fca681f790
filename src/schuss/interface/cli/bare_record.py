"""``--record`` without a name, which means the name of the data: the option's value may be left out."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["Command"]


class Command(TyperCommand):
    """A command whose option ``--record``, where it has one, need not have a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare ``--record`` the empty name, then read the arguments as always."""
        named = list[str]()
        for i, arg in enumerate(args):
            is_bare = arg == "--record" and (i + 1 == len(args) or args[i + 1].startswith("-"))
            named += [arg, ""] if is_bare else [arg]
        return super().parse_args(ctx, named)

"""Which options were given on the command line: what is of no use beside them is refused, not passed over."""

from __future__ import annotations

from collections.abc import Collection

import typer

from schuss.errors import SettingError

__all__ = ["given", "refuse_others", "refuse_these"]


def given(context: typer.Context) -> dict[str, str]:
    """Return the names of the parameters that were given, and how each is written there."""
    return {
        parameter.name: max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name
        and getattr(context.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
    }


def refuse_these(context: typer.Context, why: str, names: Collection[str]) -> None:
    """Raise SettingError with the reason if options were given whose parameters have these names."""
    flags = [flag for name, flag in given(context).items() if name in names]
    if flags:
        raise SettingError(f"{why}; leave out {', '.join(flags)}.")


def refuse_others(context: typer.Context, asked: str, does: str, of_use: Collection[str]) -> None:
    """Raise SettingError if an option was given that is of no use with the option `asked`.

    Parameters
    ----------
    asked : str
        As ``"--range-test"``; itself of use.
    does : str
        What it does, as the end of a sentence: why the others are of no use.
    of_use : collection of str
        Names of parameters of the command.
    """
    for name, flag in given(context).items():
        if flag != asked and name not in of_use:
            raise SettingError(f"{asked} {does}; leave out {flag}, or {asked} for a search.")

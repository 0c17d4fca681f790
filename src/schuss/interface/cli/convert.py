"""``schuss convert``: settings of momentum from one system to another, exactly."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.output import print_json, print_line, print_table

__all__ = ["convert"]


def convert(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            help="The source's settings as name=value, such as lr=0.1 momentum=0.9; learning_rate and "
            "momentum are understood everywhere. Those left out are its defaults.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str, typer.Option("--from", help="The system that the settings are for; schuss convert lists all.")
    ] = "schuss",
    target: Annotated[str, typer.Option("--to", help="The system that they are wanted for.")] = "schuss",
    new_rate: Annotated[
        float | None, typer.Option(help="What the source's rate changes to later: say what differs then.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="The batch size that the settings were meant for.")
    ] = None,
    to_batch_size: Annotated[
        int | None, typer.Option(help="The one to use: memory and movement per sample stay.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Convert rate and momentum between systems: what to write there, and what differs.

    Without arguments, list the systems. Try: schuss convert --from pytorch lr=0.1 momentum=0.9 dampening=0.1
    """
    from schuss.interface.conversion_text import conversion_lines
    from schuss.method.convert import convert as convert_settings

    if not settings and source == target == "schuss":
        if not (new_rate is batch_size is to_batch_size is None):
            raise SettingError("there is nothing to convert; give settings, as learning_rate=0.1.")
        _list_systems(as_json=as_json)
        return
    batches = _pair(batch_size, to_batch_size)
    found = convert_settings(source, target, batch_sizes=batches, **_parsed(settings or []))
    rate = float(found.given[found.source.rate_name])
    rates = None if new_rate is None else (rate, new_rate)
    correction = {} if rates is None else {"velocity_correction": found.velocity_correction(*rates)}
    if as_json:
        print_json(found.to_dict() | _memory(found) | correction)
        return
    for line in conversion_lines(found, rates):
        print_line(line)


def _list_systems(*, as_json: bool) -> None:
    from schuss.interface.conversion_text import system_rows

    columns = ("system", "settings", "rule")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in system_rows()])
    else:
        print_table(columns, system_rows())


def _pair(before: int | None, after: int | None) -> tuple[int, int] | None:
    if before is None and after is None:
        return None
    if before is None or after is None:
        raise SettingError("give both --batch-size, which the settings were meant for, and --to-batch-size.")
    return before, after


def _parsed(settings: list[str]) -> dict[str, Any]:
    """Return what ``name=value`` pairs say: numbers, True and False."""
    found = dict[str, Any]()
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingError(f"settings are given as name=value, such as momentum=0.9; got {text!r}.")
        if name in found:
            raise SettingError(f"{name} is given twice.")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> float | bool:
    words = {"true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"{name} must be a number, true or false; got {text!r}.") from None


def _memory(found: Any) -> dict[str, float | None]:
    from schuss.method.memory import effective_rate, half_life

    classical = found.classical
    rate, steps = effective_rate(classical.learning_rate, classical.momentum), half_life(classical.momentum)
    return {
        "effective_rate": rate if math.isfinite(rate) else None,
        "half_life_steps": steps if steps is not None and math.isfinite(steps) else None,
    }

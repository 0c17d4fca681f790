"""Schedules on the command line: ``step,factor=2,every=10``, built from the table of schedules.

A name, then its settings; lists are joined by colons. What follows ``then=`` is another schedule and its own.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError, did_you_mean

if TYPE_CHECKING:
    from schuss.method.schedules import Rate, Schedule

__all__ = ["MomentumSchedule", "RateSchedule", "scheduled_momentum", "scheduled_rate"]

FORM = "as NAME,setting=value,…"
RateSchedule = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="Of the learning rate, as step,factor=2,every=10 or warm_up,length=2,then=cosine: cosine, "
        "inverse_scaling, plateau, step, exponential, inverse, warm_up, one_cycle or listed. Its height is "
        "--learning-rate.",
        rich_help_panel="Rule",
    ),
]
MomentumSchedule = Annotated[
    str | None,
    typer.Option(
        help="Of the momentum, as sutskever,highest=0.9: also nesterov_1983, demon, restart, or one of those "
        "above, whose height is --momentum.",
        rich_help_panel="Rule",
    ),
]

# Where the height of a schedule stands that has no other default for it.
HEIGHTS = ("peak", "initial", "turn", "then")
FOR_RATE_ALONE, FOR_MOMENTUM_ALONE = ("plateau",), ("sutskever", "nesterov_1983", "demon", "restart")
OTHER = {"--schedule": "momentum", "--momentum-schedule": "learning rate"}
FOR_TRAININGS = ("drops", "restarts")  # what a training fills in


def scheduled_rate(text: str | None, rate: float | None, rule: str | None = None) -> Rate | None:
    """Return the learning rate: a number, the schedule that `text` describes, or None for the default."""
    if text is None:
        return rate
    from schuss.adapters.recipe import peak_of
    from schuss.method.rules import Momentum, rule_named

    kind = Momentum if rule is None else rule_named(rule)
    if "learning_rate" not in kind.rates:
        raise SettingError(f"--schedule: rule {rule!r} has no learning rate to be scheduled.")
    return _at_height("--schedule", text, rate, peak_of(kind), "--learning-rate")


def scheduled_momentum(text: str | None, momentum: float | None) -> Rate | None:
    """Return the momentum: a number, the schedule that `text` describes, or None for the default."""
    if text is None:
        return momentum
    from schuss.adapters.recipe import MOMENTUM

    return _at_height("--momentum-schedule", text, momentum, MOMENTUM, "--momentum")


class _Height:
    """The number for a place that a schedule leaves out, and whether there was one."""

    def __init__(self, value: float) -> None:
        self._value, self.used = value, False

    def take(self) -> float:
        self.used = True
        return self._value


def _at_height(option: str, text: str, given: float | None, usual: float, by: str) -> Schedule:
    """Return the schedule; SettingError for a height `given` that has no place in it."""
    height = _Height(usual if given is None else given)
    made = _parsed(option, text, height)
    if given is not None and not height.used:
        raise SettingError(f"{option} {text}: its values are all there, so {by} has no effect; leave it out.")
    return made


def _parsed(option: str, text: str, height: _Height) -> Schedule:
    """Return the schedule that an option's `text` describes; `height` stands for one that it leaves out."""
    from schuss.method.schedules import SCHEDULES

    others = FOR_MOMENTUM_ALONE if option == "--schedule" else FOR_RATE_ALONE
    allowed = [name for name in SCHEDULES if name not in (*others, "custom")]
    name, _, settings = text.strip().partition(",")
    if name not in allowed:
        why = "it takes a function, which the command line has not; " if name == "custom" else ""
        why = f"that is for the {OTHER[option]} alone; " if name in others else why
        hint = did_you_mean(name, allowed)
        raise SettingError(f"{option} {name}: {why}it must be one of {', '.join(allowed)}{hint}.")
    kind = SCHEDULES[name]
    known = {field.name: field for field in fields(kind) if field.name not in FOR_TRAININGS}
    given = _settings(option, name, settings, known, height)
    for field in known.values():
        if field.name in HEIGHTS and field.name not in given and _is_needed(field):
            given[field.name] = height.take()
    missing = [field.name for field in known.values() if _is_needed(field) and field.name not in given]
    if missing:
        raise SettingError(f"{option} {name}: {missing[0]}=… is missing; {_told(name, known)}")
    try:
        made: Schedule = kind(**given)
    except SettingError as error:
        raise SettingError(f"{option} {name}: {error} {_told(name, known)}") from None
    return made


def _settings(
    option: str, name: str, text: str, known: dict[str, Field[Any]], height: _Height
) -> dict[str, Any]:
    """Return the settings of a schedule, the schedule after ``then=`` included."""
    text, then, inner = text.partition("then=") if "then" in known else (text, "", "")
    found: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        setting, equals, value = pair.partition("=")
        if not equals:
            raise SettingError(f"{option} takes a schedule {FORM}; got {pair!r} after {name}.")
        if setting not in known:
            hint = did_you_mean(setting, known)
            raise SettingError(f"{option} {name}: it has no {setting!r}{hint}; {_told(name, known)}")
        found[setting] = _listed(_value(value)) if _is_list(known[setting]) else _value(value)
    if then:
        number = _value(inner)
        found["then"] = _parsed(option, inner, height) if isinstance(number, str) else number
    return found


def _value(text: str) -> Any:
    """Return a whole number, a number, a list of those joined by colons, or a word."""
    if ":" in text:
        return tuple(_value(part) for part in text.split(":") if part)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_list(field: Field[Any]) -> bool:
    return str(field.type).startswith("tuple")


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _told(name: str, known: dict[str, Field[Any]]) -> str:
    """Return which settings a schedule has, with their defaults."""
    shown = [key + _default(field) for key, field in known.items()]
    return f"{name} has {', '.join(shown)}."


def _default(field: Field[Any]) -> str:
    if _is_list(field):
        return "=a:b:…"
    return "" if field.default in (MISSING, None) else f"={field.default}"

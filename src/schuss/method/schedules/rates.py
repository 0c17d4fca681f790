"""Rates as settings: the table of schedules, what a rate may be, and its form in JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_number
from schuss.method.schedules.cosine import Cosine
from schuss.method.schedules.falling import Exponential, Inverse, InverseScaling, Step
from schuss.method.schedules.given import Custom, Listed
from schuss.method.schedules.momenta import Demon, Nesterov1983, Sutskever
from schuss.method.schedules.one_cycle import OneCycle
from schuss.method.schedules.plateau import Plateau
from schuss.method.schedules.restart import Restart
from schuss.method.schedules.schedule import Rate, Schedule
from schuss.method.schedules.warm_up import WarmUp

__all__ = ["SCHEDULES", "check_rate", "rate_from_json", "rate_to_json"]

SCHEDULES: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (
        *(Cosine, InverseScaling, Plateau, Step, Exponential, Inverse, WarmUp, OneCycle),
        *(Sutskever, Nesterov1983, Demon, Restart, Listed, Custom),
    )
}


def check_rate(name: str, rate: Any, **limits: Any) -> Rate:
    """Return `rate` if it is a number within the limits, or a schedule whose values are."""
    if not isinstance(rate, Schedule):
        return check_number(name, rate, **limits)
    if isinstance(rate, Plateau) and name != "learning_rate":
        raise SettingError(f"a Plateau lowers the learning rate; {name} takes a number or another schedule.")
    if isinstance(rate, Restart) and name != "momentum":
        raise SettingError(f"a Restart begins the momentum anew; {name} takes a number or another schedule.")
    limits = {key: value for key, value in limits.items() if key != "open_low"}  # it may fall to 0
    for end in rate.bounds:
        check_number(f"{name} of {rate!r:.80}", end, **limits)
    return rate


def rate_to_json(rate: Rate) -> Any:
    """Return a rate as plain JSON: a number, or the schedule's name and settings.

    Raises
    ------
    SettingError
        A Custom schedule, for which JSON has no form.
    """
    if not isinstance(rate, Schedule):
        return rate
    if isinstance(rate, Custom):
        raise SettingError(
            "a Custom schedule is a function, which no file can hold; to record or save, give its values: "
            "Listed([function(n) for n in range(steps)])."
        )
    settings = {field.name: getattr(rate, field.name) for field in fields(rate)}  # type: ignore[arg-type]  # all are
    return {"schedule": rate.name, **{name: rate_to_json(value) for name, value in settings.items()}}


def rate_from_json(value: Any) -> Rate:
    """Return the rate that `rate_to_json` described."""
    if not isinstance(value, dict):
        return float(value)
    settings = {k: rate_from_json(v) if isinstance(v, dict) else v for k, v in value.items()}
    name = check_choice("schedule", settings.pop("schedule", None), SCHEDULES)
    try:
        rate: Rate = SCHEDULES[name](**settings)
    except TypeError as error:
        raise SettingError(f"schedule {name!r} does not take these settings: {value}.") from error
    return rate

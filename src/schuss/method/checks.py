"""The checks that settings of every kind share, with one form of message. Refuses to repair anything."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

from schuss.errors import SettingError, did_you_mean

__all__ = ["check_choice", "check_integer", "check_number"]


def check_number(
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a float within [low, high], open ends left out, or raise SettingError."""
    opening = "(" if open_low or low == -math.inf else "["
    interval = f"{opening}{low:g}, {high:g}{')' if open_high or high == math.inf else ']'}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise SettingError(f"{name} must be a number in {interval}; got {value!r}.")
    number = float(value)
    above = low < number if open_low else low <= number
    below = number < high if open_high else number <= high
    if not (above and below) or not math.isfinite(number):
        raise SettingError(f"{name} must lie in {interval}; got {value!r}.")
    return number


def check_integer(name: str, value: Any, *, low: int, high: int | None = None) -> int:
    """Return `value` as an int of at least `low` and at most `high`, or raise SettingError."""
    allowed = f"an integer of at least {low}" + ("" if high is None else f" and at most {high}")
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise SettingError(f"{name} must be {allowed}; got {value!r}.")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise SettingError(f"{name} must be {allowed}; got {value!r}.")
    return number


def check_choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the `allowed` names, or raise SettingError."""
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    raise SettingError(f"{name} must be one of {', '.join(names)}; got {value!r}{hint}.")

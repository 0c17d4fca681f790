"""What varies among the rules of a race, where that is one setting: then the race is a sweep."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.race.value import Race

__all__ = ["Varied", "varied_in"]

FEWEST = 4  # values; fewer make no curve


class Varied(NamedTuple):
    """A setting, its values in rising order, and what the clock showed at the goal; NaN where nobody was."""

    setting: str
    values: NDArray[np.float64]
    at_goal: NDArray[np.float64]


def varied_in(race: Race) -> Varied | None:
    """Return the one setting in which all rules of a race differ, if there is one and the race has a goal."""
    rules = [racer.rule for racer in race.racers]
    if race.goal is None or len(rules) < FEWEST or len({type(rule) for rule in rules}) > 1:
        return None
    names = [field.name for field in fields(rules[0])]  # type: ignore[arg-type]  # rules are dataclasses
    differing = [name for name in names if len({getattr(rule, name) for rule in rules}) > 1]
    values = [getattr(rule, differing[0]) for rule in rules] if len(differing) == 1 else []
    if len(set(values)) < FEWEST or not all(isinstance(value, float) for value in values):
        return None
    ends = [float(race.by_clock(r)[-1]) if r.reached else np.nan for r in race.racers]
    order = np.argsort(values)
    return Varied(differing[0], np.array(values)[order], np.array(ends)[order])

"""Trials by number: in the order of trying, each with what is known of it."""

import math
from dataclasses import replace

from tuning_problems import START, quick_search

from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.journal import Measured
from schuss.insight.tuning.trial import trials_of

LOOKED, LOST, BETTER = (replace(START, momentum=momentum) for momentum in (0.1, 0.2, 0.3))


def test_each_trial_has_what_is_known_of_it() -> None:
    """A look, folds, a divergence; a place only with as many folds as a repeat has."""
    measured = [
        *(Measured(START, Unit(0, fold), 0.5) for fold in (0, 1)),
        Measured(LOOKED, Unit(0, 0, 1 / 3), 0.9),
        Measured(LOST, Unit(0, 0, 1 / 3), math.inf, diverged_at=7),
        Measured(BETTER, Unit(0, 0, 1 / 3), 0.7),
        *(Measured(BETTER, Unit(0, fold), 0.25) for fold in (0, 1)),
    ]
    start, looked, lost, better = trials = trials_of(measured, 2)

    assert [each.number for each in trials] == [1, 2, 3, 4]
    assert [each.setting for each in trials] == [START, LOOKED, LOST, BETTER]
    assert [each.place for each in trials] == [2, None, None, 1]
    assert (looked.look, lost.diverged_at, start.look) == (measured[2], 7, None)
    assert better.standing is not None
    assert (better.standing.score, better.standing.gap) == (0.25, -0.25)
    assert looked.standing is lost.standing is None
    assert {each.place for each in trials_of(measured, 3)} == {None}
    assert trials_of([], 2) == ()


def test_numbers_stay_when_a_search_goes_on() -> None:
    """More measurements add trials at the end, and to those that are there."""
    found = quick_search(12).measured
    all_of_it = trials_of(found, 3)
    for end in (1, 5, len(found) - 1):
        before = trials_of(found[:end], 3)
        assert [each.setting for each in before] == [each.setting for each in all_of_it[: len(before)]]

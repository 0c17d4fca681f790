"""Who takes the place of the best: decided on common folds, and on all of them."""

import contextlib
import math
from dataclasses import replace

import pytest
from tuning_problems import START, quick_problem

from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.evaluator import Evaluator, OutOfTime
from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.journal import Journal, Measured
from schuss.insight.tuning.ladder import Ladder
from schuss.insight.tuning.setting import Setting

OTHER = replace(START, momentum=0.5)


def ladder(scores: dict[Setting, list[float]]) -> Ladder:
    """Return a ladder on which these scores, of two repeats of three folds, are known already."""
    journal = Journal({})
    for setting, values in scores.items():
        units = [Unit(i // 3, i % 3) for i in range(len(values))]
        journal.add([Measured(setting, unit, value) for unit, value in zip(units, values, strict=True)])
    return Ladder(Evaluator(quick_problem(), journal, Clock(0.0)), START)


@pytest.mark.parametrize(
    ("start", "other", "wins"),
    [
        ([1, 2, 3, 1, 2, 3], [0.9, 1.9, 2.9, 0.9, 1.9, 2.9], True),
        ([1, 2, 3, 1, 2, 3], [1, 2, 3, 1, 2, 3], False),  # no better is not enough
        ([1, 2, 3, 1, 2, 3], [0.5, 1.5, 2.5, 2.0, 3.0, 4.0], False),  # better on one repeat, worse on both
        ([1, 2, 3], [0.5, 2.2, 2.9], True),  # on as many folds the mean decides
        ([1, 2, 3, 1, 2, 3], [0.2, 2.4, 2.9], False),  # on fewer it must be clear
        ([1, 2, 3, 1, 2, 3], [0.8, 1.7, 2.8], True),
        ([1, 2, 3], [0.1, 0.1], False),  # no whole repeat
        ([1, math.inf, 3], [9, 9, 9], True),  # what diverged gives way to anything
        ([1, 2, 3], [0.1, math.inf, 0.1], False),
        ([math.inf] * 3, [math.inf] * 3, False),
    ],
)
def test_the_best_gives_way_to_what_is_better(start: list[float], other: list[float], *, wins: bool) -> None:
    """Nothing is trained here: all that is needed is known, or there is no time for it."""
    climbing = ladder({START: start, OTHER: other})
    with contextlib.suppress(OutOfTime):
        climbing.climb([OTHER])
    assert (climbing.best == OTHER) == wins


def test_one_of_three_goes_on() -> None:
    """The best of them, none that diverged; and none that is clearly worse than the best."""
    some = [replace(START, momentum=i / 10) for i in range(7)]
    scores = {each: [math.inf if i == 0 else 7.0 - i] * 3 for i, each in enumerate(some)}
    climbing = ladder(scores | {START: [2.0, 2.1, 2.2]})
    units = quick_problem().units(1)

    assert climbing.better(some, units) == [some[6], some[5], some[4]]
    assert climbing.better(some[:1], units) == []
    assert climbing.promising(some[6], START, units)
    assert not climbing.promising(some[1], START, units)


def test_a_study_that_knows_a_better_one_is_heard() -> None:
    """Of those measured on as many whole repeats as the best."""
    lucky, better = replace(START, momentum=0.1), replace(START, momentum=0.2)
    climbing = ladder({START: [1.0] * 6, better: [0.8] * 6, lucky: [0.1] * 3})
    climbing.settle()
    assert climbing.best == better


STEADY, LUCKY = replace(START, momentum=0.1), replace(START, momentum=0.2)
SCORES = [1.0, 2.0, 3.0, 1.1, 2.2, 3.1]


def less(by: list[float]) -> list[float]:
    return [score - less for score, less in zip(SCORES, by, strict=True)]


@pytest.mark.parametrize(
    ("steady", "lucky", "chosen"),
    [
        ([0.2] * 6, [0.9, 0.0, 0.0, 0.9, 0.0, 0.0], STEADY),  # the lower mean of the other is of two folds
        ([0.2] * 6, [0.9, 0.8, 0.9, 0.9, 0.8, 0.9], LUCKY),  # which may well be so
        ([0.1, -0.1, 0.1, -0.1, 0.1, -0.05], [0.9, -0.5, -0.2, 0.3, -0.2, -0.2], START),  # neither is sure
        ([-0.1] * 6, [-0.2] * 6, START),
        ([0.2] * 6, [5.0] * 3, STEADY),  # on fewer folds than the best
        ([0.2] * 6, [math.inf, 1, 1, 1, 1, 1], STEADY),
    ],
)
def test_in_the_end_what_can_be_counted_on_is_taken(
    steady: list[float], lucky: list[float], chosen: Setting
) -> None:
    """Not the lowest mean, but the lowest with its error added, on rows that folds share."""
    known = {START: SCORES, STEADY: less(steady), LUCKY: [s - b for s, b in zip(SCORES, lucky, strict=False)]}
    climbing = ladder(known)
    climbing.settle()
    assert climbing.chosen([START]) == chosen


def test_the_best_of_the_starts_is_the_yardstick() -> None:
    """What is better than the first start alone does not take the place of a better second one."""
    climbing = ladder({START: SCORES, STEADY: less([0.2] * 6), LUCKY: less([0.1] * 6)})
    climbing.settle()
    assert climbing.chosen([START, LUCKY]) == STEADY
    assert climbing.chosen([START, STEADY]) == STEADY
    noisy = ladder({START: SCORES, STEADY: less([0.2] * 6), LUCKY: less([0.9, 0.1, 0.1, 0.3, 0.1, 0.1])})
    noisy.settle()
    assert noisy.chosen([START, STEADY]) == STEADY
    assert ladder({}).chosen([START]) == START

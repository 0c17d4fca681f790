"""The class of a training: each of the four from a series of losses made for it."""

import numpy as np
import pytest

from schuss.insight.stability_map.classes import CLASSES, NEVER, NOISE, default_goal, judged

EPOCHS = np.arange(1, 61)
START, GOAL = 2.0, 0.5  # the way is 1.5
INF = float("inf")

SERIES = {
    "falls to the goal": (2.0 * 0.9**EPOCHS, "converges"),
    "rings on its way to the goal": (2.0 * 0.9**EPOCHS * (1.2 + np.cos(EPOCHS)), "converges"),
    "was above its start, and came down": (np.where(EPOCHS < 20, 9.0, 0.3), "converges"),
    "falls slowly": (2.0 * 0.99**EPOCHS, "slow"),
    "stands at its start": (np.full(60, 2.0), "slow"),
    "stands within noise": (1.0 + 0.9 * NOISE * 1.5 * (EPOCHS % 2), "slow"),
    "is above its start by noise": (np.full(60, 2.0 + 0.9 * NOISE * 1.5), "slow"),
    "goes up and down": (1.2 + 0.5 * np.cos(EPOCHS), "oscillates"),
    "was at the goal, and left it": (0.4 + 0.02 * EPOCHS, "oscillates"),
    "rises once, early": (np.where(EPOCHS == 2, 3.0, 1.9 - 0.01 * EPOCHS), "oscillates"),
    "ends above its start": (1.0 + 0.03 * EPOCHS, "diverges"),
    "explodes": (2.0 * 1.1**EPOCHS, "diverges"),
    "is no longer finite": (np.where(EPOCHS > 50, np.nan, 0.1), "diverges"),
    "is infinite": (np.where(EPOCHS > 50, INF, 0.1), "diverges"),
}


@pytest.mark.parametrize("name", SERIES)
def test_each_series_has_its_class(name: str) -> None:
    """By itself, and beside all others."""
    series, expected = SERIES[name]
    alone = judged(series, START, GOAL)
    among = judged(np.array([series for series, _ in SERIES.values()]), START, GOAL)

    assert CLASSES[alone.classes] == expected
    assert among.classes[list(SERIES).index(name)] == alone.classes


def test_the_classes_are_all_met() -> None:
    """No class stands in the table without a series that has it."""
    assert {expected for _, expected in SERIES.values()} == set(CLASSES)


def test_the_borders_between_classes_are_where_they_are_said_to_be() -> None:
    """A hair below and above the goal, the noise of a rise, and the noise above the start."""

    def kind(series: np.ndarray) -> str:
        return CLASSES[judged(series, START, GOAL).classes]

    for by, expected in ((-1e-9, "converges"), (1e-9, "slow")):
        assert kind(np.full(20, GOAL + by)) == expected
    for by, expected in ((-1e-9, "slow"), (1e-9, "oscillates")):
        assert kind(np.r_[1.0, np.full(19, 1.0 + NOISE * 1.5 + by)]) == expected
    for by, expected in ((-1e-9, "slow"), (1e-9, "diverges")):
        assert kind(np.r_[np.full(20, START + NOISE * 1.5 + by)]) == expected


def test_the_end_is_the_median_of_the_last_tenth() -> None:
    """One wild epoch among the last ten of a hundred changes no class."""
    series = np.r_[np.linspace(2, 0.4, 90), np.full(10, 0.4)]
    series[95] = 50.0

    assert judged(series, START, GOAL).end == 0.4
    assert CLASSES[judged(series, START, GOAL).classes] == "converges"


def test_the_epochs_to_the_goal_are_counted_from_one() -> None:
    """The first epoch at the goal or below, also where it was left again; −1 where it never came."""
    series = np.array([[3, 0.5, 1, 0.1], [0.4, 1, 1, 1], [1, 1, 1, 0.6], [1, 0.2, np.nan, np.nan]])

    assert judged(series, START, GOAL).epochs.tolist() == [2, 1, NEVER, 2]


def test_the_default_goal_lies_nine_tenths_down() -> None:
    """Of the best fall among those that are finite; there is none where nothing fell."""
    series = np.array([[1.9, 1.8], [1.5, 1.0], [0.1, np.nan], [5.0, 6.0]])

    assert default_goal(series, START) == pytest.approx(2.0 - 0.9 * 1.0, rel=1e-15)
    assert default_goal(series[2:], START) is None


def test_without_a_goal_none_converges() -> None:
    """What falls or stands is slow, what explodes diverges."""
    series = np.array([[1.9, 1.8], [5.0, 6.0], [np.nan, np.nan]])

    assert [CLASSES[place] for place in judged(series, START, None).classes] == [
        "slow",
        "diverges",
        "diverges",
    ]
    assert judged(series, START, None).epochs.tolist() == [NEVER] * 3

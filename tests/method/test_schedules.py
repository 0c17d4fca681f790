"""Schedules: a straight rise, half a cosine down, and nothing that depends on the past."""

import hashlib
import json
import math

import numpy as np
import pytest

from schuss.errors import SettingError
from schuss.method.schedules import Cosine, Span, at_steps, rate_from_json, rate_to_json


def values(schedule: Cosine, total: int) -> list[float]:
    return schedule.at(np.arange(total), Span(total)).tolist()


def test_without_a_warm_up_it_falls_along_half_a_cosine():
    """value(n) = final + (peak − final)·½·(1 + cos(π·n/N)), from the peak on."""
    expected = [0.1 + 0.4 * 0.5 * (1 + math.cos(math.pi * n / 8)) for n in range(8)]
    np.testing.assert_allclose(values(Cosine(0.5, 0.1), 8), expected, rtol=1e-15)


def test_the_warm_up_rises_in_a_straight_line():
    """Over the first quarter of 8 steps the value is ½, 1 of the peak; then the cosine starts at the peak."""
    expected = [0.2, 0.4] + [0.2 * (1 + math.cos(math.pi * n / 6)) for n in range(6)]
    np.testing.assert_allclose(values(Cosine(0.4, warm_up=0.25), 8), expected, rtol=1e-15)


def test_it_is_never_zero_at_the_start_and_never_above_the_peak():
    """The first step moves, and no step exceeds the peak."""
    for warm_up in (0.0, 0.1, 0.5, 0.999):
        found = values(Cosine(0.4, warm_up=warm_up), 50)
        assert found[0] > 0
        assert max(found) == pytest.approx(0.4)


def test_one_step_in_all():
    """A training of one step takes it at the peak."""
    assert values(Cosine(0.4, warm_up=0.5), 1) == [0.4]
    assert values(Cosine(0.4), 1) == [0.4]


def test_after_the_end_it_stays_final():
    """Steps beyond the planned ones have the final value."""
    assert Cosine(0.4, 0.1).at(np.array([8, 9, 1000]), Span(8)).tolist() == pytest.approx([0.1] * 3)


def test_a_number_is_constant():
    """A plain number is the same at every step."""
    assert at_steps(0.25, np.arange(3), Span(10)).tolist() == [0.25] * 3


@pytest.mark.parametrize("rate", [0.1, 1e-300, Cosine(0.3), Cosine(0.3, 0.1, 0.05)])
def test_rates_survive_json(rate):
    """Through JSON text a rate comes back equal."""
    assert rate_from_json(json.loads(json.dumps(rate_to_json(rate)))) == rate


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peak": 0.0}, "peak"),
        ({"peak": -1.0}, "peak"),
        ({"peak": float("nan")}, "peak"),
        ({"peak": "1"}, "peak"),
        ({"peak": 1.0, "final": -0.1}, "final"),
        ({"peak": 1.0, "warm_up": -0.1}, "warm_up"),
        ({"peak": 1.0, "warm_up": 1.0}, "warm_up"),
    ],
)
def test_a_bad_schedule(settings, message):
    """Peak above 0, final at least 0, warm-up a share of less than all."""
    with pytest.raises(SettingError, match=message):
        Cosine(**settings)


def test_the_bits_are_the_same_everywhere():
    """To the last bit the values of the machine that this was written on, and near the cosine's."""
    steps = np.arange(1000)
    rates = Cosine(0.05, 0.001, 0.05).at(steps, Span(1000))
    assert hashlib.sha256(rates.tobytes()).hexdigest()[:16] == "9227d25df505ab11"
    assert hashlib.sha256(np.nextafter(rates, 1).tobytes()).hexdigest()[:16] != "9227d25df505ab11"

    cosine = 2 * Cosine(1.0).at(steps, Span(1000)) - 1
    np.testing.assert_allclose(cosine, np.cos(np.pi * steps / 1000), rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    "value",
    [{"schedule": "cosin", "peak": 1.0}, {"peak": 1.0}, {"schedule": "cosine", "height": 1.0}],
)
def test_a_foreign_description(value):
    """A schedule of another version, or none, is refused by name."""
    with pytest.raises(SettingError, match="schedule"):
        rate_from_json(value)

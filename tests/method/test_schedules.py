"""Schedules: a rise and half a cosine down, inverse powers, stairs; nothing that depends on the past."""

import hashlib
import json
import math

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from schuss.errors import SettingError
from schuss.method.schedules import (
    SCHEDULES,
    Cosine,
    InverseScaling,
    Plateau,
    Span,
    at_steps,
    check_rate,
    rate_from_json,
    rate_to_json,
)


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


@pytest.mark.parametrize(
    "rate",
    [
        *[0.1, 1e-300, Cosine(0.3), Cosine(0.3, 0.1, 0.05)],
        *[InverseScaling(0.2), InverseScaling(0.2, 0.3, 100), Plateau(0.2), Plateau(0.2, 3.0, 1e-5, (4, 9))],
    ],
)
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


def test_every_schedule_stands_in_the_table():
    """Under the name by which JSON knows it."""
    assert list(SCHEDULES) == [
        *["cosine", "inverse_scaling", "plateau", "step", "exponential", "inverse", "warm_up", "one_cycle"],
        *["sutskever", "nesterov_1983", "demon", "restart", "listed", "custom"],
    ]


def test_inverse_scaling():
    """initial/(seen + e·m + 1)^power, the same within an epoch: here 3 steps and 10 samples each."""
    found = InverseScaling(0.5, 0.25, 100).at(np.arange(7), Span(100, 3, 10))
    expected = [0.5 / (100 + 10 * e + 1) ** 0.25 for e in (0, 0, 0, 1, 1, 1, 2)]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert InverseScaling(0.5).at(np.array([0]), Span(100, 3, 10)).tolist() == [0.5]
    assert InverseScaling(0.5, 0.0).at(np.array([0, 99]), Span(100, 3, 10)).tolist() == [0.5, 0.5]


def test_inverse_scaling_is_scikit_learns():
    """The rates of scikit-learn's optimizer in each epoch, of a first training and of one that goes on."""
    optimizer = SGDOptimizer([np.zeros(1)], 0.3, "invscaling", power_t=0.4)
    expected, samples = [], 0
    for _ in range(8):
        expected.append(optimizer.learning_rate)
        samples += 17
        optimizer.iteration_ends(samples)
    first = InverseScaling(0.3, 0.4).at(np.arange(0, 16, 2), Span(16, 2, 17))
    later = InverseScaling(0.3, 0.4, seen=5 * 17).at(np.arange(0, 6, 2), Span(16, 2, 17))
    np.testing.assert_allclose(first, expected, rtol=1e-15)
    assert later.tolist() == first[5:].tolist()
    forgetful = InverseScaling(0.3, 0.4).at(np.arange(0, 6, 2), Span(16, 2, 17))
    assert forgetful.tolist() != first[5:].tolist()


def test_plateaus():
    """Constant, and divided once more from each drop on, a step at which two drops fall twice."""
    found = Plateau(0.5, 2.0, drops=(3, 5, 5)).at(np.arange(7), Span(7))
    assert found.tolist() == [0.5, 0.5, 0.5, 0.25, 0.25, 0.0625, 0.0625]
    assert Plateau(0.5).at(np.arange(3), Span(7)).tolist() == [0.5] * 3


def test_plateaus_divide_one_after_the_other():
    """As scikit-learn's "adaptive", whose rate is divided each time and not by a power."""
    plateau, expected = Plateau(0.3, 5.0), 0.3
    for step in (10, 20, 30):
        plateau, expected = plateau.dropped(step), expected / 5.0
        assert plateau.last == plateau.at(np.array([step]), Span(99))[0] == expected
    assert plateau.at(np.array([9, 10, 29]), Span(99)).tolist() == [0.3, 0.3 / 5, 0.3 / 5 / 5]


def test_drops_stand_in_order():
    """However they were given; and a dropped plateau leaves the one that it came from as it was."""
    plateau = Plateau(0.3, drops=(9, 4))
    assert plateau.drops == (4, 9)
    assert plateau.dropped(6).drops == (4, 6, 9)
    assert plateau.drops == (4, 9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *[(lambda v=v: InverseScaling(v), "initial") for v in (0.0, -1.0, float("inf"), "1")],
        *[(lambda v=v: InverseScaling(1.0, v), "power") for v in (-0.1, float("nan"), None)],
        *[(lambda v=v: InverseScaling(1.0, 0.5, v), "seen") for v in (-1, 1.5, True)],
        *[(lambda v=v: Plateau(v), "initial") for v in (0.0, float("nan"), None)],
        *[(lambda v=v: Plateau(1.0, v), "factor") for v in (1.0, 0.5, float("inf"))],
        *[(lambda v=v: Plateau(1.0, 5.0, v), "lowest") for v in (-1e-9, "0")],
        *[(lambda v=v: Plateau(1.0, drops=v), "drops") for v in ((-1,), (1.5,), (True,), "7")],
    ],
)
def test_a_bad_setting(make, message):
    """Each setting outside what is allowed is a SettingError that names it."""
    with pytest.raises(SettingError, match=message):
        make()


@pytest.mark.parametrize("schedule", [Cosine(1.5), InverseScaling(1.5)])
def test_a_schedule_is_held_to_the_limits_of_its_rate(schedule):
    """Its highest value must lie within them; that it may fall to the lowest does not matter."""
    assert check_rate("momentum", schedule, low=0.0, high=1.5) is schedule
    assert check_rate("learning_rate", schedule, low=0.0, open_low=True) is schedule
    with pytest.raises(SettingError, match="momentum"):
        check_rate("momentum", schedule, low=0.0, high=1.0)


@pytest.mark.parametrize("schedule", [Cosine(0.3, 0.1, 0.2), InverseScaling(0.3), Plateau(0.3, drops=(3, 9))])
def test_values_of_steps_do_not_depend_on_the_others(schedule):
    """A step asked for alone, in any order, has the bits that it has among all."""
    span, steps = Span(40, 4, 30), np.arange(40)
    whole = schedule.at(steps, span)
    assert [schedule.at(np.array([n]), span)[0] for n in steps] == whole.tolist()
    assert schedule.at(steps[::-1], span).tolist() == whole[::-1].tolist()
    assert schedule.at(steps[:0], span).shape == (0,)
    low, high = schedule.bounds
    assert low <= whole.min() <= whole.max() <= high

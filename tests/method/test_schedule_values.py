"""Schedules against their formulas in plain Python, at their edges, within their bounds, to the bit."""

import hashlib
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import EACH, SPAN, values
from schuss.method.powers import power, powers
from schuss.method.schedules import (
    SCHEDULES,
    Cosine,
    Custom,
    Demon,
    Exponential,
    Inverse,
    InverseScaling,
    Listed,
    Nesterov1983,
    OneCycle,
    Span,
    Step,
    Sutskever,
    WarmUp,
)


def test_each_kind_stands_among_them():
    """What is held for each below is held for every schedule but Custom, which has tests of its own."""
    assert {type(schedule) for schedule in EACH} == set(SCHEDULES.values()) - {Custom}


def along(a, b, share):
    """Half a cosine from a to b, by the C library."""
    return a + (b - a) * 0.5 * (1 - math.cos(math.pi * share))


def one_cycle(first, turn, last, share, total):
    until = max(share * total - 1, 0)
    rises = [along(first, turn, n / until) for n in range(total) if n < until]
    return rises + [along(turn, last, (n - until) / (total - 1 - until)) for n in range(len(rises), total)]


FORMULAS = {
    "every": (Step(0.3, 10.0, every=3), lambda n: 0.3 / 10 ** (n // 10 // 3)),
    "every, steps": (Step(0.3, 2.0, every=7, per="step"), lambda n: 0.3 / 2 ** (n // 7)),
    "after": (Step(0.3, 3.0, after=(2, 7)), lambda n: 0.3 / 3 ** ((n >= 20) + (n >= 70))),
    "exponential": (Exponential(0.3, 0.9), lambda n: 0.3 * 0.9 ** (n // 10)),
    "exponential, steps": (Exponential(0.3, 0.99, "step"), lambda n: 0.3 * 0.99**n),
    "inverse": (Inverse(0.3, 0.05), lambda n: 0.3 / (1 + 0.05 * n)),
    "inverse, epochs": (Inverse(0.3, 0.5, "epoch"), lambda n: 0.3 / (1 + 0.5 * (n // 10))),
    "warm-up": (WarmUp(0.3, 1.5), lambda n: 0.3 * min(n + 1, 15) / 15),
    "warm-up, cosine": (
        WarmUp(Cosine(0.3, 0.1), 20, "step"),
        lambda n: 0.3 * (n + 1) / 20 if n < 20 else along(0.3, 0.1, (n - 20) / 80),
    ),
    "warm-up, epochs": (
        WarmUp(Exponential(0.3, 0.5), 1),
        lambda n: 0.3 * (n + 1) / 10 if n < 10 else 0.3 * 0.5 ** ((n - 10) // 10),
    ),
    "one cycle": (OneCycle(0.04, 1.0, 4e-6), lambda n: one_cycle(0.04, 1.0, 4e-6, 0.3, 100)[n]),
    "one cycle down": (OneCycle(0.95, 0.85), lambda n: one_cycle(0.95, 0.85, 0.95, 0.3, 100)[n]),
    "one cycle, linear": (
        OneCycle(0.1, 0.5, 0.0, 0.51, "linear"),
        lambda n: 0.1 + 0.4 * n / 50 if n < 50 else 0.5 - 0.5 * (n - 50) / 49,
    ),
    "sutskever": (Sutskever(0.9, 7), lambda n: min(1 - 2 ** (-1 - math.log2(n // 7 + 1)), 0.9)),
    "nesterov": (Nesterov1983(0.95), lambda n: min(1 - 3 / (n + 5), 0.95)),
    "demon": (Demon(0.9), lambda n: 0.9 * (1 - n / 100) / ((1 - 0.9) + 0.9 * (1 - n / 100))),
    "table": (Listed((0.3, 0.1, 0.2)), lambda n: [0.3, 0.1, 0.2][min(n, 2)]),
    "table, epochs": (Listed((0.3, 0.1, 0.2), "epoch"), lambda n: [0.3, 0.1, 0.2][min(n // 10, 2)]),
    "points": (
        Listed(((10, 0.1), (30, 0.5), (80, 0.25))),
        lambda n: 0.1 + 0.4 * min(max(n - 10, 0), 20) / 20 if n < 30 else 0.5 - 0.25 * min(n - 30, 50) / 50,
    ),
    "points, epochs": (Listed(((0, 0.4), (10, 0.0)), "epoch"), lambda n: 0.4 * (1 - n / 100)),
    "custom": (Custom(lambda n: 0.2 + 0.1 * math.sin(n), 0.3), lambda n: 0.2 + 0.1 * math.sin(n)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_formula(name):
    """At each of 100 steps, ten of an epoch, to some roundings; a step earlier or later is another value."""
    schedule, formula = FORMULAS[name]
    expected = [formula(n) for n in range(100)]
    np.testing.assert_allclose(values(schedule), expected, rtol=2e-14, atol=1e-16)
    for late in (expected[1:] + expected[-1:], expected[:1] + expected[:-1]):
        assert not np.allclose(values(schedule), late, rtol=1e-9, atol=0)


def test_numbers_from_the_papers():
    """PyTorch's one cycle of 100 steps, the stairs of Sutskever et al., and Demon's quarters, as printed."""
    rates, momenta = values(OneCycle(0.04, 1.0, 4e-6)), values(OneCycle(0.95, 0.85))
    told = {0: (0.04, 0.95), 10: (0.295164, 0.923420), 29: (1.0, 0.85), 50: (0.793893, 0.870611)}
    for n, (rate, momentum) in {**told, 99: (4e-6, 0.95)}.items():
        assert (rates[n], momenta[n]) == (pytest.approx(rate, abs=5e-7), pytest.approx(momentum, abs=5e-7))
    stairs = {0: 0.5, 249: 0.5, 250: 0.75, 500: 5 / 6, 1000: 0.9, 12250: 0.99, 24750: 0.995, 124750: 0.999}
    found = Sutskever(0.999).at(np.array(list(stairs)), SPAN).tolist()
    assert found == pytest.approx(list(stairs.values()), rel=1e-15)
    assert Sutskever(0.9).at(np.array([10**9]), SPAN).tolist() == [0.9]
    quarters = Demon(0.9).at(np.array([25, 50, 75, 100]), SPAN).tolist()
    assert quarters == pytest.approx([0.870968, 0.818182, 0.692308, 0.0], abs=5e-7)


def test_ends_are_met_to_the_bit():
    """First, turn and last of a cycle, the points of a table, what a warm-up rises to."""
    for shape in ("cosine", "linear"):
        cycle = values(OneCycle(0.04, 1.3, 4e-6, 0.3, shape))
        assert (cycle[0], cycle[29], cycle[99]) == (0.04, 1.3, 4e-6)
    table = values(Listed(((3, 0.1), (7, 0.7), (50, 0.3))))
    assert (table[0], table[3], table[7], table[50], table[99]) == (0.1, 0.1, 0.7, 0.3, 0.3)
    warm = values(WarmUp(0.3, 7, "step"))
    assert warm[0] == pytest.approx(0.3 / 7)
    assert warm[7:] == [0.3] * 93


@pytest.mark.parametrize("schedule", EACH, ids=repr)
def test_one_step_in_all(schedule):
    """A training of a single step has a finite value within the bounds, and so have steps after the end."""
    low, high = schedule.bounds
    for found in (values(schedule, 1, 1), schedule.at(np.array([1, 10**6, 2**40]), Span(1)).tolist()):
        assert all(low <= value <= high for value in found)


def test_a_warm_up_of_a_share_of_an_epoch():
    """Whole steps, upwards: 0.07 of a hundred are seven, though the product lies above; 0.071 are eight."""
    assert 0.07 * 100 > 7
    for length, steps in ((0.07, 7), (0.071, 8), (0.001, 1), (0.0, 0)):
        assert values(WarmUp(0.3, length), 100, 100) == values(WarmUp(0.3, steps, "step"))
    assert values(WarmUp(0.3, 0.07), 100, 100) != values(WarmUp(0.3, 8, "step"))


def test_the_single_step_of_each():
    """What a training of one step is made with: the first value, a cycle's turn, the whole of a warm-up."""
    assert values(OneCycle(0.1, 0.5), 1, 1) == [0.5]
    assert values(WarmUp(0.3), 1, 1) == [0.3]
    assert values(Demon(0.9), 1, 1) == [0.9]
    assert values(Sutskever(), 1, 1) == [0.5]
    assert values(Nesterov1983(), 1, 1) == [pytest.approx(0.4)]
    for schedule in (Step(0.3, every=1), Exponential(0.3, 0.5), Inverse(0.3, 9.0), Listed((0.3, 0.1))):
        assert values(schedule, 1, 1) == [0.3]


@pytest.mark.parametrize("schedule", EACH, ids=repr)
def test_a_step_does_not_depend_on_the_others(schedule):
    """A step asked for alone, in any order, has the bits that it has among all."""
    steps = np.arange(100)
    whole = schedule.at(steps, SPAN)
    assert whole.dtype == np.float64
    assert [schedule.at(np.array([n]), SPAN)[0] for n in steps] == whole.tolist()
    assert schedule.at(steps[::-1], SPAN).tolist() == whole[::-1].tolist()
    assert schedule.at(steps[:0], SPAN).shape == (0,)


positive = st.floats(1e-9, 1e9)
share = st.floats(0.001, 0.999)
units = st.sampled_from(["epoch", "step"])
points = st.dictionaries(st.integers(0, 200), positive, min_size=1, max_size=6)
SIMPLE = st.one_of(
    st.builds(Step, positive, st.floats(1.001, 1e9), every=st.integers(1, 50), per=units),
    st.builds(Exponential, positive, st.floats(1e-9, 1.0), units),
    st.builds(Inverse, positive, st.floats(0, 1e300), units),
    st.builds(OneCycle, positive, positive, positive, share, st.sampled_from(["cosine", "linear"])),
    st.builds(Sutskever, st.floats(0.01, 1.0), st.integers(1, 999)),
    st.builds(Nesterov1983, st.floats(0.01, 1.0)),
    st.builds(Demon, share),
    st.builds(InverseScaling, positive, st.floats(0.0, 3.0)),
    st.builds(Listed, st.lists(positive, min_size=1, max_size=9), units),
    st.builds(Listed, points.map(lambda found: sorted(found.items())), units),
)
ANY = st.one_of(SIMPLE, st.builds(WarmUp, st.one_of(positive, SIMPLE), st.floats(0.0, 50.0), units))


@given(ANY, st.integers(1, 300), st.integers(1, 40))
def test_bounds_bound(schedule, total, per_epoch):
    """Whatever the settings and the length, no value lies outside, not by a rounding; and none warns."""
    low, high = schedule.bounds
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = schedule.at(np.append(np.arange(total), [10 * total, 2**40]), Span(total, per_epoch, 30))
    assert low <= found.min()
    assert found.max() <= high
    assert found[0] > 0


def test_a_warm_up_does_not_round_above_what_it_rises_to():
    """Where 0.1·3/3 lies above 0.1, the third step of three has 0.1."""
    assert 0.1 * 3 / 3 > 0.1
    assert values(WarmUp(0.1, 3, "step"))[2] == 0.1


def test_bounds_are_met():
    """They are no wider than they must be: a cycle, stairs and a table reach both of theirs."""
    for schedule in (OneCycle(0.1, 0.5, 0.05), Sutskever(0.9, 5), Listed((0.2, 0.1, 0.3))):
        found = values(schedule)
        assert (min(found), max(found)) == schedule.bounds


def test_a_table_gives_what_a_schedule_gave():
    """The values of any schedule, in a table, are that schedule, to the last bit."""
    for schedule in EACH:
        assert values(Listed(values(schedule))) == values(schedule)


def test_powers_by_squaring():
    """The same products for one and for many exponents; of halves exact, else near Python's own."""
    exponents = np.array([0, 1, 2, 3, 10, 63, 1000])
    assert powers(0.99, exponents).tolist() == [power(0.99, n) for n in exponents.tolist()]
    assert power(0.5, 60) == 0.5**60
    assert power(0.99, 1000) == pytest.approx(0.99**1000, rel=1e-12)
    assert power(0.99, 1000) != power(0.99, 1001)


def test_the_bits_are_the_same_everywhere():
    """To the last bit the values of the machine that this was written on, for all of them at once."""
    found = np.array([values(schedule) for schedule in EACH if not isinstance(schedule, InverseScaling)])
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == "6e32ad1bdbae50df"
    assert hashlib.sha256(np.nextafter(found, 1).tobytes()).hexdigest()[:16] != "6e32ad1bdbae50df"


def test_a_power_too_large_for_a_number_leaves_nothing() -> None:
    """As the limit says: the rate is 0."""
    assert InverseScaling(0.2, 300.0).at(np.array([0, 5000]), Span(10_000, 1, 50)).tolist() == [0.2, 0.0]

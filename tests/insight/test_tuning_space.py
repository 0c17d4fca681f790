"""What a search may draw, and the scales on which it draws."""

import numpy as np
import pytest
from tuning_problems import START

from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import Choice, Range, Space, coordinates

RATES = Range(0.003, 1.0)
MOMENTA = Range(0.005, 1.0, of_rest=True)


def space(n: int = 500) -> Space:
    return Space.around(START, n, lambda each: each.epochs * (1 + sum(each.hidden)))


def draws(count: int = 300) -> list[Setting]:
    rng = np.random.default_rng(0)
    drawn = [space().draw_shape(rng) for _ in range(count)]
    return drawn + [space().draw_rates(rng, each, near=True) for each in drawn]


def share_within(of: Range, low: float, high: float) -> float:
    rng = np.random.default_rng(1)
    return float(np.mean([low <= of.draw(rng) < high for _ in range(2000)]))


def test_momentum_is_drawn_on_the_logarithm_of_its_rest() -> None:
    """From 0.9 to 0.99 as often as from 0 to 0.9; even draws would not."""
    wanted = np.log(10) / np.log(200)

    assert share_within(MOMENTA, 0.0, 0.9) == pytest.approx(wanted, abs=0.03)
    assert share_within(MOMENTA, 0.9, 0.99) == pytest.approx(wanted, abs=0.03)
    assert share_within(Range(0.005, 1.0), 0.9, 0.99) < 0.1


def test_rates_are_drawn_on_a_logarithm() -> None:
    """Each decade as often."""
    first, second = share_within(RATES, 0.003, 0.03), share_within(RATES, 0.03, 0.3)
    assert first == pytest.approx(second, abs=0.04)


@pytest.mark.parametrize(("of", "value"), [(RATES, 0.003), (RATES, 0.9), (MOMENTA, 0.0), (MOMENTA, 0.995)])
def test_neighbours_are_near_and_within(of: Range, value: float) -> None:
    """Also at an end; a value beyond it is taken as the end."""
    rng = np.random.default_rng(2)
    near = np.array([of.drawn(of.near(value, rng)) for _ in range(300)])

    assert near.min() >= of.low * 0.99
    assert near.max() <= of.high
    apart = np.abs(np.log(near / of.drawn(value))) / np.log(of.high / of.low)
    assert 0.05 < np.median(apart) < 0.15
    assert of.low <= of.drawn(of.near(-5.0, rng)) <= of.high


def test_neighbours_of_a_choice_are_the_next_ones() -> None:
    """And where there is no order, any of the values."""
    rng = np.random.default_rng(3)
    ordered, loose = Choice((1, 2, 4, 8)), Choice(("a", "b", "c"), in_order=False)

    assert {ordered.near(2, rng) for _ in range(50)} == {1, 2, 4}
    assert {ordered.near(100, rng) for _ in range(50)} == {4, 8}
    assert {loose.near("a", rng) for _ in range(50)} == {"a", "b", "c"}
    assert loose.drawn("z") == "a"


def test_drawn_settings_lie_in_the_space() -> None:
    """Batches fit the data, and none is dearer than allowed."""
    for each in draws():
        assert 0 <= len(each.hidden) <= 2
        assert each.batch_size * 4 <= 500
        assert 0.0 <= each.momentum < 1.0
        assert space().cost(each) <= space().dearest * 1.01 or each.epochs == 1
    assert len({each.shape for each in draws()}) > 100


def test_numbers_can_be_typed() -> None:
    """Those that are drawn have three digits."""
    for each in draws(50):
        assert float(f"{each.learning_rate:.3g}") == each.learning_rate
        assert float(f"{each.l2:.3g}") == each.l2


def test_coordinates_lead_back() -> None:
    """A setting made of another one's coordinates is that one, up to the rounding of its epochs."""
    for each in draws(50):
        again = space().setting(coordinates(each, 500))
        assert again.shape[:4] == each.shape[:4]
        assert (again.learning_rate, again.momentum, again.l2) == (each.learning_rate, each.momentum, each.l2)
        assert abs(again.epochs - each.epochs) <= 1


def test_rates_change_and_the_shape_stays() -> None:
    """So that settings can be trained side by side."""
    rng = np.random.default_rng(4)
    first = space().draw_shape(rng)
    others = [space().draw_rates(rng, first, near=near) for near in (True, False) for _ in range(5)]

    assert {each.shape for each in others} == {first.shape}
    assert len({(each.learning_rate, each.momentum, each.l2) for each in others}) == 10

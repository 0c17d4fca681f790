"""Plans with columns are the plans that they stand for."""

import numpy as np
import pytest

from kinds_of_rules import KERNEL_RULES as RULES
from schuss.errors import SettingError
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import Adam, Momentum
from schuss.method.schedules import Cosine, InverseScaling

COUNT, N = 6, 10
RATES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06)
MIXED = (0.01, Cosine(0.1), 0.03, InverseScaling(0.2), Cosine(0.1), 0.01)


def stacked(plans: Plans, name: str, start: int, stop: int) -> np.ndarray:
    """Return what each plan says by itself, shape (count, steps, numbers)."""
    made = np.stack([getattr(plans[i], name)(start, stop, N) for i in range(len(plans))])
    return made.reshape(len(plans), stop - start, -1)


def assert_says(plans: Plans, name: str) -> None:
    """Fail unless the columns give each plan's own numbers, to the last bit."""
    for start, stop in ((0, 9), (4, 7), (5, 6)):
        told = getattr(plans, name)(start, stop, N)
        expected = stacked(plans, name, start, stop)
        assert np.array_equal(np.broadcast_to(told, expected.shape), expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("learning_rates", [RATES, MIXED])
def test_rates(rule, learning_rates):
    """The rates of each step are those of each plan, with constants and schedules, whatever else varies."""
    for name in RULES[rule].rates[1:] or ("learning_rate",):
        columns = {name: (0.5, 0.6, 0.5, 0.7, 0.6, 0.8), "learning_rate": learning_rates}
        assert_says(Plans(Plan(RULES[rule](), batch_size=3), columns, COUNT), "rates")


def test_constant_rates_are_told_once():
    """Where no rate is a schedule there is one number for all steps, but for Adam's, which age."""
    columns = {"learning_rate": RATES}
    assert Plans(Plan(Momentum()), columns, COUNT).rates(0, 9, N).shape == (COUNT, 1, 2)
    assert Plans(Plan(Adam()), columns, COUNT).rates(0, 9, N).shape == (COUNT, 9, 4)


@pytest.mark.parametrize("learning_rates", [RATES, MIXED])
def test_keeps(learning_rates):
    """What decay leaves is what it leaves in each plan; nothing where no plan decays."""
    decays = (0.0, 0.1, 0.2, 0.0, 0.5, 1.0)
    columns = {"weight_decay": decays, "learning_rate": learning_rates}
    assert_says(Plans(Plan(batch_size=3), columns, COUNT), "keeps")
    assert Plans(Plan(), {"learning_rate": learning_rates}, COUNT).keeps(0, 9, N) is None


def test_orders():
    """Plans share an order where its name and, for drawn ones, its seed are the same."""
    shuffled = Shuffled.of(np.random.RandomState(0))
    names = ("philox", "philox", "sequential", "sequential", shuffled, "philox")
    distinct, which = Plans(Plan(), {"order": names, "seed": (1, 2, 3, 4, 5, 1)}, COUNT).orders
    assert distinct == [("philox", 1), ("philox", 2), ("sequential", 0), (shuffled, 0)]
    assert which.tolist() == [0, 1, 2, 2, 3, 0]


def test_a_grid_and_a_choice():
    """A grid holds all combinations; some can be taken out; a list of its plans is the same plans."""
    grid = Plans.grid(Plan(), {"seed": (1, 2), "momentum": (0.1, 0.5, 0.9)})
    assert [grid.settings(i) for i in (0, 1, 3)] == [
        {"seed": 1, "momentum": 0.1},
        {"seed": 1, "momentum": 0.5},
        {"seed": 2, "momentum": 0.1},
    ]
    few = grid.take([4, 0])
    assert [few[i] for i in range(2)] == [grid[4], grid[0]]
    again = Plans.of([grid[i] for i in range(6)])
    assert [again[i] for i in range(6)] == [grid[i] for i in range(6)]
    assert set(again.columns) == {"seed", "momentum"}


def test_refusals():
    """Unknown columns, columns of another length, and rules that differ in what is no rate."""
    with pytest.raises(SettingError, match=r"what may vary is .*did you mean 'momentum'"):
        Plans(Plan(), {"momentun": (0.1,)}, 1)
    with pytest.raises(SettingError, match="seed must hold 2 values, one per plan; got 1"):
        Plans(Plan(), {"seed": (1,)}, 2)
    with pytest.raises(SettingError, match="may differ in"):
        Plans.of([Plan(Adam(age=1)), Plan(Adam(age=2))])

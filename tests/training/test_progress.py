"""How far a training has come: many epochs at once are the same as one after the other."""

import math
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from schuss.method.plan import Plan
from schuss.training.stopping import Progress

numbers = st.floats(-2, 2) | st.sampled_from([0.5, 0.5 + 1e-4, math.nan, math.inf])
begun = st.builds(Progress, numbers.filter(lambda x: not math.isnan(x)), st.integers(0, 5))


@given(begun, st.lists(numbers, max_size=12), st.sampled_from([0.0, 1e-4, 0.3]))
def test_all_at_once_is_one_after_the_other(first, losses, least):
    """The lowest loss and the epochs waited since an improvement, whatever the losses are."""
    plan = Plan(min_improvement=least)
    expected = reduce(lambda reached, loss: reached.after(loss, plan), losses, first)
    assert first.after_all(losses, plan) == expected
    assert Progress(expected.best, expected.waited + 1) != expected

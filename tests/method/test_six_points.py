"""Six points, one logistic unit, eight ways down: the published numbers of steps, and the ends."""

import pytest

from schuss.method.rules import (
    GradientDescent,
    IRpropPlus,
    LineSearch,
    Momentum,
    Nesterov,
    Newton,
    Rprop,
)
from surfaces import SixPoints, steps_to

# Steps and ends were computed apart from this package; 797, 92, 20, 17 and 2 are the published ones, found
# with step sizes of .1 at first and at least; the script of today begins with .3.
KNOWN = [
    (GradientDescent(0.3), 797, (2.3766131, -3.0325909)),
    (GradientDescent(10.0), 25, None),
    (Momentum(0.3, 0.9), 92, (2.4885618, -2.9898064)),
    (Nesterov(0.3, 0.9), 91, None),
    (Rprop(smallest=0.1), 20, (2.6257475, -3.5046660)),
    (IRpropPlus(smallest=0.1), 17, (2.4545584, -3.0887794)),
    (Rprop(first_step=0.3, smallest=0.1), 18, None),
    (IRpropPlus(first_step=0.3, smallest=0.1), 16, None),
    (LineSearch(), 2, (3.1332, -6.0888)),
    (LineSearch(method="brent"), 2, None),
    (Newton(ridge=0.01), 3, None),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rule", "steps", "end"), KNOWN, ids=lambda value: getattr(value, "name", None))
def test_the_published_numbers_of_steps(rule, steps, end, dtype):
    """In either dtype; the ends too, of a line search as near as its tolerance lets them be."""
    found, theta = steps_to(rule, SixPoints(dtype), dtype)
    assert found == steps
    assert theta.dtype == dtype
    if end is not None:
        near = 0.02 if isinstance(rule, LineSearch) else 1e-7 if dtype == "float64" else 1e-5
        assert theta.tolist() == pytest.approx(end, abs=near)


def test_other_settings_give_other_numbers():
    """The table can fail."""
    assert steps_to(Rprop(decrease=0.6), SixPoints())[0] != 20
    assert steps_to(Newton(ridge=1.0), SixPoints())[0] != 3

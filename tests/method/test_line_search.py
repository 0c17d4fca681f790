"""Lengths along a line: against SciPy's golden section and Brent, and where there is nothing to find."""

import math
from collections.abc import Callable

import pytest
from scipy.optimize import minimize_scalar

from schuss.method.line_search import METHODS, Bracket, bracketed, golden

VALLEYS: dict[str, Callable[[float], float]] = {
    "parabola": lambda a: (a - 3) ** 2 + 1,
    "far": lambda a: (a - 300) ** 4 - 0.1 * a,
    "skew": lambda a: math.exp(min(a, 700)) - 20 * a,
    "edge": lambda a: abs(a - 2.5),
    "near": lambda a: (a - 1e-7) ** 2,
    "wall": lambda a: -a if a < 4 else math.inf,
}


@pytest.mark.parametrize("name", VALLEYS)
@pytest.mark.parametrize("first", [1e-9, 1.0, 1e4])
def test_a_bracket_holds_a_low_point(name: str, first: float) -> None:
    """From a first length that is far too short, or far too long."""
    along = VALLEYS[name]
    found = bracketed(along, along(0.0), first)
    assert found is not None
    a, b, c, lowest = found
    assert 0 <= a < b < c
    assert lowest == along(b)
    assert lowest < along(a)
    assert lowest <= along(c)


@pytest.mark.parametrize("tolerance", [0.1, 1e-4, 1e-6])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [name for name in VALLEYS if name != "wall"])
def test_it_is_scipys_length(name: str, method: str, tolerance: float) -> None:
    """Within the tolerance, and never higher than where it began; a golden section stopped early is not."""
    along = VALLEYS[name]
    bracket = bracketed(along, along(0.0), 1.0)
    assert bracket is not None
    exact = minimize_scalar(along, bracket=bracket[:3], method=method, tol=1e-11).x
    found = METHODS[method](along, bracket, tolerance)
    assert found == pytest.approx(exact, rel=2 * tolerance + 1e-7)
    assert along(found) <= bracket.lowest
    if tolerance < 0.1 and name != "parabola":  # whose bracket is luckier than most
        assert golden(along, bracket, 0.9) != pytest.approx(exact, rel=2 * tolerance)


def test_parabolas_need_fewer_looks() -> None:
    """Of a smooth valley Brent's method sees a lower place sooner than golden sections do."""
    looks = dict.fromkeys(METHODS, 0)
    for method in METHODS:

        def along(a: float, method: str = method) -> float:
            looks[method] += 1
            return VALLEYS["skew"](a)

        METHODS[method](along, Bracket(1.0, 2.0, 5.0, VALLEYS["skew"](2.0)), 1e-6)
    assert looks["brent"] < looks["golden"]


@pytest.mark.parametrize("along", [lambda _: 1.0, lambda a: a, lambda _: math.inf])
def test_where_nothing_is_lower_there_is_no_bracket(along: Callable[[float], float]) -> None:
    """On a plane, uphill, and among losses that are not finite."""
    assert bracketed(along, 0.0 if along(1.0) != 1.0 or along(2.0) != 1.0 else 1.0, 1.0) is None


def test_downhill_for_ever_ends() -> None:
    """A loss that falls without end gives a length, if a very large one."""
    found = bracketed(lambda a: -a, 0.0, 1.0)
    assert found is not None
    assert math.isfinite(found.b)

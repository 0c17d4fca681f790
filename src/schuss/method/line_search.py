"""How far to go along a direction: the lowest point of E(θ + a·d) over a > 0, found from its values alone.

First three lengths a < b < c are found with E(b) below both ends; then golden section or Brent's method
narrows them down until c − a ≤ 2·tolerance·b. Where the loss does not fall along d, the length is 0.
Sources: Kiefer, Proc. Amer. Math. Soc. 4 (1953), 502–506 (golden section); Brent, Algorithms for
Minimization without Derivatives (1973), ch. 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from schuss.method.checks import check_number
from schuss.method.functions import Array
from schuss.method.landscape import Landscape

__all__ = ["METHODS", "Bracket", "bracketed", "brent", "check_search", "golden", "length_along"]

RATIO = (math.sqrt(5.0) - 1.0) / 2.0  # the golden section: what is kept of an interval at each look
MOST_LOOKS = 200

Along = Callable[[float], float]  # a -> E(θ + a·d)


class Searching(Protocol):
    """A rule that searches along lines."""

    @property
    def tolerance(self) -> float:
        """How near α is found, relative."""
        ...

    @property
    def first_step(self) -> float:
        """The length that is tried first."""
        ...


class Bracket(NamedTuple):
    """Three lengths, the loss at the middle one lower than at both ends, and that loss."""

    a: float
    b: float
    c: float
    lowest: float


def length_along(
    land: Landscape,
    theta: Array,
    direction: Array,
    loss: float,
    first: float,
    method: str,
    tolerance: float,
) -> float:
    """Return the length a > 0 at which E(θ + a·d) is lowest, a number of theta's dtype; 0 where none is.

    `loss` is E(θ), and `first` the length that is tried first.
    """
    number = theta.dtype.type

    def along(a: float) -> float:
        found = land.loss(theta + number(a) * direction)
        return found if math.isfinite(found) else math.inf

    bracket = bracketed(along, loss, first)
    return 0.0 if bracket is None else float(number(METHODS[method](along, bracket, tolerance)))


def bracketed(along: Along, loss: float, first: float) -> Bracket | None:
    """Return three lengths around a low point, from `first` outwards or inwards; None where none is lower."""
    a, b, at_b = 0.0, first, along(first)
    if at_b < loss:
        c = b / RATIO**2
        while (at_c := along(c)) < at_b and math.isfinite(c):
            a, b, at_b, c = b, c, at_c, c + (c - b) / RATIO
        return Bracket(a, b, c, at_b)
    for _ in range(MOST_LOOKS):
        c, b = b, b * RATIO**2
        at_b = along(b)
        if at_b < loss:
            return Bracket(0.0, b, c, at_b)
    return None


def golden(along: Along, bracket: Bracket, tolerance: float) -> float:
    """Return the lowest length of a bracket, which each look shortens to .618 of it."""
    a, b, c, _ = bracket
    left, right = c - RATIO * (c - a), a + RATIO * (c - a)
    at_left, at_right = along(left), along(right)
    best, lowest = b, bracket.lowest
    for _ in range(MOST_LOOKS):
        best, lowest = min((best, lowest), (left, at_left), (right, at_right), key=lambda seen: seen[1])
        if c - a <= 2 * tolerance * best:
            break
        if at_left < at_right:
            c, right, at_right = right, left, at_left
            left = c - RATIO * (c - a)
            at_left = along(left)
        else:
            a, left, at_left = left, right, at_right
            right = a + RATIO * (c - a)
            at_right = along(right)
    return best


def brent(along: Along, bracket: Bracket, tolerance: float) -> float:
    """Return the lowest length of a bracket by parabolas through the lowest three, or golden sections.

    A parabola is followed only inside the bracket, and only while the steps halve every second time.
    """
    a, x, c, at_x = bracket
    second = third = x
    at_second = at_third = at_x
    move = before = 0.0
    for _ in range(MOST_LOOKS):
        if c - a <= 2 * tolerance * x:
            break
        nearest = 0.5 * tolerance * x  # nothing nearer to x can tell anything new
        step, middle = _vertex(x, second, third, at_x, at_second, at_third), 0.5 * (a + c)
        if step is None or abs(step) >= 0.5 * abs(before) or not a < x + step < c:
            before = (c if x < middle else a) - x
            step = (1.0 - RATIO) * before
        else:
            before = move
        too_near = abs(step) < nearest or not a + nearest < x + step < c - nearest
        move = math.copysign(nearest, middle - x) if too_near else step
        place = x + move
        at_place = along(place)
        if at_place <= at_x:
            a, c = (x, c) if place >= x else (a, x)
            third, second, x = second, x, place
            at_third, at_second, at_x = at_second, at_x, at_place
        else:
            a, c = (place, c) if place < x else (a, place)
            if at_place <= at_second or second == x:
                third, second, at_third, at_second = second, place, at_second, at_place
            elif at_place <= at_third or third in (x, second):
                third, at_third = place, at_place
    return x


def _vertex(x: float, v: float, w: float, at_x: float, at_v: float, at_w: float) -> float | None:
    """Return how far from x the parabola through three points has its vertex; None where it has none."""
    r, q = (x - v) * (at_x - at_w), (x - w) * (at_x - at_v)
    below = 2.0 * (q - r)
    if below == 0.0 or not math.isfinite(below):
        return None
    return ((x - v) * r - (x - w) * q) / below


def check_search(rule: Searching) -> None:
    """Turn a new rule's settings of its searches into floats within their limits, or raise SettingError."""
    tolerance = check_number("tolerance", rule.tolerance, low=0.0, high=1.0, open_low=True, open_high=True)
    first = check_number("first_step", rule.first_step, low=0.0, open_low=True)
    object.__setattr__(rule, "tolerance", tolerance)
    object.__setattr__(rule, "first_step", first)


METHODS: dict[str, Callable[[Along, Bracket, float], float]] = {"golden": golden, "brent": brent}

"""Lengths along a line once more, in plain Python: what a search tries, in which order, and where it ends.

Each takes E along the line, E(0), the length that is tried first and the tolerance. Written from the sources
that `schuss.method.line_search` names and from what its docstrings promise, with other formulas where there
are several. Holds no test.
"""

import math
from collections.abc import Callable

__all__ = ["SEARCHES", "brent", "golden"]

Line = Callable[[float], float]
GOLDEN = (3 - math.sqrt(5)) / 2  # .382, the smaller part


def valley(line: Line, loss: float, first: float) -> list[tuple[float, float]] | None:
    """Return three lengths with their losses, the middle one lowest; None where no length is lower."""
    seen = [(0.0, loss), (first, line(first))]
    if seen[1][1] < loss:
        seen.append((first / GOLDEN, line(first / GOLDEN)))
        while seen[-1][1] < seen[-2][1] and math.isfinite(seen[-1][0]):
            further = seen[-1][0] + (seen[-1][0] - seen[-2][0]) / (1 - GOLDEN)
            seen.append((further, line(further)))
        return seen[-3:]
    for n in range(1, 61):
        shorter = first * GOLDEN**n
        seen.append((shorter, line(shorter)))
        if seen[-1][1] < loss:
            return [seen[0], seen[-1], seen[-2]]
    return None


def golden(line: Line, loss: float, first: float, tolerance: float) -> float:
    """Kiefer's search: two looks inside, and the part beyond the higher of them is cut off."""
    found = valley(line, loss, first)
    if found is None:
        return 0.0
    low, high = found[0][0], found[2][0]
    looks = [found[1]]
    inner = [(low + part * (high - low)) for part in (GOLDEN, 1 - GOLDEN)]
    values = [line(a) for a in inner]
    for _ in range(200):
        looks += [*zip(inner, values, strict=True)]
        best = min(looks, key=lambda look: look[1])[0]
        if high - low <= 2 * tolerance * best:
            break
        if values[0] < values[1]:
            high = inner[1]
            inner, values = [low + GOLDEN * (high - low), inner[0]], [math.nan, values[0]]
            values[0] = line(inner[0])
        else:
            low = inner[0]
            inner, values = [inner[1], high - GOLDEN * (high - low)], [values[1], math.nan]
            values[1] = line(inner[1])
    return min(looks, key=lambda look: look[1])[0]


def brent(line: Line, loss: float, first: float, tolerance: float) -> float:
    """Brent's ``localmin``: x is the lowest look, w the second lowest, v the w before."""
    found = valley(line, loss, first)
    if found is None:
        return 0.0
    (low, _), (x, at_x), (high, _) = found
    w = v = (x, at_x)
    d = e = 0.0
    for _ in range(200):
        if high - low <= 2 * tolerance * x:
            break
        least, centre = tolerance * x / 2, (low + high) / 2
        vertex = vertex_of((x, at_x), w, v)
        if vertex is not None and abs(vertex - x) < abs(e) / 2 and low < vertex < high:
            e, d = d, vertex - x
        else:
            e = high - x if x < centre else low - x
            d = GOLDEN * e
        if abs(d) < least or not low + least < x + d < high - least:
            d = math.copysign(least, centre - x)
        u = (x + d, line(x + d))
        if u[1] <= at_x:
            low, high = (x, high) if d >= 0 else (low, x)
            v, w, (x, at_x) = w, (x, at_x), u
        else:
            low, high = (u[0], high) if d < 0 else (low, u[0])
            if u[1] <= w[1] or w[0] == x:
                v, w = w, u
            elif u[1] <= v[1] or v[0] in (x, w[0]):
                v = u
    return x


def vertex_of(*points: tuple[float, float]) -> float | None:
    """Return where the parabola through three points is level, by divided differences; None for a line."""
    (a, at_a), (b, at_b), (c, at_c) = points
    if len({a, b, c}) < 3:
        return None
    slope = (at_b - at_a) / (b - a)
    bend = ((at_c - at_b) / (c - b) - slope) / (c - a)
    return None if bend == 0 else (a + b) / 2 - slope / (2 * bend)


SEARCHES = {"golden": golden, "brent": brent}

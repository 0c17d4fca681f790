"""Surfaces of two weights to race down. `SURFACES` is the table that forms, docs and tests are built from."""

from __future__ import annotations

from collections.abc import Callable

from schuss.method.surfaces.quadratic import quadratic
from schuss.method.surfaces.six_points import six_points
from schuss.method.surfaces.sums_of_squares import beale, himmelblau, ravine, rosenbrock, saddle
from schuss.method.surfaces.surface import Surface

__all__ = ["SURFACES", "Surface"]

# What each makes by default is called what its key says; settings are the parameters of the function.
SURFACES: dict[str, Callable[..., Surface]] = {
    "six-points": six_points,
    "quadratic": quadratic,
    "rosenbrock": rosenbrock,
    "beale": beale,
    "himmelblau": himmelblau,
    "saddle": saddle,
    "ravine": ravine,
}

"""Planes through landscapes of many weights: their slopes are the landscape's, their axes the trails'."""

import numpy as np
import pytest

from comparisons import assert_near
from oracles import Array, central_differences
from problems import NETWORK, draw_data
from schuss import SettingError
from schuss.engine.reference import ReferenceEngine
from schuss.engine.stepping import BatchLandscape
from schuss.method.backprop import Objective
from schuss.method.samples import Samples
from schuss.method.surfaces.plane import Plane, plane_of_weights, principal_plane

X, T = draw_data()
LAND = BatchLandscape(ReferenceEngine(), NETWORK, Samples.check(NETWORK, X, T), Objective())
THETA = NETWORK.initial(3)


def points(rng: np.random.Generator) -> Array:
    """Return points that spread most in one direction, then in another, in 44 weights."""
    spread = np.zeros((2, THETA.size))
    spread[0, 5], spread[1, 9] = 3.0, 1.0
    return THETA + rng.standard_normal((20, 2)) @ spread + 0.01 * rng.standard_normal((20, THETA.size))


def planes(rng: np.random.Generator) -> list[Plane]:
    return [plane_of_weights(LAND, THETA, (4, 30), ("a", "b")), principal_plane(LAND, points(rng))]


def test_a_plane_is_a_landscape(rng: np.random.Generator) -> None:
    """Loss is that above the plane, slope and curvature are its derivatives by the two coordinates."""
    for plane in planes(rng):
        p, vector = rng.standard_normal(2), rng.standard_normal(2)
        found = plane.gradient(p)

        assert found.loss == plane.loss(p) == LAND.loss(plane.lift(p))
        assert_near(found.gradient, central_differences(plane.loss, p), 1e-8, "slopes")
        h = 1e-5
        ahead, behind = (plane.gradient(p + sign * h * vector).gradient for sign in (1, -1))
        assert_near(plane.curvature_product(p, vector), (ahead - behind) / (2 * h), 1e-6, "products")
        assert plane.matrices(p) == ()


def test_points_of_a_plane_project_to_their_coordinates(rng: np.random.Generator) -> None:
    """Axes have length 1 and stand at right angles."""
    for plane in planes(rng):
        p = rng.standard_normal((5, 2))
        assert_near(np.array([plane.project(plane.lift(each)) for each in p]), p, 1e-14)
        assert_near(plane.axes @ plane.axes.T, np.eye(2), 1e-14)


def test_a_slice_holds_all_other_weights() -> None:
    """The coordinates are the two weights themselves."""
    plane = plane_of_weights(LAND, THETA, (4, 30), ("a", "b"))
    lifted = plane.lift(np.array([7.0, -8.0]))
    expected = THETA.copy()
    expected[[4, 30]] = 7.0, -8.0

    assert (lifted == expected).all()
    assert (plane.lift(THETA[[4, 30]]) == THETA).all()
    with pytest.raises(SettingError, match="two different weights; got 'a' twice"):
        plane_of_weights(LAND, THETA, (4, 4), ("a", "a"))


def assert_principal(plane: Plane, cloud: Array) -> None:
    """Fail unless a plane's axes are the first two right singular vectors of the centred cloud."""
    vectors = np.linalg.svd(cloud - cloud.mean(axis=0))[2][:2]
    assert_near(np.abs(np.sum(plane.axes * vectors, axis=1)), np.ones(2), 1e-9, "axes")
    assert_near(plane.origin, cloud.mean(axis=0), 1e-14, "origin")


def test_the_principal_plane_is_that_of_the_singular_vectors(rng: np.random.Generator) -> None:
    """Names tell the shares; a plane turned by two degrees is rejected."""
    cloud = points(rng)
    plane = principal_plane(LAND, cloud)
    turn = np.deg2rad(2)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ plane.axes

    assert_principal(plane, cloud)
    with pytest.raises(AssertionError, match="axes differ"):
        assert_principal(Plane(LAND, plane.origin, turned, plane.names), cloud)
    squares = np.linalg.svd(cloud - cloud.mean(axis=0))[1] ** 2
    assert plane.names[0] == f"principal component 1 ({squares[0] / squares.sum():.0%})"
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in plane.axes)


def test_points_in_a_line_still_make_a_plane() -> None:
    """Two points, or several that are the same."""
    for cloud in (np.stack([THETA, THETA + 1]), np.stack([THETA] * 3)):
        plane = principal_plane(LAND, cloud)
        assert_near(plane.axes @ plane.axes.T, np.eye(2), 1e-14)
        assert np.isfinite(plane.project(cloud)).all()

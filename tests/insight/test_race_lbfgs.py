"""L-BFGS in a race: the steps are SciPy's own, counted, and it ends where it finds no more."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from test_race import Tally, assert_trail

from schuss import Lbfgs, race
from schuss.insight.race.descend_lbfgs import descend_lbfgs
from schuss.method.surfaces import SURFACES, Surface


def by_scipy(surface: Surface, steps: int) -> tuple[list[Any], int]:
    """Return the places of L-BFGS by SciPy itself, and how often it asked."""
    found = [np.array(surface.start)]
    how: dict[str, Any] = {"options": {"maxiter": steps, "ftol": 0.0, "gtol": 0.0}}
    end = minimize(
        surface.value, found[0], jac=surface.slope, method="L-BFGS-B", callback=found.append, **how
    )
    return found, end.nfev


def test_lbfgs_is_scipys() -> None:
    """Step for step the bits of SciPy's `minimize`, with as many questions; another memory is noticed."""
    surface = SURFACES["rosenbrock"]()
    expected, asked = by_scipy(surface, 30)
    own, short = race(surface, rules=[Lbfgs(), Lbfgs(pairs=1)], steps=30, goal=0.0).racers

    assert (own.stopped, own.steps, own.gradients[-1], own.losses[-1]) == ("steps", 30, asked, 0)
    assert_trail(own.trail, expected)
    assert own.loss.tolist() == [surface.loss(theta) for theta in expected]
    with pytest.raises(AssertionError, match="another trail"):
        assert_trail(short.trail, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lbfgs_ends_at_the_goal_or_by_itself(dtype: str) -> None:
    """In the dtype of the race; its questions are counted, the judge's are not."""
    tally = Tally(SURFACES["beale"]())
    racer = descend_lbfgs(Lbfgs(), tally, np.array([1.0, 1.5], dtype), 100, 1e-3)
    ended = descend_lbfgs(Lbfgs(), tally.surface, np.array([1.0, 1.5], dtype), 1000, -1.0)
    there = descend_lbfgs(Lbfgs(), tally.surface, np.array([3.0, 0.5], dtype), 5, 0.0)

    assert (racer.stopped, racer.trail.dtype) == ("goal", dtype)
    assert racer.loss[-1] <= 1e-3 < racer.loss[-2]
    assert racer.gradients[-1] == tally.gradients > racer.steps
    assert tally.losses == 1
    assert (np.diff(racer.seconds) > 0).all()
    assert (ended.stopped, ended.steps < 100) == ("ended", True)
    assert (there.stopped, there.evaluations.tolist()) == ("goal", [0])
    told = race("beale", rules=[Lbfgs()], goal=-1.0)
    assert "ended; best at step" in told.text()
    assert told.to_dict()["racers"][0]["rule"] == {"name": "lbfgs", "pairs": 10}


def test_lbfgs_without_a_finite_loss_is_data() -> None:
    """Where a step leads to NaN or to infinity it diverged; what was finite is kept."""
    good = SURFACES["beale"]()
    holed = replace(good, value=lambda theta: good.value(theta) if theta[0] == 1.0 else np.nan)
    endless = replace(
        good, value=lambda theta: -np.exp(theta[0]), slope=lambda theta: -np.exp(theta) * [1, 0]
    )
    for surface in (holed, endless):
        racer = descend_lbfgs(Lbfgs(), surface, np.array([1.0, 1.5]), 50, None)
        assert racer.stopped == "diverged"
        assert np.isfinite(racer.loss).all()
        assert np.isfinite(racer.trail).all()

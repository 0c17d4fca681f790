"""Lengths of gradient, memory and change over a recorded run, as ``schuss show`` tells and draws them."""

from pathlib import Path

import numpy as np
import pytest
from commands import invoke, invoke_json

from recorded import recorded
from schuss import Adam, GradientDescent, Keep, Run
from schuss.interface.lengths import lengths
from schuss.interface.plots import save_loss_curve

EACH_THIRD = Keep(norms=3)


def kept(folder: Path, **how: object) -> Run:
    return recorded(folder / "run", keep=EACH_THIRD, **how)


def test_they_are_means_over_shares_of_the_steps(tmp_path: Path) -> None:
    """A hundred rows in seven shares; each stands at the first step of its share."""
    run = kept(tmp_path)
    found = lengths(run, 7)

    assert list(found) == ["gradient", "velocity", "change"]
    for column, (steps, values) in enumerate(found.values()):
        rows = np.array_split(np.arange(100), 7)
        assert steps == [3 * int(share[0]) for share in rows]
        assert values == [
            pytest.approx(run.norms[share, column].mean(dtype=float), rel=1e-14) for share in rows
        ]
    assert lengths(run, 1000)["gradient"][1] == run.norms[:, 0].tolist()


def test_a_rule_without_memory_has_two_of_them(tmp_path: Path) -> None:
    """Another rule's memory has its name."""
    assert list(lengths(kept(tmp_path / "a", rule=GradientDescent(0.1)), 9)) == ["gradient", "change"]
    assert list(lengths(kept(tmp_path / "b", rule=Adam(0.01)), 9))[1] == "mean"


def test_steps_whose_norms_are_not_known_are_left_out(tmp_path: Path) -> None:
    """Those of a fork's parent; and of a run that kept none there is nothing to draw."""
    fork = kept(tmp_path).fork(100, record=tmp_path / "fork", keep=EACH_THIRD)
    steps, values = lengths(fork, 1000)["change"]

    assert (steps[0], steps[-1], len(steps)) == (102, 297, 66)
    assert np.isfinite(values).all()
    assert lengths(recorded(tmp_path / "none", keep=Keep(norms=0)), 9) == {}


def test_show_tells_and_draws_them(tmp_path: Path, runs: Path) -> None:
    """By the run's name too; a run without them has no such picture, and no such axes."""
    run = recorded(runs / "mine", keep=EACH_THIRD)
    recorded(runs / "other", keep=Keep(norms=0))
    out, told = invoke("show", "mine").out, invoke_json("show", "mine")

    assert "length of the gradient" in out
    assert "length of the change" in out
    assert told["lengths"]["change"] == {"step": list(range(0, 300, 3)), "mean": run.norms[:, 2].tolist()}
    assert "length of" not in invoke("show", "other").out
    assert invoke_json("show", "other")["lengths"] == {}

    pictures = [
        save_loss_curve(each, tmp_path / f"{name}.svg").read_text()
        for name, each in (("with", run), ("without", recorded(tmp_path / "none", keep=Keep(norms=0))))
    ]
    assert [text.count('id="axes_') for text in pictures] == [2, 1]

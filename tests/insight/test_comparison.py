"""Two runs part at the step that was changed, and not before; equal runs do not part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from problems import NETWORK, RULE, draw_data
from schuss import Keep, Network, SettingError, compare, load_run, train
from schuss.insight import comparison
from schuss.training.run import Run

STEPS = 400


def run_of(**how: Any) -> Run:
    """Train the small problem for 400 steps."""
    X, T = draw_data()
    return train(NETWORK, X, T, rule=RULE, epochs=80, batch_size=5, **how)


def test_equal_runs_do_not_part(tmp_path: Path) -> None:
    """One in memory and one from its folder, of other checkpoints."""
    recorded = run_of(record=tmp_path / "run", keep=Keep(seconds=0))
    found = compare(run_of(), load_run(tmp_path / "run"))

    assert (found.step, found.first, found.stop) == (None, 0, STEPS)
    assert found.settings == {}
    assert len(found.parted) == 0
    assert compare(recorded, recorded.fork(137)).first == 137
    assert "equal to the last bit" in repr(found)


@pytest.mark.parametrize("step", [0, 1, 255, 256, 257, 399])
def test_a_fork_parts_at_its_step(step: int) -> None:
    """By the update of that very step, wherever it lies between two looks; and the accounts show it."""
    run = run_of()
    found = compare(run, run.fork(step, learning_rate=0.0200001, momentum=0.9))
    one, other = found.accounts

    assert found.step == step
    assert found.weight == one.name == other.name
    assert found.settings.keys() == {"rule"}
    assert one.before == other.before
    assert one.after != other.after
    assert one.balances
    assert other.balances
    assert f"step {step}" in repr(found)
    assert found.to_dict()["weight"] == found.weight


def test_a_sample_left_out_parts_them_when_it_comes() -> None:
    """Not before the first batch that holds it."""
    run = run_of()
    row = int(run.plan.batch(303, run.n_samples)[1])
    later = next(s for s in range(300, 320) if row in run.plan.batch(s, run.n_samples))
    found = compare(run, run.fork(300, without=[row]))

    assert found.step == later
    assert found.settings.keys() == {"data"}
    others = set(range(run.n_samples)) - set(run.plan.batch(later, run.n_samples).tolist())
    assert compare(run, run.fork(later, without=[min(others)])).step != later


def test_runs_from_other_weights_part_from_the_start() -> None:
    """And say so with −1, without accounts of a step."""
    found = compare(run_of(), run_of(seed=1))
    assert found.step == -1
    assert found.accounts == ()
    assert found.settings.keys() == {"seed"}


def test_it_does_not_matter_how_often_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first difference is the first one."""
    run = run_of()
    fork = run.fork(137, momentum=0.8)
    assert compare(run, fork).step == 137
    monkeypatch.setattr(comparison, "AT_ONCE", 7)
    assert compare(run, fork).step == 137


def test_runs_that_cannot_be_compared_say_why() -> None:
    """Other networks, other dtypes, no step in common."""
    X, T = draw_data()
    run = run_of()
    other = train(Network([3, 2], output="identity"), X, T, epochs=1)
    with pytest.raises(SettingError, match="same network"):
        compare(run, other)
    with pytest.raises(SettingError, match="float32"):
        compare(run, run_of(dtype=np.float32))
    short = train(NETWORK, X, T, rule=RULE, epochs=2, batch_size=5)
    with pytest.raises(SettingError, match="no step in common"):
        compare(run.fork(200), short)

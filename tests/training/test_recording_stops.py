"""A recording that is interrupted, diverges, or is begun by many at once stays whole."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from problems import NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from recorded import OFTEN, recorded, same_runs
from schuss import DivergenceError, Keep, Momentum, SchussWarning, load_run, train

MANY = """
import sys, numpy as np
from pathlib import Path
from schuss import Network, train
from schuss.training.record import NextFree
seed = int(sys.argv[2])
X = np.random.default_rng(seed).standard_normal((50, 3))
place = Path(sys.argv[1])
run = train(Network([3, 9, 1]), X, X[:, :1], epochs=200, seed=seed, record=NextFree(place))
print(run.folder, run.state.digest())
"""


def test_trainings_that_begin_at_once_have_folders_of_their_own(tmp_path: Path) -> None:
    """Each recording is that of one training, and can be made again."""
    commands = [[sys.executable, "-c", MANY, str(tmp_path / "run"), str(seed)] for seed in range(8)]
    started = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]  # noqa: S603  # our own
    told = dict(process.communicate()[0].split() for process in started)

    assert [process.returncode for process in started] == [0] * 8
    assert len(told) == 8
    for folder, digest in told.items():
        assert load_run(folder).state.digest() == digest
        assert load_run(folder).at(77).step == 77
    assert len(set(told.values())) == 8


@pytest.mark.parametrize("number", [1, 7, 20])
@pytest.mark.parametrize("how", [{"average": 0.9}, {"patience": 12, "min_improvement": 0.0}], ids=str)
def test_an_interruption_while_an_epoch_is_judged_loses_nothing(
    number: int, how: dict[str, Any], tmp_path: Path
) -> None:
    """Resumed, the epoch is judged: validation losses, average, patience and the best state are all there."""
    X, T = draw_data()
    calls = [0]

    def judge(state: Any) -> float:
        calls[0] += 1
        if calls[0] == number:
            raise KeyboardInterrupt
        return -float(abs(state.theta).sum())

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", validation=judge, **how)
    resumed = train(resume=tmp_path / "run", validation=judge)
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5, validation=judge, **how)

    assert same_runs(resumed, whole)
    assert resumed.best is not None
    assert whole.best is not None
    assert resumed.best.digest() == whole.best.digest()
    assert not np.isnan(resumed.validation_loss).any()


def test_an_interruption_while_lost_losses_are_computed_again_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is heard, and the folder stays what it was."""
    X, T = draw_data()

    def interrupt(epoch: Any) -> None:
        if epoch.number == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", callbacks=[interrupt])
    (tmp_path / "run" / "losses.bin").unlink()
    from schuss.engine.native import NativeEngine

    real = NativeEngine.advance

    def cut(self: Any, network: Any, state: Any, samples: Any, plan: Any, stop: int, **how: Any) -> Any:
        made = real(self, network, state, samples, plan, min(stop, state.step + 9), **how)
        return made._replace(outcome="interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(NativeEngine, "advance", cut)
        with pytest.raises(KeyboardInterrupt):
            train(resume=tmp_path / "run")
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)
    assert same_runs(train(resume=tmp_path / "run"), whole)


@pytest.mark.parametrize("recording", [True, False])
def test_a_run_that_diverged_is_kept_up_to_its_last_finite_step(recording: bool, tmp_path: Path) -> None:
    """So that its last steps can be asked about."""
    X, T = draw_data()
    how: dict[str, Any] = {"record": tmp_path / "run", "keep": OFTEN} if recording else {}
    with pytest.raises(DivergenceError) as raised:
        train(NETWORK, X, T, rule=Momentum(3.0, 0.9), epochs=2000, batch_size=5, **how)
    error, run = raised.value, raised.value.run

    assert run.stopped == "diverged"
    assert run.state.step == error.step == len(run.step_loss)
    assert run.state.digest() == error.state.digest()
    assert np.isfinite(run.step_loss).all()
    assert run.account(5, error.step - 1).balances
    if recording:
        assert load_run(tmp_path / "run").state.digest() == error.state.digest()
        with pytest.raises(DivergenceError, match=f"at step {error.step} "):
            train(resume=tmp_path / "run")


def test_checkpoints_lie_within_epochs_too(tmp_path: Path) -> None:
    """Where epochs last longer than the time between two; the run knows its samples all the same."""
    run = recorded(tmp_path / "run", keep=Keep(seconds=0))
    steps = [int(p.stem) for p in (tmp_path / "run" / "checkpoints").iterdir()]

    assert any(step % STEPS_PER_EPOCH for step in steps)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["n_samples"] == run.n_samples


def test_a_checkpoint_that_cannot_be_removed_ends_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk that is full does; the training goes on to the same bits."""
    keep = Keep(seconds=0, size=9000)
    whole = recorded(tmp_path / "whole", keep=keep)

    def refused(self: Path, **_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.warns(SchussWarning, match="cannot remove .*goes on, but its recording ends at step"):
        run = recorded(tmp_path / "run", keep=keep)
    assert run.state.digest() == whole.state.digest() != run.at(299).digest()

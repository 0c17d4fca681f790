"""Losses and norms that are written beside the next steps end up in the folder as those that are not."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorded import recorded, same_runs
from schuss import DivergenceError, Keep, Momentum, SchussWarning, load_run, train
from schuss.errors import OutputError
from schuss.training import recorder, strides
from schuss.training.recorder import Recorder
from schuss.training.run import Run
from schuss.training.run_folder import RunFolder

SELDOM = Keep(seconds=60, norms=1)  # no checkpoint but the first and the last


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """From which step on losses were written, and whether by another thread than this; let 40 be many."""
    calls, here, real = list[tuple[int, bool]](), threading.get_ident(), RunFolder.add_losses

    def add(self: RunFolder, first: int, parts: Sequence[Any]) -> None:
        calls.append((first, threading.get_ident() != here))
        real(self, first, parts)

    monkeypatch.setattr(RunFolder, "add_losses", add)
    monkeypatch.setattr(recorder, "MANY", 40)
    monkeypatch.setattr(strides, "STEPS", 50)
    return calls


def same_folders(a: Run, b: Run) -> bool:
    """Whether two recorded runs are the same on the disk, losses and norms included."""
    assert a.folder is not None
    assert b.folder is not None
    first, second = load_run(a.folder), load_run(b.folder)
    norms = first.norms.tobytes() == second.norms.tobytes() and first.norms_every == second.norms_every
    return same_runs(first, second) and norms


def test_the_folder_is_the_same(written: list[tuple[int, bool]], tmp_path: Path) -> None:
    """Losses and norms of all steps, in order, by another thread; the rest by this one at the end."""
    run = recorded(tmp_path / "beside", keep=SELDOM)
    steps = run.state.step
    firsts = [first for first, _ in written]
    assert len(firsts) > 3
    assert firsts == sorted(set(firsts))
    assert [beside for _, beside in written] == [True] * (len(firsts) - 1) + [False]
    recorder.MANY = steps + 1  # the fixture's patch takes it back
    whole = recorded(tmp_path / "whole", keep=SELDOM)
    assert len(whole.norms) == steps
    assert same_folders(run, whole)
    assert not np.isnan(load_run(tmp_path / "beside").step_loss).any()
    assert not same_folders(run, recorded(tmp_path / "other", keep=SELDOM, seed=1))


@pytest.mark.parametrize("size", [24 * 4 * 20, 8 * 2 * 130], ids=["norms", "losses"])
def test_what_has_no_room_is_given_up_as_before(
    size: int, written: list[tuple[int, bool]], tmp_path: Path
) -> None:
    """Every second norm from the beginning on, and losses after the first."""
    run = recorded(tmp_path / "beside", keep=Keep(seconds=60, norms=1, size=size))
    assert any(beside for _, beside in written)
    opened = load_run(tmp_path / "beside")
    assert opened.norms_every > 1
    assert opened.norms.tobytes() == run.norms_of(0, run.state.step)[:: opened.norms_every].tobytes()
    known = ~np.isnan(opened.step_loss)
    assert 0 < known.sum() <= size / 2 / 8
    assert opened.step_loss[known].tobytes() == run.step_loss[: known.sum()].tobytes()


@pytest.mark.usefixtures("written")
def test_a_full_disk_ends_the_recording_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training hears of it at the next step that it asks at, warns once, and goes on."""
    whole = recorded(tmp_path / "whole", keep=SELDOM)
    real = RunFolder.add_norms

    def refuse(self: RunFolder, first: int, *rest: Any) -> None:
        if first > 100:
            raise OutputError("cannot write norms.bin: No space left on device.")
        real(self, first, *rest)

    monkeypatch.setattr(RunFolder, "add_norms", refuse)
    with pytest.warns(SchussWarning, match=r"No space left.*recording ends at step 0") as warned:
        run = recorded(tmp_path / "run", keep=SELDOM)
    assert len(warned) == 1
    assert same_runs(run, whole)
    monkeypatch.undo()
    assert load_run(tmp_path / "run").stopped == "unfinished"
    assert same_runs(train(resume=tmp_path / "run"), whole)


@pytest.mark.usefixtures("written")
def test_stopped_while_something_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an error of a callback, divergence or Ctrl-C: nothing is written after the lock is given back."""
    under_way, closed = list[int](), list[bool]()
    add, close = RunFolder.add_norms, Recorder.close

    def slow(self: RunFolder, *given: Any) -> None:
        under_way.append(1)
        threading.Event().wait(0.05)
        add(self, *given)
        under_way.pop()

    def closing(self: Recorder) -> None:
        close(self)
        closed.append(not under_way)

    monkeypatch.setattr(RunFolder, "add_norms", slow)
    monkeypatch.setattr(Recorder, "close", closing)

    def stop(error: BaseException) -> Any:
        def callback(epoch: Any) -> None:
            if epoch.number == 20:
                raise error

        return callback

    with pytest.raises(ValueError, match="of a callback"):
        recorded(tmp_path / "error", keep=SELDOM, callbacks=[stop(ValueError("of a callback"))])
    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", keep=SELDOM, callbacks=[stop(KeyboardInterrupt())])
    with pytest.raises(DivergenceError) as raised:
        recorded(tmp_path / "diverged", epochs=2000, keep=SELDOM, rule=Momentum(3.0, 0.9))
    assert closed == [True] * 3
    assert load_run(tmp_path / "diverged").state.digest() == raised.value.state.digest()
    whole = recorded(tmp_path / "whole", keep=SELDOM)
    assert same_folders(train(resume=tmp_path / "run"), whole)
    assert same_folders(train(resume=tmp_path / "error"), whole)

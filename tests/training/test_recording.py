"""A recorded training is the same training; its folder opens, and leads back to every step."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import ALL, make_engine
from problems import NETWORK, RULE, draw_data
from recorded import OFTEN, SETTINGS, leave_some, recorded, same_runs
from schuss import (
    Keep,
    Momentum,
    Network,
    OutputError,
    RecordError,
    ReplayError,
    SettingError,
    load_run,
    train,
)
from schuss.training import record as disk
from schuss.training.run import Run


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("name", SETTINGS)
def test_recording_changes_no_bit_and_every_step_is_found_again(
    engine: str, name: str, tmp_path: Path
) -> None:
    """Whatever the rule; and a state from the folder is the one that the training passed through."""
    how = {"engine": make_engine(engine), **SETTINGS[name]}
    X, T = draw_data()
    plain = train(NETWORK, X, T, epochs=60, batch_size=5, **how)
    made = recorded(tmp_path / "run", **how)
    leave_some(tmp_path / "run", 60)
    opened = load_run(tmp_path / "run")

    assert made.engine.engine == plain.engine.engine == engine.split("-")[0]
    assert same_runs(plain, made)
    assert same_runs(made, opened)
    assert opened.replay.engine.info.arithmetic == how["engine"].info.arithmetic
    for step in (0, 1, 7, 137, 299, 300):
        expected = step_of(plain, step, how)
        assert opened.at(step).digest() == expected.digest()
        assert opened.at(step).digest() != step_of(plain, max(0, step - 1), how).digest() or step == 0


def step_of(run: Run, step: int, how: dict[str, Any]) -> Any:
    """Return a state of `run` by training again from the beginning."""
    from schuss.method.state import State

    first = State.start(NETWORK.initial(0), len(run.plan.rule.memory))
    assert not isinstance(run.origin, str)
    return how["engine"].advance(NETWORK, first, run.origin, run.plan, step).state


def test_a_run_in_memory_is_found_again_too() -> None:
    """Where its first weights were drawn from the seed; with others it says how to have it."""
    X, T = draw_data()
    run = train(NETWORK, X, T, rule=RULE, epochs=4, batch_size=5)
    given = train(NETWORK, X, T, rule=RULE, epochs=4, batch_size=5, theta=run.theta)

    assert run.at(run.state.step).digest() == run.state.digest() != run.at(3).digest()
    with pytest.raises(ReplayError, match="record=FOLDER"):
        given.at(3)


def test_a_sparse_weighted_run_is_kept_whole(tmp_path: Path) -> None:
    """CSR inputs, sample weights and class indices come back as they were."""
    import scipy.sparse

    rng = np.random.default_rng(0)
    X = scipy.sparse.random(40, 12, 0.2, "csr", rng=rng)
    network = Network([12, 5, 3], "relu", "cross_entropy")
    how: dict[str, Any] = {"epochs": 9, "batch_size": 7, "weights": rng.random(40)}
    run = train(network, X, rng.integers(0, 3, 40), record=tmp_path / "run", keep=OFTEN, **how)

    assert load_run(tmp_path / "run").at(31).digest() == run.at(31).digest()


@pytest.mark.parametrize("stop_at", [1, 13, 30])
@pytest.mark.parametrize("judged", ["by loss", "by data", "by a function"])
def test_an_interrupted_training_goes_on_as_if_it_had_never_stopped(
    stop_at: int, judged: str, tmp_path: Path
) -> None:
    """Patience, the best state and the validation losses included."""
    X, T = draw_data()
    held_out = draw_data(seed=1)
    validation: Any = {
        "by loss": None,
        "by data": held_out,
        "by a function": lambda s: -float(abs(s.theta).sum()),
    }
    how: dict[str, Any] = {"patience": 12, "min_improvement": 0.0, "validation": validation[judged]}
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5, **how)

    def interrupt(epoch: Any) -> None:
        if epoch.number == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", callbacks=[interrupt], **how)
    assert load_run(tmp_path / "run").stopped == "interrupted"
    again = {"validation": validation[judged]} if judged == "by a function" else {}
    resumed = train(resume=tmp_path / "run", **again)

    assert same_runs(resumed, whole)
    assert (resumed.best is None) == (whole.best is None)
    assert resumed.best is None or resumed.best.digest() == whole.best.digest()  # type: ignore[union-attr]  # both are
    assert same_runs(load_run(tmp_path / "run"), whole)
    assert same_runs(train(resume=tmp_path / "run"), whole)  # it has ended: nothing is trained
    shorter = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5, **{**how, "patience": 3})
    assert not same_runs(shorter, whole) or len(whole.loss) < 4


def test_checkpoints_are_thinned_to_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """The last two stay, the others lie evenly; without a limit there are more."""
    many = recorded(tmp_path / "many", epochs=400)
    count = len(list((tmp_path / "many" / "checkpoints").iterdir()))
    size = max(path.stat().st_size for path in (tmp_path / "many" / "checkpoints").iterdir())
    few = recorded(tmp_path / "few", epochs=400, keep=Keep(seconds=0, size=6 * size))
    kept = sorted(int(p.stem) for p in (tmp_path / "few" / "checkpoints").iterdir())

    assert same_runs(many, few)
    assert len(kept) <= 6 < count
    assert kept[-1] == few.state.step
    assert few.at(1234).digest() == many.at(1234).digest()


def test_losses_beyond_half_of_the_size_are_computed_again(tmp_path: Path) -> None:
    """Opened they are NaN, and no replay is troubled; resumed they are all there."""
    X, T = draw_data()
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)

    def interrupt(epoch: Any) -> None:
        if epoch.number == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run", keep=Keep(seconds=0, size=16 * 120), callbacks=[interrupt])
    opened = load_run(tmp_path / "run")
    known = int(np.count_nonzero(~np.isnan(opened.step_loss)))

    assert 0 < known <= 120 < opened.state.step == 249  # the step that was interrupted is not judged
    assert opened.step_loss[:known].tobytes() == whole.step_loss[:known].tobytes()
    assert opened.at(200).digest() == whole.at(200).digest()
    assert same_runs(train(resume=tmp_path / "run"), whole)
    assert (tmp_path / "run" / "losses.bin").stat().st_size < 8 * 120 + 32 * 120


def test_other_data_or_another_engine_are_refused_by_name(tmp_path: Path) -> None:
    """A replay on them would give other bits; the right ones are accepted."""
    X, T = draw_data()
    recorded(tmp_path / "run", keep=Keep(seconds=0, data_size=0))
    path = tmp_path / "run"

    with pytest.raises(ReplayError, match="give them"):
        load_run(path).at(3)
    with pytest.raises(ReplayError, match="too large to be kept"):
        train(resume=path)
    assert load_run(path, X, T).at(3).step == 3
    X[4, 1] += 1e-9
    with pytest.raises(ReplayError, match="not the data"):
        load_run(path, X, T)
    with pytest.raises(ReplayError, match="22 samples; got 21"):
        load_run(path, X[1:], T[1:])
    recorded(tmp_path / "other", engine="reference", epochs=3)
    changed = json.loads((tmp_path / "other" / "run.json").read_text())
    assert changed["run"]["engine"]["engine"] == "reference"
    with pytest.raises(ReplayError, match=r"engine 'reference'.*'native'"):
        _with_engine(load_run(tmp_path / "other"), make_engine(ALL[1])).at(2)


def _with_engine(run: Run, engine: Any) -> Any:
    from schuss.training.replay import check_same_engine

    check_same_engine(run.engine, engine.info)
    return run


def test_a_replay_that_gives_other_bits_is_noticed(tmp_path: Path) -> None:
    """By the losses, and by the next checkpoint where the losses cannot show it."""
    from dataclasses import replace

    run = recorded(tmp_path / "run")
    leave_some(tmp_path / "run", 30)
    assert load_run(tmp_path / "run").at(31).digest() == run.at(31).digest()
    opened = load_run(tmp_path / "run")
    other = replace(opened, plan=opened.plan.replace(rule=Momentum(0.02, 0.9000001)))
    with pytest.raises(ReplayError, match=r"gives the loss|lead to other bits"):
        other.at(31)


def test_a_folder_in_use_or_in_the_way_is_refused(tmp_path: Path) -> None:
    """Nothing is trained, and nothing there is touched."""
    recorded(tmp_path / "run", epochs=2)
    before = sorted(p.name for p in (tmp_path / "run").iterdir())
    with pytest.raises(OutputError, match="not empty"):
        recorded(tmp_path / "run")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot make the folder"):
        recorded(tmp_path / "file" / "run")
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == before
    held = disk.claim(tmp_path / "run" / "lock")
    assert held is not None
    with pytest.raises(RecordError, match="another process"):
        train(resume=tmp_path / "run")
    held.close()
    assert train(resume=tmp_path / "run").epochs == 2


def test_a_disk_that_may_only_be_read_is_told_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is trained; once the folder is there and turns read-only, the training goes on without."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    def trained(_: Any) -> None:
        raise AssertionError("it trained")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refuse)
        with pytest.raises(OutputError, match="Read-only file system"):
            recorded(tmp_path / "run", callbacks=[trained])
    with (
        monkeypatch.context() as patch,
        pytest.warns(UserWarning, match=r"Read-only.*recording ends at step 4"),
    ):
        run = recorded(tmp_path / "run", callbacks=[lambda _: patch.setattr(disk.os, "open", refuse)])
    assert run.epochs == 60
    assert load_run(tmp_path / "run").state.step < 10
    assert same_runs(train(resume=tmp_path / "run"), run)


def test_a_disk_that_fills_up_ends_the_recording_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a warning that says where it ends; from there the run can be resumed."""
    X, T = draw_data()
    whole = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)
    calls = []

    def full(*_: Any) -> None:
        calls.append(1)
        if len(calls) > 20:
            raise OSError(28, "No space left on device")

    replace = os.replace
    monkeypatch.setattr(disk.os, "replace", lambda a, b: (full(), replace(a, b)))
    with pytest.warns(UserWarning, match=r"No space left.*recording ends at step"):
        run = recorded(tmp_path / "run")
    monkeypatch.undo()

    assert same_runs(run, whole)
    assert load_run(tmp_path / "run").stopped == "unfinished"
    assert same_runs(train(resume=tmp_path / "run"), whole)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"resume": "nowhere"}, RecordError, "no folder"),
        ({"resume": "."}, RecordError, "no run.json"),
        ({}, SettingError, "needs a network"),
        ({"resume": ".", "epochs": 3}, SettingError, r"epochs cannot be given.*fork"),
    ],
)
def test_what_cannot_be_resumed_says_why(
    how: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    """In a sentence, before anything is trained."""
    if "resume" in how:
        how = {**how, "resume": tmp_path / how["resume"]}
    with pytest.raises(error, match=words):
        train(**how)


def test_a_folder_of_a_newer_schuss_is_refused(tmp_path: Path) -> None:
    """With the format's number and what to do."""
    recorded(tmp_path / "run", epochs=1)
    path = tmp_path / "run" / "run.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"format": 99}))
    with pytest.raises(RecordError, match=r"format 99.*Update schuss"):
        load_run(tmp_path / "run")
    path.write_text(json.dumps(told | {"kind": "other"}))
    with pytest.raises(RecordError, match="another program"):
        load_run(tmp_path / "run")
    with pytest.raises(SettingError, match="JSON"):
        recorded(tmp_path / "third", about={"x": object()})

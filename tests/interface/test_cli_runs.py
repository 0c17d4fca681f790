"""Recorded runs from a terminal: train, resume, replay, fork, compare, explain."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import command, invoke, invoke_json, write_csv

from schuss import load_model, load_run
from schuss.insight.account_text import waterfall
from schuss.interface.cli.fork import parse_rows

QUICK = ("--epochs", 30, "--hidden", 8, "--quiet")


def test_a_training_is_recorded_by_the_name_of_its_data(runs: Path, tmp_path: Path) -> None:
    """Each in a folder of its own; with --no-record none is."""
    table = write_csv(tmp_path / "parts.csv")
    told = invoke_json("train", table, "-t", "kind", *QUICK)
    invoke("train", table, "-t", "kind", *QUICK)
    invoke("train", table, "-t", "kind", *QUICK, "--record", "mine")
    invoke("train", table, "-t", "kind", *QUICK, "--no-record")

    assert sorted(p.name for p in runs.iterdir()) == ["mine", "parts", "parts-2"]
    assert told["run"] == str(runs / "parts")
    assert load_run(runs / "parts").state.digest() == told["weights_sha256"]
    assert load_run(runs / "parts").state.digest() == load_run(runs / "mine").state.digest()
    done = invoke("train", table, "-t", "kind", *QUICK, "--record", "mine")
    assert done.code == 1
    assert "there already" in done.told


def test_record_may_be_given_without_a_name(runs: Path) -> None:
    """Last, or before another option; then it is that of the data. With --no-record it is refused."""
    invoke("train", "iris", *QUICK, "--record")
    invoke("train", "--record", "-q", "iris", *QUICK)
    both = invoke("train", "iris", *QUICK, "--record", "--no-record")

    assert sorted(p.name for p in runs.iterdir()) == ["iris", "iris-2"]
    assert both.code == 2
    assert "not both" in both.told


def test_a_place_that_cannot_be_written_does_not_stop_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody asked for a recording; it says that there is none."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SCHUSS_RUNS", str(tmp_path / "file" / "runs"))
    done = invoke("train", "iris", *QUICK)

    assert done.code == 0
    assert "not recorded" in done.told
    assert invoke("train", "iris", *QUICK, "--record", "mine").code == 1
    assert invoke("train", "iris", *QUICK, "--record").code == 1


def test_a_run_is_a_model_too(runs: Path, tmp_path: Path) -> None:
    """`show`, `predict` and `evaluate` take its folder, and answer as the model file does."""
    table = write_csv(tmp_path / "parts.csv")
    invoke("train", table, "-t", "kind", *QUICK, "-o", tmp_path / "m.schuss")
    shown, saved = (invoke_json("show", path) for path in (runs / "parts", tmp_path / "m.schuss"))

    assert shown["weights_sha256"] == saved["weights_sha256"]
    assert invoke("predict", runs / "parts", table).out == invoke("predict", tmp_path / "m.schuss", table).out
    assert (
        invoke("evaluate", runs / "parts", table).out == invoke("evaluate", tmp_path / "m.schuss", table).out
    )


def test_a_killed_training_is_resumed_to_the_same_bits(runs: Path, tmp_path: Path) -> None:
    """By a process of its own, killed in the middle; scores on the rows kept for testing come again."""
    slow = ("--epochs", 100000, "--hidden", 64, "--quiet")  # takes seconds, and is killed in the first
    args = ("train", "iris", *slow, "--record", "killed")
    whole = invoke_json("train", "iris", *slow, "--record", "whole")
    process = subprocess.Popen(  # noqa: S603  # our own command
        command(*args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"SCHUSS_RUNS": str(runs)},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((runs / "killed").glob("checkpoints/*.safetensors")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert load_run(runs / "killed").stopped == "unfinished"
    resumed = invoke_json("resume", "killed", "-o", tmp_path / "m.schuss")

    assert resumed["weights_sha256"] == whole["weights_sha256"]
    assert resumed["test"] == whole["test"]
    assert load_model(tmp_path / "m.schuss").run.state.digest() == whole["weights_sha256"]
    assert load_run(runs / "killed").stopped == "epochs"


def test_any_step_is_replayed_and_can_be_used(runs: Path, tmp_path: Path) -> None:
    """With the digest of the library's own replay; the model of a step predicts."""
    invoke("train", "iris", *QUICK)
    told = invoke_json("replay", "iris", "--step", 17, "-o", tmp_path / "m.schuss")
    run = load_run(runs / "iris")

    assert told["sha256"] == run.at(17).digest()
    assert told["step"] == 17
    assert told["loss"] == run.step_loss[17]
    assert load_model(tmp_path / "m.schuss").run.theta.tobytes() == run.at(17).theta.tobytes()
    assert invoke_json("replay", "iris")["sha256"] == run.state.digest() != told["sha256"]
    assert "sha256" in invoke("replay", "iris", "--step", 17).out


def test_a_fork_is_a_run_of_its_own_and_comparison_finds_where_it_began(runs: Path) -> None:
    """With another momentum and without some samples."""
    invoke("train", "iris", *QUICK)
    told = invoke_json(
        "fork", "iris", "--step", 50, "--momentum", 0.5, "--without", "3,8-10", "--record", "other"
    )
    found = invoke_json("compare", "iris", "other")

    assert load_run(runs / "other").plan.rule.momentum == 0.5  # type: ignore[union-attr]  # momentum has one
    assert told["run"] == str(runs / "other")
    assert found["step"] == 50
    assert invoke_json("compare", "iris", "iris")["step"] is None
    assert "parted by the update of step 50" in invoke("compare", "iris", "other").out
    assert "equal to the last bit" in invoke("compare", "iris", "iris").out


def test_an_explanation_adds_up_in_what_it_prints(runs: Path, tmp_path: Path) -> None:
    """The JSON's numbers add up to the change exactly; the text shows steps, and samples with their rows."""
    from fractions import Fraction

    invoke("train", "iris", *QUICK)
    weight = "hidden1[3] <- input[1]"
    told = invoke_json("explain", "iris", "--step", 40, "--weight", weight)
    change = Fraction(told["after"]) - Fraction(told["before"])
    common = list(told["lines"].values())
    for split, rounding in (("by_step", "rounding_by_step"), ("by_sample", "rounding_by_sample")):
        numbers = [line["contribution"] for line in told[split]] + common + told[rounding]
        assert sum(map(Fraction, numbers)) == change
    assert told["balances"]
    shown = invoke("explain", "iris", "--step", 40, "--weight", weight, "--back", 3, "--lines", 4).out
    assert "step 40 " in shown
    assert "memory before step" in shown
    assert "to the last bit" in shown
    assert "(row " in shown
    assert invoke("explain", "iris", "--step", 10, "--stop", 40).code == 0
    assert invoke_json("explain", "iris")["start"] == load_run(runs / "iris").state.step - 1
    pytest.importorskip("matplotlib")
    assert invoke("explain", "iris", "--step", 40, "--plot", tmp_path / "w.png").code == 0
    assert (tmp_path / "w.png").stat().st_size > 5000


def test_samples_are_called_by_the_rows_of_their_table(runs: Path) -> None:
    """Row numbers lead back to the sample's own inputs."""
    from schuss import read_table
    from schuss.adapters.recorded import model_of, open_run, prepared_again

    invoke("train", "iris", *QUICK)
    run = open_run(runs / "iris")
    found = prepared_again(run)
    assert found is not None
    assert not isinstance(run.origin, str)
    again = model_of(run).inputs(read_table("iris").take(found.rows))
    assert again.tobytes() == run.origin.X.tobytes() == found.X.tobytes()
    assert again[::-1].tobytes() != run.origin.X.tobytes()


def test_data_too_large_to_keep_are_read_again(runs: Path, tmp_path: Path) -> None:
    """From where they came; other data there are refused."""
    table = write_csv(tmp_path / "parts.csv")
    invoke("train", table, "-t", "kind", *QUICK)
    (runs / "parts" / "data.safetensors").unlink()
    assert invoke("replay", "parts", "--step", 3).code == 0
    write_csv(table, 61)
    done = invoke("replay", "parts", "--step", 3)
    assert done.code == 1
    assert "holds other data" in done.told
    table.unlink()
    done = invoke("replay", "parts", "--step", 3)
    assert done.code == 1
    assert "does not hold its data" in done.told


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("replay", "nowhere"), 1, "no folder"),
        (("resume", "nowhere"), 1, "no folder"),
        (("explain", "nowhere"), 1, "no folder"),
        (("replay", "iris", "--step", 9999), 2, "step must be"),
        (("explain", "iris", "--step", 9999), 2, "at most"),
        (("explain", "iris", "--step", 9, "--stop", 9), 2, "--stop"),
        (("explain", "iris", "--weight", "hidden1[99] <- input[0]"), 2, "no weight"),
        (("explain", "iris", "--plot", "a.txt"), 2, "a picture is one of"),
        (("fork", "iris"), 2, "--step"),
        (("fork", "iris", "--step", 3, "--without", "a-b"), 2, "3,17,40-59"),
        (("fork", "iris", "--step", 3, "--without", "5000"), 1, "0 to"),
        (("fork", "iris", "--step", 3, "--momentum", "2"), 2, "momentum"),
        (("compare", "iris", "nowhere"), 1, "no folder"),
        (("compare", "iris", "wine"), 2, "same network"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_what_cannot_be_done_is_told_in_a_sentence(
    args: Any, code: int, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the exit code of its kind."""
    invoke("train", "iris", *QUICK)
    invoke("train", "wine", *QUICK)
    monkeypatch.chdir(tmp_path)
    done = invoke(*args)
    assert (done.code, words in done.told) == (code, True), done.told


def test_a_damaged_run_is_named(runs: Path) -> None:
    """A checkpoint in a warning, the description in an error."""
    invoke("train", "iris", *QUICK)
    last = sorted((runs / "iris" / "checkpoints").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-9])
    done = invoke("replay", "iris", "--step", 0)
    assert done.code == 0
    assert last.name in done.told
    path = runs / "iris" / "run.json"
    told = json.loads(path.read_text())
    told["run"]["dtype"] = "float64"
    path.write_text(json.dumps(told))
    assert "run.json is damaged" in invoke("replay", "iris").told


def test_rows_and_bars() -> None:
    """Small parts: lists of rows, and bars that begin where the sum before them ends."""
    assert parse_rows("3, 7-9") == [3, 7, 8, 9]
    assert parse_rows(None) == []
    assert waterfall([1.0, 1.0, -2.0], 8) == ["████", "    ████", "░░░░░░░░"]
    assert waterfall([0.0, 0.0]) == ["", ""]
    assert np.all([len(bar) <= 32 for bar in waterfall([5.0, -9.0, 3.0])])


def test_a_table_that_has_changed_names_no_rows_and_tests_nothing(runs: Path, tmp_path: Path) -> None:
    """It says so; the data kept with the run answer all the same."""
    table = write_csv(tmp_path / "parts.csv")
    invoke("train", table, "-t", "kind", *QUICK)
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:20], ""]))
    done = invoke("explain", "parts", "--step", 3)

    assert done.code == 0
    assert "holds other data" in done.told
    assert "(row " not in done.out
    assert invoke_json("resume", "parts")["test"] == {}
    write_csv(table)
    assert "(row " in invoke("explain", "parts", "--step", 3).out
    assert invoke_json("resume", runs / "parts")["test"] != {}


def test_a_run_is_found_beside_files_of_its_name(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the data's name in the way is no run; names with spaces are quoted in what is offered."""
    (tmp_path / "iris").mkdir()
    monkeypatch.chdir(tmp_path)
    done = invoke("train", "iris", "--epochs", 30, "--hidden", 8, "--record", "my iris")
    invoke("train", "iris", *QUICK)

    assert f"schuss explain '{runs / 'my iris'}'" in done.told
    assert invoke("replay", "iris", "--step", 3).code == 0
    assert invoke("replay", "my iris", "--step", 3).code == 0


def test_a_diverged_run_and_one_without_a_step_are_told(runs: Path) -> None:
    """What can be asked is answered, and what cannot is a sentence."""
    done = invoke("train", "diabetes", *QUICK, "--learning-rate", 50, "--record", "wild")
    assert done.code == 3
    assert load_run(runs / "wild").stopped == "diverged"
    assert "diverged at step" in invoke("explain", "wild", "--spike").told
    asked = invoke("explain", "wild")
    assert asked.code == 0 or "made no whole step" in asked.told
    assert invoke("fork", "wild", "--step", 0, "--learning-rate", 0.01).code == 0


def test_a_run_is_a_model_by_its_name(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To show, predict, evaluate and curvature, as its folder and its file are; a file here comes first."""
    invoke("train", "iris", "--record", "mine", *QUICK, "-o", tmp_path / "m.schuss")
    monkeypatch.chdir(tmp_path)
    for words in (["show"], ["predict", "iris"], ["evaluate", "iris"], ["curvature", "iris"]):
        outs = [invoke(words[0], name, *words[1:], "--json").out for name in ("mine", runs / "mine")]
        file = invoke(words[0], "m.schuss", *words[1:], "--json")
        assert outs[0] == outs[1] != "", words
        assert file.code == 0, file.err
        assert words == ["show"] or file.out == outs[0], words
    for words in (["show"], ["predict", "iris"], ["evaluate", "iris"]):
        done = invoke(words[0], "nothing", *words[1:])
        assert (done.code, "cannot read nothing" in done.err) == (1, True)
    assert invoke("race", "iris", "--model", "m.schuss", "--steps", 3).code == 0


def test_losses_that_are_not_known_are_null(runs: Path) -> None:
    """Of a run whose file of losses was cut off; JSON has no other word for them."""
    invoke_json("train", "iris", "--epochs", 30, "--record", "cut", "-q")
    whole = invoke_json("show", "cut")
    losses = runs / "cut" / "losses.bin"
    losses.write_bytes(losses.read_bytes()[:-8])
    told = invoke_json("show", "cut")

    assert None not in whole["loss"]
    assert None in told["loss"]
    assert len(told["loss"]) == len(whole["loss"])
    invoke_json("fork", "cut", "--step", 5)


def test_a_spike_is_looked_for_in_the_whole_run() -> None:
    """A step beside it would be passed over in silence."""
    for option in ("--step", "--stop"):
        done = invoke("explain", "any", "--spike", option, 5)
        assert (done.code, "leave out --step and --stop" in done.told) == (2, True)


def test_a_path_is_no_name(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short it is."""
    monkeypatch.chdir(tmp_path)
    told = invoke_json("train", "iris", *QUICK, "--record", "./here")
    assert (tmp_path / "here" / "run.json").exists()
    assert not runs.exists()
    assert invoke_json("show", "./here")["weights_sha256"] == told["weights_sha256"]
    assert invoke("show", "here/").code == 0

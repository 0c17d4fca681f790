"""``schuss tune``: evidence, a model, a picture, and a command that makes the same bits."""

import io
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import command, invoke, invoke_json, tuned, write_csv
from rich.console import Console

from schuss import SettingError, load_model, load_run
from schuss.insight.tuning.search import Reached
from schuss.insight.tuning.setting import Setting
from schuss.interface.cli import progress
from schuss.interface.cli.tune import parse_seconds

pytestmark = pytest.mark.usefixtures("quick_tuning", "runs")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "my shapes.csv")


def test_the_command_makes_the_same_bits(data: Path, tmp_path: Path) -> None:
    """As printed, in another run of the program; with another seed it does not."""
    told = tuned(data, "--seed", 2, "-o", tmp_path / "tuned.schuss")
    words = shlex.split(told["command"])
    again, other = tmp_path / "again.schuss", tmp_path / "other.schuss"

    assert words[:3] == ["schuss", "train", str(data)]
    assert invoke(*words[1:], "-o", again).code == 0
    assert invoke(*words[1:], "--seed", 3, "-o", other).code == 0
    thetas = [load_model(path).run.theta.tobytes() for path in (tmp_path / "tuned.schuss", again, other)]
    assert thetas[0] == thetas[1] != thetas[2]
    assert load_model(again).run.plan == load_model(tmp_path / "tuned.schuss").run.plan
    assert load_run(told["run"]).theta.tobytes() == thetas[0]


def test_rows_that_are_left_out_stay_left_out(data: Path, tmp_path: Path) -> None:
    """The command says so, and makes the same bits."""
    lines = data.read_text().splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ","
    data.write_text("\n".join(lines) + "\n")
    told = tuned(data, "--drop-missing-target", "-o", tmp_path / "tuned.schuss")
    again = tmp_path / "again.schuss"

    assert "missing in 1 of 60 rows" in invoke("tune", data, "-t", "kind", "--trials", 2).err
    assert invoke(*shlex.split(told["command"])[1:], "-o", again).code == 0
    thetas = [load_model(path).run.theta.tobytes() for path in (tmp_path / "tuned.schuss", again)]
    assert thetas[0] == thetas[1]


def test_what_is_printed_is_evidence(data: Path) -> None:
    """Scores of the best few with folds and spread, the start, the test score, the command last."""
    done = invoke("tune", data, "-t", "kind", "--trials", 25)
    lines = done.out.splitlines()

    assert done.code == 0, done.err
    assert lines[0] == "my shapes.csv: 48 rows to train on, 12 kept for testing"
    assert re.match(
        r"25 settings tried in [\d.]+ s(, \d+ of them diverged)?; all trials were made$", lines[1]
    )
    head, loss, less, error, folds = (line.split() for line in lines[2:7])
    assert head in (["best", "2", "3", "4", "5", "start"], ["start", "2", "3", "4", "5"])
    assert loss[:2] == ["log", "loss"]
    assert less[:3] == ["less", "than", "start"]
    assert error[0] == "±"
    assert {int(count) for count in folds[1:]} <= {3, 6}
    assert {line.split()[0] for line in lines[7:15]} >= {"hidden", "momentum", "dropout"}
    assert max(map(len, lines[2:15])) < 80
    assert any(line.startswith("what mattered (share of the scores' variance): ") for line in lines)
    assert lines[-3 if head[0] == "best" else -2].startswith("test accuracy")
    assert lines[-2].startswith("with the start accuracy") == (head[0] == "best")
    assert lines[-1].startswith("schuss train ")
    assert re.search(r"\d+ settings in [\d.]+ s: best [\d.]+, start [\d.]+", done.err)
    assert "goes on with them" in done.err
    assert "recorded in" in done.err


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many, the best beside the start, and the time left, if there is an end to it."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "console", lambda **_: screen)
    shown = progress.SearchProgress()
    best = Setting((4,), "tanh", 0.1, 0.9, 8, 3, 0.0, 0.0)
    for left in (48.0, -0.1, math.inf):
        shown(Reached(7, best, 0.25, 0.5, 12.0, left))
    shown.end()
    told = screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO

    assert "7 settings" in told
    assert "best 0.25 (start 0.5) 48 s left" in told
    assert "(start 0.5) 12 s" in told


def test_json_holds_all_of_it(data: Path) -> None:
    """Numbers that are not finite are null, and the best is the first."""
    told = tuned(data)

    assert told["measure"] == "log_loss"
    assert told["tried"] == 6
    assert told["best"]["score"] <= told["start"]["score"]
    assert told["best"]["setting"]["epochs"]
    assert told["model"]["plan"]["rule"]["momentum"] == told["best"]["setting"]["momentum"]
    assert told["best"] in told["standings"]


def test_the_same_trials_give_the_same_result(data: Path) -> None:
    """Twice with one seed, and from a study that is there; trials of another seed are refused."""
    first, again = (tuned(data, "--no-record") for _ in range(2))
    for told in (first, again):
        del told["seconds"], told["model"]["seconds"], told["model"]["samples_per_second"]
    assert first == again

    tuned(data, "--study", "mine")
    assert tuned(data, "--study", "mine")["best"] == first["best"]
    done = invoke("tune", data, "-t", "kind", "--trials", 6, "--study", "mine", "--seed", 1)
    assert done.code == 1
    assert "another seed: 0 there, 1 now" in done.err


@pytest.mark.parametrize(("ending", "trials"), [("png", 1), ("svg", 25)])
def test_the_picture_is_drawn(data: Path, tmp_path: Path, ending: str, trials: int) -> None:
    """A panel for each setting; also where a single trial was made."""
    path = tmp_path / f"a.{ending}"
    assert invoke("tune", data, "-t", "kind", "--trials", trials, "--plot", path, "-q").code == 0
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG" if ending == "png" else b"<?xml")
    if ending == "svg":
        assert content.count(b'<g id="axes_') == 9


def test_nothing_is_kept_where_that_was_asked_for(data: Path, tmp_path: Path) -> None:
    """Neither trials nor run; and to name a place for them then is a contradiction."""
    assert tuned(data, "--no-record")["study"] is None
    assert not (tmp_path / "runs").exists()
    done = invoke("tune", data, "-t", "kind", "--no-record", "--study", "s")
    assert done.code == 2
    assert "--no-record keeps nothing" in done.told


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), (" 2H", 7200), (".5s", 0.5)]
)
def test_times_are_read(text: str, seconds: float) -> None:
    """Seconds, minutes and hours."""
    assert parse_seconds(text) == seconds
    assert parse_seconds(None) is None


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "ten", "5d", "1e3", "s"])
def test_other_times_are_refused(text: str) -> None:
    """The sentence shows how to write one."""
    with pytest.raises(SettingError, match="as 90s, 5m or 1h"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--budget", "soon"], "--budget takes a time above 0"),
        (["--trials", "0"], "trials must be an integer of at least 1"),
        (["--driver", "grid"], "driver must be one of schuss, optuna"),
        (["--dtype", "float16"], "dtype must be one of"),
    ],
)
def test_bad_options_are_refused(data: Path, tmp_path: Path, options: list[str], told: str) -> None:
    """With the code of usage errors, and nothing is left behind."""
    done = invoke("tune", data, "-t", "kind", *options)
    assert done.code == 2
    assert told in done.told
    assert not (tmp_path / "runs").exists()


def test_train_rises_and_falls_to_the_rate_that_is_given() -> None:
    """With --schedule cosine,warm_up=0.05; by default a given rate is held, as ever."""
    plans = [
        invoke_json("train", "iris", "--epochs", 1, "--learning-rate", 0.1, "--no-record", *more)["plan"]
        for more in ([], ["--schedule", "cosine,warm_up=0.05", "--dropout", "0.2"])
    ]
    assert plans[0]["rule"]["learning_rate"] == 0.1
    assert plans[1]["rule"]["learning_rate"]["peak"] == 0.1
    assert (plans[0]["dropout"], plans[1]["dropout"]) == (0.0, 0.2)
    done = invoke("train", "iris", "--schedule", "cosinus")
    assert done.code == 2
    assert "did you mean 'cosine'" in done.told


def test_a_range_test_proposes_rates(data: Path, tmp_path: Path) -> None:
    """Its commands run, its picture is drawn; nothing is kept, and options of a search are refused."""
    told = invoke_json("tune", data, "-t", "kind", "--range-test", "--plot", tmp_path / "a.svg")
    lines = invoke("tune", data, "-t", "kind", "--range-test").out.splitlines()

    assert told["steepest"] < told["edge"]
    assert [line.removeprefix("try: ") for line in lines if line.startswith("try: ")] == told["commands"]
    assert f"--learning-rate {told['tenth_of_edge']:.3g}" in told["commands"][0]
    assert invoke(*shlex.split(told["commands"][0])[1:], "--no-record").code == 0
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    assert not (tmp_path / "runs").exists()
    done = invoke("tune", data, "-t", "kind", "--range-test", "--trials", 3)
    assert done.code == 2
    assert "leave out --trials" in done.told


GIVEN = (
    ("--task", "classification", "--seed", 3, "--test-size", 0.3),
    ("--dtype", "float64", "--engine", "reference", "--drop-missing-target"),
)


@pytest.mark.parametrize("options", [(), *GIVEN])
def test_a_range_tests_command_begins_where_it_began(data: Path, options: tuple[Any, ...]) -> None:
    """The loss of its first step is the test's to the last bit; with an option left out it is another."""
    if "--drop-missing-target" in options:
        data.write_text(data.read_text("utf-8") + "1.0,2.0,Bern,\n", "utf-8")
    told = invoke_json("tune", data, "-t", "kind", "--range-test", *options)
    words = shlex.split(told["commands"][0])[1:]

    def first_loss(*words: str) -> float:
        return float(load_run(invoke_json(*words)["run"]).step_loss[0])

    assert first_loss(*words) == told["loss"][0]
    assert invoke_json(*words, "--no-record")["engine"]["engine"] == told["engine"]["engine"]
    for option in {"--seed", "--dtype"} & set(options):
        place = words.index(option)
        assert first_loss(*words[:place], *words[place + 2 :]) != told["loss"][0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_ctrl_c_ends_the_search_and_trains_the_best(tmp_path: Path) -> None:
    """Exit code 0, the model is written, the trials can be gone on with."""
    args = ["tune", "iris", "--budget", "10m", "-o", tmp_path / "m.schuss"]
    child = subprocess.Popen(  # noqa: S603  # our own command
        command(*args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert child.stderr is not None
    assert "settings in" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)

    assert child.returncode == 0, err
    assert "interrupted" in out.splitlines()[1]
    assert "Interrupted: the best so far is trained." in err
    assert load_model(tmp_path / "m.schuss").scores
    lines = (tmp_path / "runs" / "iris-study" / "trials.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in lines)

"""``schuss tune --trial N`` and ``STUDY/N``: any trial of a search is asked like any run."""

import os
import re
import shlex
from pathlib import Path

import pytest
from commands import invoke, invoke_json, tuned, write_csv

from schuss import load_model, load_run

pytestmark = pytest.mark.usefixtures("quick_tuning", "runs")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "my shapes.csv")


def test_any_trial_becomes_a_recorded_run(data: Path, tmp_path: Path) -> None:
    """With the bits of the command that is printed; that of another trial makes others."""
    tuned(data, "--study", "mine", "--seed", 2, "--test-size", 0.3)
    again, runs = tmp_path / "again.schuss", []
    for number in (2, 3):
        told = invoke_json("tune", data, "--study", "mine", "--trial", number)
        runs.append(load_run(told["run"]).theta.tobytes())
    assert invoke(*shlex.split(told["command"])[1:], "-o", again).code == 0
    model = load_model(again)
    assert model.run.theta.tobytes() == runs[1] != runs[0]
    assert (told["trial"], told["test"], told["n_test"]) == (3, model.scores, 18)

    done = invoke("tune", data, "-t", "kind", "--study", "mine", "--trial", 3, "--no-record", "-o", again)
    assert "test accuracy" in done.out
    assert done.out.splitlines()[-1] == told["command"]
    assert load_model(again).run.theta.tobytes() == runs[1]


def test_a_trial_is_asked_like_any_run(data: Path) -> None:
    """By the name of its study and its number; it is trained when it is first asked for."""
    tuned(data, "--study", "mine")
    first = invoke("replay", "mine/2", "--step", 3)
    again = invoke("replay", "mine/2", "--step", 3)
    assert re.search(r"Trial 2 is trained and recorded in .*runs/mine/2\.", first.told)
    assert again.err == ""
    assert again.out == first.out
    assert invoke("explain", "mine/2", "--step", 3).code == 0

    told = invoke_json("tune", data, "--study", "mine", "--trial", 2)
    assert told["run"].endswith("runs/mine/2-2")
    assert load_run(told["run"][:-2]).theta.tobytes() == load_run(told["run"]).theta.tobytes()
    assert "trial must be an integer of at least 1 and at most 6; got 77" in invoke("explain", "mine/77").told
    assert "there is no folder" in invoke("explain", "other/2").told
    data.unlink()
    assert "my shapes.csv" in invoke("explain", "mine/3").told


def test_the_trial_of_the_winner_is_the_winner(data: Path) -> None:
    """The same weights, scores and command as the search ended with."""
    best = tuned(data, "--study", "mine")
    listed = invoke_json("tune", data, "--study", "mine", "--list")["trials"]
    number = next(each["number"] for each in listed if each["setting"] == best["best"]["setting"])
    told = invoke_json("tune", data, "--study", "mine", "--trial", number)

    assert told["weights_sha256"] == best["model"]["weights_sha256"]
    assert (told["test"], told["command"]) == (best["model"]["test"], best["command"])


def test_rows_left_out_of_a_study_stay_left_out(data: Path, tmp_path: Path) -> None:
    """The option is said again, and the command says it too."""
    lines = data.read_text().splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ","
    data.write_text("\n".join(lines) + "\n")
    tuned(data, "--study", "mine", "--drop-missing-target")
    asked = ("tune", data, "--study", "mine", "--trial", 2)
    told = invoke_json(*asked, "--drop-missing-target")
    again = tmp_path / "again.schuss"

    assert "missing in 1 of 60 rows" in invoke(*asked).err
    assert invoke(*shlex.split(told["command"])[1:], "-o", again).code == 0
    assert load_model(again).run.state.digest() == told["weights_sha256"]


def test_the_trials_are_listed(data: Path) -> None:
    """A line for each with number, place, folds, score and settings; JSON holds the same."""
    tuned(data, "--study", "mine", "--trials", 14)
    asked = ("tune", data, "--study", "mine", "--list")
    done, told = invoke(*asked), invoke_json(*asked)
    head, *lines = (line.split() for line in done.out.splitlines())

    assert head[:5] == ["trial", "place", "folds", "log", "loss"]
    assert [line[0] for line in lines] == [str(each["number"]) for each in told["trials"]]
    assert len(lines) == 14
    placed = sorted((each for each in told["trials"] if each["place"]), key=lambda each: each["place"])
    assert [each["place"] for each in placed] == list(range(1, len(placed) + 1))
    order = [(-each["folds"], each["score"]) for each in placed]
    assert order == sorted(order)
    looked = [each for each in told["trials"] if not each["folds"]]
    assert looked
    assert all(each["score"] is each["place"] is None for each in looked)
    assert all(line[1] == "look" for line in lines if int(line[0]) in {each["number"] for each in looked})
    assert "14 trials in" in done.err


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (
            ["--trial", "7", "--study", "mine"],
            2,
            "trial must be an integer of at least 1 and at most 6; got 7",
        ),
        (["--trial", "1", "--study", "mime"], 1, "no study in"),
        (["--list", "--study", "mime"], 1, "did you mean 'mine'"),
        (["--trial", "1"], 2, "say which by --study NAME"),
        (["--list"], 2, "say which by --study NAME"),
        (["--trial", "1", "--study", "mine", "--seed", "1"], 1, "another seed: 0 there, 1 now"),
        (["--list", "--study", "mine", "-t", "town"], 1, "another targets: ['kind'] there, ['town'] now"),
        (["--trial", "1", "--study", "mine", "--engine", "reference"], 1, "another engine"),
        (["--trial", "1", "--study", "mine", "--trials", "9"], 2, "leave out --trials"),
        (["--list", "--study", "mine", "--trial", "1"], 2, "leave out --trial"),
        (["--list", "--study", "mine", "-o", "m.schuss"], 2, "leave out --out"),
        (["--trial", "1", "--study", "mine", "--no-record", "--record"], 2, "--record or --no-record"),
        (["--no-record", "--record"], 2, "--no-record keeps nothing"),
    ],
)
def test_what_a_study_cannot_answer_is_said(data: Path, options: list[str], code: int, told: str) -> None:
    """In a sentence, and nothing is trained."""
    tuned(data, "--study", "mine", "-q")
    before = sorted(Path(os.environ["SCHUSS_RUNS"]).iterdir())
    done = invoke("tune", data, *options)
    assert (done.code, told in done.told) == (code, True), done.told
    assert sorted(Path(os.environ["SCHUSS_RUNS"]).iterdir()) == before


def test_other_data_than_those_of_the_study_are_refused(data: Path, tmp_path: Path) -> None:
    """The sentence says what differs: columns, rows, or values."""
    tuned(data, "--study", "mine")
    changed = tmp_path / "changed.csv"
    changed.write_text(data.read_text().replace("1.4,", "1.5,"))
    others = {
        "wine": "no column 'kind'",
        write_csv(tmp_path / "more.csv", 70): "another number of rows: 48 there, 56 now",
        changed: "another data: '",
    }
    for other, told in others.items():
        for question in (("--list",), ("--trial", 1)):
            done = invoke("tune", other, "--study", "mine", *question)
            assert done.code == 1
            assert told in done.err

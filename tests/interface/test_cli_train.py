"""`schuss train`: every option has its effect, and what is printed is what happened."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import invoke, invoke_json, write_csv

from schuss import load_model

FAST = ("--epochs", "3", "--hidden", "4")


def plan_of(*args: Any) -> dict[str, Any]:
    """Return the plan of a quick training of iris with these options."""
    return dict(invoke_json("train", "iris", *args)["plan"])


@pytest.mark.parametrize(
    ("option", "place", "value"),
    [
        (["--hidden", "7,5"], ["network", "layers"], [4, 7, 5, 3]),
        (["--hidden", "6"], ["network", "layers"], [4, 6, 3]),
        (["--hidden", "0"], ["network", "layers"], [4, 3]),
        (["--activation", "tanh"], ["network", "activation"], ["tanh", "softmax"]),
        (["--learning-rate", "0.2"], ["rule", "learning_rate"], 0.2),
        (["--momentum", "0.5"], ["rule", "momentum"], 0.5),
        (["--nesterov"], ["rule", "name"], "nesterov"),
        (["--rule", "lion"], ["rule", "name"], "lion"),
        (["--epochs", "5"], ["epochs"], 5),
        (["--batch-size", "10"], ["plan", "batch_size"], 10),
        (["--l2", "0.75"], ["plan", "l2"], 0.75),
        (["--seed", "8"], ["plan", "seed"], 8),
        (["--test-size", "0.4"], ["n_test"], 60),
        (["--threads", "1"], ["engine", "threads"], 1),
        (["--dtype", "float64"], ["dtype"], "float64"),
        (["--engine", "reference"], ["engine", "engine"], "reference"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_option_has_its_effect(option: list[str], place: list[str], value: Any) -> None:
    """The result says the value, and without the option it is another one."""
    with_it = invoke_json("train", "iris", "--epochs", "3", *option)
    without = invoke_json("train", "iris", "--epochs", "3")
    for key in place:
        with_it, without = with_it[key], without[key]

    assert with_it == value
    if option[0] != "--threads":  # the machine may have one processor
        assert without != value


def test_settings_of_a_rule() -> None:
    """Each comes to the rule as what it is; what is no setting is told with what are."""
    for rule, name, value in (
        ("lookahead", "every", 3),
        ("outer_momentum", "nesterov", True),
        ("lion", "beta_1", 0.5),
    ):
        told = plan_of(*FAST, "--rule", rule, "--set", f"{name}={str(value).lower()}")["rule"]
        assert (told["name"], told[name]) == (rule, value)
        assert plan_of(*FAST, "--rule", rule)["rule"][name] != value
    for given, words in (
        ("beta_1", "--set takes NAME=VALUE with a number or a word, as beta_1=0.95; got 'beta_1'"),
        ("beta_1=x", "beta_1 must be a number in [0, 1); got 'x'"),
        ("beta_3=0.5", "rule 'lion' has learning_rate, beta_1, beta_2; got 'beta_3'"),
    ):
        done = invoke("train", "iris", "--rule", "lion", "--set", given)
        assert done.code != 0
        assert words in done.err


def test_the_same_seed_gives_the_same_weights() -> None:
    """Another seed gives others, and the number of threads changes nothing."""

    def weights(*args: str) -> str:
        return str(invoke_json("train", "iris", *FAST, *args)["weights_sha256"])

    assert weights() == weights() == weights("--threads", "1") == weights("--threads", "2")
    assert weights("--seed", "1") != weights()


def test_results_are_on_stdout_and_messages_on_stderr(tmp_path: Path) -> None:
    """What was decided about the columns is a message; sizes, speed, picture and score are results."""
    table = write_csv(tmp_path / "towns.csv")
    done = invoke("train", table, "--target", "kind", *FAST, "--out", tmp_path / "m.schuss")

    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0] == "towns.csv: 48 rows to train on, 12 kept for testing"
    assert lines[1].startswith("Network(4-4-1, silu" if "silu" in lines[1] else "Network(4-4-1, relu")
    assert re.fullmatch(r"3 epochs, 6 steps in [\d.]+ s, [\d,]+ samples/s", lines[2])
    assert re.fullmatch(r"test accuracy [\d.]+  log loss [\d.]+", lines[-1])
    assert "'kind' has 2 classes: long" in done.err
    assert f"model written to {tmp_path / 'm.schuss'}; try: schuss predict" in done.err
    assert "classes" not in done.out
    assert "accuracy" not in done.err


def test_quiet_says_nothing_but_the_result(tmp_path: Path) -> None:
    """Nothing on stderr; stdout as ever."""
    done = invoke("train", "iris", *FAST, "--quiet", "-o", tmp_path / "m", "--plot", tmp_path / "p.svg")

    assert done.err == ""
    assert "test accuracy" in done.out
    assert {p.name for p in tmp_path.iterdir()} == {"m", "p.svg"}


def test_json_holds_what_is_printed() -> None:
    """Sizes, steps, scores, with and without test rows."""
    for share, key in (("0.2", "test"), ("0", "training")):
        args = ("train", "iris", *FAST, "--test-size", share)
        told, lines = invoke_json(*args), invoke(*args).out.splitlines()

        accuracy, log_loss = told[key]["accuracy"], told[key]["log_loss"]
        assert f"accuracy {accuracy:.4g}  log loss {log_loss:.4g}" in lines[-1]
        assert f"{told['n_train']:,} rows to train on, {told['n_test']} kept" in lines[0]
        assert f"{told['n_parameters']:,} parameters" in lines[1]
        assert lines[2].startswith(f"{told['epochs']} epochs, {told['steps']:,} steps in ")
        assert told["data"] == "iris"
        assert len(told["loss"]) == told["epochs"]


def test_the_model_that_is_written_is_the_one_that_was_trained(tmp_path: Path) -> None:
    """Its weights' digest and scores are those that were printed."""
    told = invoke_json("train", "wine", *FAST, "--out", tmp_path / "m.schuss")
    model = load_model(tmp_path / "m.schuss")

    assert model.run.state.digest() == told["weights_sha256"]
    assert model.scores == told["test"]


def test_a_number_is_predicted_as_a_number_unless_the_task_says_class() -> None:
    """`--task` overrides what the target suggests."""
    assert "r2" in invoke_json("train", "diabetes", *FAST)["test"]
    assert "accuracy" in invoke_json("train", "digits", *FAST)["test"]
    assert "r2" in invoke_json("train", "digits", *FAST, "--task", "regression")["test"]


def test_several_targets_may_be_named(tmp_path: Path) -> None:
    """`--target` repeated trains one network with an output for each."""
    table = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    rows = [",".join(f"{x:.3f}" for x in row) for row in rng.standard_normal((60, 4))]
    table.write_text("a,b,c,d\n" + "\n".join(rows) + "\n")
    told = invoke_json("train", table, "-t", "c", "--target", "d", *FAST)

    assert [target["name"] for target in told["targets"]] == ["c", "d"]
    assert told["network"]["layers"] == [2, 4, 2]


def test_rows_without_a_target_are_left_out_if_asked(tmp_path: Path) -> None:
    """And refused otherwise; how many is said."""
    table = write_csv(tmp_path / "t.csv")
    lines = table.read_text().splitlines()
    for i in (3, 9):
        lines[i] = lines[i].rsplit(",", 1)[0] + ","
    table.write_text("\n".join(lines) + "\n")
    refused = invoke("train", table, "-t", "kind", *FAST)
    done = invoke("train", table, "-t", "kind", *FAST, "--drop-missing-target")

    assert (refused.code, done.code) == (1, 0)
    assert "missing in 2 of 60 rows (first in row 3)" in refused.err
    assert "Left out 2 of 60 rows without a target." in done.err
    assert "46 rows to train on, 12 kept" in done.out


@pytest.mark.parametrize("name", ["-", "file"])
def test_stdin_is_a_table_like_a_file(tmp_path: Path, name: str) -> None:
    """A dash reads it; the weights are the same."""
    table = write_csv(tmp_path / "t.csv")
    stdin = table.read_bytes() if name == "-" else None
    told = invoke_json(
        "train", "-" if name == "-" else table, "-t", "kind", *FAST, "--seed", "4", stdin=stdin
    )
    direct = invoke_json("train", table, "-t", "kind", *FAST, "--seed", "4")

    assert told["weights_sha256"] == direct["weights_sha256"]
    assert told["data"] == ("standard input" if name == "-" else "t.csv")


def test_a_batch_larger_than_the_data_warns() -> None:
    """It is clipped, and the training goes on."""
    done = invoke("train", "iris", "--epochs", "2", "--batch-size", "5000")

    assert done.code == 0
    assert "warning: batch_size=5000 is larger than the data; 120 samples make one batch." in done.err
    assert "2 epochs, 2 steps" in done.out


def test_the_defaults_are_good_on_the_embedded_sets() -> None:
    """Without an option: digits at least 0.97, the others far above guessing."""
    assert invoke_json("train", "digits")["test"]["accuracy"] >= 0.97
    for name, least in (("iris", 0.9), ("wine", 0.92), ("breast-cancer", 0.93)):
        assert invoke_json("train", name)["test"]["accuracy"] >= least, name
    assert invoke_json("train", "diabetes")["test"]["r2"] > 0.25


@pytest.mark.parametrize("name", ["xor", "parity", "circles", "six-points", "encoder-8-3-8"])
def test_every_teaching_set_trains(name: str) -> None:
    """Small sets keep no rows for testing, and say so."""
    done = invoke("train", name, "--epochs", "4")

    assert done.code == 0, done.err
    if name != "circles":
        assert "training (no rows were kept for testing)" in done.out

"""``schuss map``: picture, JSON, the command that confirms the best cell, and what is refused."""

import json
import shlex
from pathlib import Path

import pytest
from commands import ESCAPE, invoke, invoke_json, write_csv

from schuss import TrainingInterrupted
from schuss.engine import native
from schuss.insight.stability_map import cells

QUICK = ("--levels", "2", "--epochs", "20", "--hidden", "8", "-q")


def test_the_command_that_it_names_trains_the_best_cell() -> None:
    """To the last loss of the map's cell, bit for bit; whichever options were given."""
    for args in (
        ("iris",),
        ("wine", "--l2", 0.0, "--test-size", 0.0),
        ("diabetes", "--nesterov", "--seed", 3, "--batch-size", 50, "--dtype", "float64"),
    ):
        found = invoke_json("map", *args, *QUICK)
        words = shlex.split(found["command"])
        run = invoke_json(*words[1:], "--no-record", "-q")

        assert words[:3] == ["schuss", "train", args[0]]
        assert run["loss"][-1] == found["best"]["last_loss"]
        other = invoke_json(*words[1:], "--no-record", "-q", "--seed", 4)
        assert other["loss"][-1] != found["best"]["last_loss"]
        assert run["epochs"] == 20
        momentum = {"learning_rate": found["best"]["learning_rate"], "momentum": found["best"]["momentum"]}
        assert run["rule"] == {"name": "nesterov" if "--nesterov" in args else "momentum"} | momentum


def test_any_rule_that_keeps_a_memory_is_mapped_and_named() -> None:
    """With its other settings, and its momentum by its name; its command trains the best cell too."""
    given = ("--rule", "quasi_hyperbolic", "--set", "nu=0.5")
    found = invoke_json("map", "iris", *given, *QUICK)
    words = shlex.split(found["command"])
    run = invoke_json(*words[1:], "--no-record", "-q")
    settings = {name: found["best"][key] for name, key in (("learning_rate",) * 2, ("beta", "momentum"))}

    assert found["keeps_by"] == "beta"
    assert run["loss"][-1] == found["best"]["last_loss"]
    assert run["rule"] == {"name": "quasi_hyperbolic", "nu": 0.5} | settings
    plain = [word for word in words[1:] if word not in ("--set", "nu=0.5")]
    plain.insert(plain.index(f"beta={settings['beta']!r}"), "--set")
    assert invoke_json(*plain, "--no-record", "-q")["loss"][-1] != found["best"]["last_loss"]


@pytest.mark.skipif(not native.bfloat16_set(), reason="this processor has no products of bfloat16")
def test_cells_are_trained_with_the_engine_that_is_asked_for() -> None:
    """Products of bfloat16 too, with a curvature of full products; the other engine's losses differ."""
    found = invoke_json("map", "iris", "--engine", "bfloat16", *QUICK)
    full = invoke_json("map", "iris", *QUICK)
    run = invoke_json(*shlex.split(found["command"])[1:], "--no-record", "-q")

    assert (found["engine"]["engine"], run["engine"]["engine"]) == ("bfloat16", "bfloat16")
    assert full["engine"]["engine"] == "native"
    assert run["loss"][-1] == found["best"]["last_loss"]
    assert found["end_loss"] != full["end_loss"]
    assert found["sharpness"] == full["sharpness"]
    refused = invoke("map", "iris", "--engine", "bfloat16", "--dtype", "float64", *QUICK)
    assert refused.code == 1
    assert "products of bfloat16 are for float32; got float64" in refused.err


def test_columns_are_quoted_in_the_command(tmp_path: Path) -> None:
    """A file and a column with blanks in their names go through a shell as they are."""
    path = write_csv(tmp_path / "my table.csv", header="length,width,town,the kind")
    found = invoke_json("map", path, "-t", "the kind", "--test-size", "0.25", *QUICK)
    words = shlex.split(found["command"])

    assert words[2:7] == [str(path), "--target", "the kind", "--hidden", "8"]
    assert invoke_json(*words[1:], "--no-record", "-q")["loss"][-1] == found["best"]["last_loss"]


def test_the_picture_and_the_table() -> None:
    """A line for each momentum, the classes as characters, the best cells, the command; no colour."""
    done = invoke("map", "iris", *QUICK)
    lines = done.out.splitlines()

    assert (done.code, done.err) == (0, "")
    assert not ESCAPE.search(done.out)
    assert lines[0].startswith("iris: Network(4-8-3")
    assert all(set(line[7:]) <= set("●·~×★|: ") for line in lines[2:11])
    for words in (
        "● converges",
        "best cells",
        "steps to the goal",
        "whether a cell diverges is said rightly by",
    ):
        assert words in done.out
    assert lines[-1].startswith("schuss train iris --hidden 8 --learning-rate ")


def test_ranges_and_goal_are_those_given() -> None:
    """With the ends as they were written."""
    ranges = ("--learning-rates", "0.01,1", "--momenta", "0.5,0.95", "--goal", "0.7")
    found = invoke_json("map", "iris", *QUICK, *ranges)

    assert (found["learning_rate"][0], found["learning_rate"][-1]) == (0.01, 1.0)
    assert (found["momentum"][0], found["momentum"][-1]) == (0.5, 0.95)
    assert (found["goal"], found["levels"], len(found["learning_rate"])) == (0.7, 2, 9)


def test_it_draws(tmp_path: Path) -> None:
    """`--plot`, beside the text; the message says where."""
    path = tmp_path / "map.png"
    done = invoke("map", "iris", *QUICK[:-1], "--plot", path)

    assert done.code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert f"picture written to {path}" in done.err


def test_ctrl_c_prints_the_finest_complete_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends with 130, as any interrupted command."""
    sweep, stages = cells.sweep, iter(range(2))

    def interrupted(*args: object, **how: object) -> object:
        found = sweep(*args, **how)
        if next(stages, None) is None:
            raise TrainingInterrupted(found)
        return found

    monkeypatch.setattr(cells, "sweep", interrupted)
    done = invoke("map", "iris", "--json", *QUICK)

    assert done.code == 130
    assert "interrupted; this is the finest map that was complete" in done.err
    told = json.loads(done.out)
    assert (told["stopped"], told["level"], len(told["momentum"])) == ("interrupted", 0, 5)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("iris", "--learning-rates", "fast"), "--learning-rates takes the lowest and the highest value"),
        (("iris", "--learning-rates", "1,0.1"), "upper end of learning_rates must lie in"),
        (("iris", "--momenta", "0,1"), "upper end of momenta must lie in"),
        (("iris", "--momenta", "0.5"), "--momenta takes the lowest and the highest value"),
        (("iris", "--levels", "0"), "levels must be an integer of at least 1"),
        (("iris", "--epochs", "2"), "at least 5 epochs"),
        (("iris", "--goal", "99"), "goal must lie below the loss of the first weights"),
        (("iris", "--plot", "map.gif"), "a picture is one of .png, .svg, .pdf"),
        (("iris", "--dtype", "float16"), "dtype must be one of"),
        (("iris", "-t", "nope"), "nope"),
        (("iris", "--rule", "muon"), "a map needs a rule that turns one gradient into a change"),
        (("iris", "--rule", "rprop"), "a map needs a rule that turns one gradient into a change"),
        (("iris", "--rule", "rmsprop"), "a map needs a rule with a momentum"),
        (("iris", "--rule", "adm"), "did you mean 'adam'"),
        (("iris", "--rule", "momentum", "--nesterov"), "nesterov is a rule itself"),
        (("iris", "--set", "nu=0.5"), "rule 'momentum' has learning_rate, momentum; got 'nu'"),
        (("iris", "--set", "learning_rate=0.1"), "give --learning-rates instead of --set"),
        (("iris", "--rule", "averaged_momentum", "--set", "beta=0.1"), "give --momenta instead of --set"),
    ],
)
def test_what_is_refused(args: tuple[str, ...], words: str) -> None:
    """In a sentence, before anything is trained."""
    done = invoke("map", *args)

    assert done.code in (1, 2)
    assert words in done.told
    assert done.out == ""

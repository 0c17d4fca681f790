"""`schuss derive`: the derivation on the terminal and in files."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ESCAPE, invoke, invoke_json

import worked_example as example
from schuss import Adam, Momentum, Nesterov, Network, derive
from schuss.insight.derivation import documents, scene
from schuss.method import backprop

GIVEN = ("derive", "--layers", "2-2-1", "--input", "1,0", "--target", "1")
NETWORK = Network([2, 2, 1], "logistic")


def test_the_terminal_shows_what_the_function_returns() -> None:
    """The same lines; plain in a pipe."""
    rates = ("--learning-rate", "0.5", "--momentum", "0.9", "--steps", "3")
    done = invoke(*GIVEN, *rates, "--weight", "hidden1[1] <- input[0]")
    found = derive(NETWORK, [1, 0], [1], rule=Momentum(0.5, 0.9), steps=3, weight="hidden1[1] <- input[0]")

    assert (done.code, done.err) == (0, "")
    assert [line.rstrip() for line in done.out.splitlines()] == found.text().splitlines()
    assert not ESCAPE.search(done.out)


def test_choices_reach_the_derivation() -> None:
    """Activation, output, loss, rule and seed."""
    args = ("--activation", "tanh", "--output", "identity", "--loss", "huber", "--seed", "7", "--digits", "9")
    done = invoke(*GIVEN, *args, "--rule", "nesterov", "--learning-rate", "0.2", "--momentum", "0.4")
    network = Network([2, 2, 1], "tanh", "huber", output="identity")

    assert done.out == derive(network, [1, 0], [1], rule=Nesterov(0.2, 0.4), seed=7).text(digits=9)
    assert invoke(*GIVEN, "--rule", "adam").out == derive(NETWORK, [1, 0], [1], rule=Adam()).text()


@pytest.mark.parametrize("form", ["text", "latex", "markdown", "html", "json"])
def test_a_file_holds_what_would_be_printed(tmp_path: Path, form: str) -> None:
    """Whichever the form; the name's end decides where none is given."""
    ends = {"text": ".txt", "latex": ".tex", "markdown": ".md", "html": ".html", "json": ".json"}
    printed = invoke(*GIVEN, "--format", form).out
    place = tmp_path / f"d{ends[form]}"
    done = invoke(*GIVEN, "-o", place)

    assert (done.code, done.out) == (0, "")
    assert f"derivation written to {place}" in done.err.replace("\n", "")
    assert place.read_text("utf-8") == printed
    other = tmp_path / "named.dat"
    assert invoke(*GIVEN, "--format", form, "--out", other).code == 0
    assert other.read_text("utf-8") == printed


def test_json_and_html_can_be_used() -> None:
    """JSON is one value; HTML is a page of its own."""
    assert invoke_json(*GIVEN) == json.loads(invoke(*GIVEN, "--format", "json").out)
    assert invoke_json(*GIVEN)["weight"] == "hidden1[0] <- input[0]"
    page = invoke(*GIVEN, "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert page == documents.page(derive(NETWORK, [1, 0], [1]), 6)


@pytest.mark.parametrize("as_object", [False, True])
def test_weights_come_from_a_file(tmp_path: Path, as_object: bool) -> None:
    """A flat list, or matrices and biases: the worked example by hand."""
    flat: Any = example.START.tolist()
    views = NETWORK.views(example.START)
    parts = {"weights": [v.w.tolist() for v in views], "biases": [np.ravel(v.b).tolist() for v in views]}
    place = tmp_path / "w.json"
    place.write_text(json.dumps(parts if as_object else flat))
    done = invoke("derive", "--layers", "2-2-1", "--input", "1,0.5", "--target", "1", "--weights", place)

    assert done.out == derive(NETWORK, [1, 0.5], [1], theta=example.START).text()
    assert "= 0.101082" in done.out


def test_a_check_that_fails_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr too, and with what it may mean."""
    monkeypatch.setattr(scene, "error_signals", lambda *a: [-d for d in backprop.error_signals(*a)])
    done = invoke(*GIVEN)

    assert "they do NOT agree" in done.out
    assert "warning: a numerical check does not agree" in done.err


def shows(page: str, printed: str) -> bool:
    """Whether the first text block of a page is a command's output, but for lines left out at each …."""
    block = page.split("```text\n")[1].split("\n```")[0]
    parts = block.split("\n", 1)[1].split("\n…\n")
    return re.fullmatch(".*?".join(map(re.escape, parts)), printed.rstrip("\n"), re.DOTALL) is not None


def test_the_page_shows_what_the_command_prints() -> None:
    """docs/derive.md's example is this program's output; with one digit changed it is not."""
    page = (Path(__file__).parents[2] / "docs" / "derive.md").read_text("utf-8")
    command = shlex.split(page.split("```text\n$ schuss ")[1].split("\n")[0])
    printed = invoke(*command).out

    assert shows(page, printed)
    assert not shows(page.replace("= 0.439746", "= 0.439747", 1), printed)


def test_json_and_another_format_are_refused() -> None:
    """Which of them is meant cannot be known."""
    done = invoke(*GIVEN, "--json", "--format", "html")

    assert (done.code, done.out) == (2, "")
    assert "not both" in done.err


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"--layers": "2-0-1"}, 2, "--layers takes at least 2 sizes, each at least 1, as 2-2-1; got '2-0-1'"),
        ({"--layers": "2"}, 2, "--layers takes at least 2 sizes"),
        ({"--layers": "two-1"}, 2, "--layers takes at least 2 sizes"),
        ({"--layers": "2--1"}, 2, "--layers takes at least 2 sizes"),
        ({"--input": "1,0,3"}, 2, "--input takes 2 numbers, one per input unit of --layers; got 3: '1,0,3'"),
        ({"--input": "1,a"}, 2, "--input takes finite numbers with commas between, as 1,0; got '1,a'"),
        ({"--input": "1,nan"}, 2, "--input takes finite numbers"),
        ({"--input": ""}, 2, "--input takes finite numbers"),
        ({"--target": "1,0"}, 2, "--target takes 1 number, one per output unit of --layers; got 2"),
        ({"--target": "inf"}, 2, "--target takes finite numbers"),
        ({"--target": "2"}, 1, "output activation 'logistic' reaches only [0, 1]"),
        ({"--weight": "hidden1[5] <- input[0]"}, 2, "no weight 'hidden1[5] <- input[0]'"),
        ({"--weight": "the first"}, 2, "a weight is named like"),
        ({"--momentum": "1.5"}, 2, "momentum must lie in [0, 1]; got 1.5"),
        ({"--learning-rate": "nan"}, 2, "learning_rate must lie in (0, inf)"),
        ({"--rule": "momentun"}, 2, "did you mean 'momentum'?"),
        ({"--rule": "lbfgs"}, 2, "the steps of lbfgs are SciPy's"),
        ({"--rule": "rprop"}, 2, "a derivation needs a rule"),
        ({"--rule": "adam", "--momentum": "0.9"}, 2, "rule 'adam' has no momentum"),
        ({"--activation": "sigmoid"}, 2, "activation must be one of"),
        ({"--loss": "cross_entropi"}, 2, "did you mean 'cross_entropy'?"),
        ({"--steps": "0"}, 2, "steps must be an integer of at least 1"),
        ({"--digits": "40"}, 2, "digits must be an integer of at least 2 and at most 17"),
        ({"--format": "pdf"}, 2, "format must be one of text, latex, markdown, html, json; got 'pdf'"),
        ({"--format": ""}, 2, "format must be one of"),
        ({"--seed": "-1"}, 2, "seed must be an integer of at least 0"),
        ({"--out": "missing/d.html"}, 1, "missing"),
        ({"--weights": "missing.json"}, 1, "cannot read missing.json: No such file"),
        ({"--weights": "w.json", "--seed": "1"}, 2, "not both"),
    ],
)
def test_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], code: int, told: str
) -> None:
    """One sentence on stderr, nothing on stdout, nothing written."""
    monkeypatch.chdir(tmp_path)
    options = {"--layers": "2-2-1", "--input": "1,0", "--target": "1"} | change
    done = invoke("derive", *[part for pair in options.items() for part in pair])

    assert (done.code, done.out) == (code, "")
    assert told in " ".join(done.err.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2]", b"7", b"null", b'["a"]', b'{"weights": 3}', b'{"theta": [1]}', b"\xff",
     b"[1,2,3,4,5,6,7,8,NaN]", b"[1,2,3,4,5,6,7,8,1e999]", b"[" * 5000, b"[[1],[2,3]]",
     b'{"weights": [[[1,2],[3,4]],[[1],[2]]], "biases": [[0,0],["x"]]}', b"[" + b"9" * 400 + b"]"],
)  # fmt: skip
def test_a_bad_file_of_weights_is_told(tmp_path: Path, content: bytes) -> None:
    """No traceback, whatever stands in it."""
    place = tmp_path / "w.json"
    place.write_bytes(content)
    done = invoke(*GIVEN, "--weights", place)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")


def test_a_step_of_a_recorded_run_is_derived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the weights, memory, rates and batch that it had: the new weight is the recorded one."""
    from schuss import load_run

    monkeypatch.setenv("SCHUSS_RUNS", str(tmp_path))
    invoke("train", "iris", "--epochs", 30, "--hidden", 8, "--quiet")
    weight = "hidden1[3] <- input[1]"
    told = invoke_json("derive", "--run", "iris", "--step", 40, "--weight", weight)
    run = load_run(tmp_path / "iris")
    place = run.network.weight_index(weight)
    after, before = (float(run.at(step).theta[place]) for step in (41, 40))
    last = [line for line in told["lines"] if line["title"] == "New weight"][-1]

    assert abs(last["result"] - after) < 1e-7 < abs(before - after)
    for args, words in (
        (("--run", "iris", "--layers", "2-1"), "leave out --layers"),
        (("--run", "iris", "--activation", "tanh"), "leave out --activation"),
        (("--run", "iris", "--rule", "adam", "--loss", "huber"), "leave out --loss, --rule"),
        (("--run", "iris", "--output", "tanh", "--input", "1"), "leave out --input, --output"),
        (("--run", "iris", "--step", 9999), "step must be"),
        (("--step", 3), "--step is for --run"),
        ((), "give --layers, --input and --target"),
        (("--rule", "lbfgs"), "Rules that can be derived: gradient_descent, momentum"),
        (("--run", "nowhere"), "no folder"),
    ):
        done = invoke("derive", *args)
        assert done.code in (1, 2)
        assert words in done.told

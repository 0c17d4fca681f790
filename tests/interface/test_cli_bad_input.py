"""Bad input: the exit code, one sentence on stderr, nothing on stdout, and nothing written."""

from pathlib import Path
from typing import Any

import pytest
from commands import invoke, write_csv

NUMBERS = "".join(f"{i}.5,{i % 7},{'ab'[i % 2]}\n" for i in range(60))
HEAD = "x,z,y\n"

TABLES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "t.csv is empty"),
    "header only": (HEAD.encode(), "t.csv"),
    "infinity": ((HEAD + NUMBERS + "inf,1,a\n").encode(), "column 'x'"),
    "one class": ((HEAD + "1,2,a\n3,4,a\n5,6,a\n").encode(), "one class only ('a')"),
    "a word among numbers": ((HEAD + NUMBERS + "oops,1,a\n").encode(), "holds 'oops'"),
    "ragged": ((HEAD + NUMBERS + "1,2\n").encode(), "62"),
    "too many cells": ((HEAD + NUMBERS + "1,2,a,4\n").encode(), "62"),
    "latin-1": ((HEAD + NUMBERS + "1,2,Zürich\n").encode("latin-1"), "not UTF-8"),
    "twice the same name": (("x,x,y\n" + NUMBERS).encode(), "'x'"),
    "a missing target": ((HEAD + NUMBERS + "1,2,\n").encode(), "missing in 1 of 61 rows"),
    "nothing to learn from": ((HEAD + "1,2,a\n1,2,b\n1,2,a\n1,2,b\n").encode(), "nothing to learn from"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "t.csv"),
    "a spreadsheet": (b"PK\x03\x04" + b"\0" * 30, "t.csv"),
}

OPTIONS: dict[str, tuple[list[str], int, str]] = {
    "momentum above 1": (["--momentum", "1.5"], 2, "momentum must lie in [0, 1]; got 1.5"),
    "momentum below 0": (["--momentum", "-0.1"], 2, "momentum must lie in [0, 1]; got -0.1"),
    "momentum nan": (["--momentum", "nan"], 2, "momentum must lie in [0, 1]; got nan"),
    "rate 0": (["--learning-rate", "0"], 2, "learning_rate must lie in (0, inf); got 0.0"),
    "rate negative": (["--learning-rate", "-1"], 2, "learning_rate must lie in (0, inf)"),
    "rate infinite": (["--learning-rate", "inf"], 2, "learning_rate must lie in (0, inf)"),
    "rate a word": (["--learning-rate", "fast"], 2, "Invalid value for '--learning-rate'"),
    "epochs 0": (["--epochs", "0"], 2, "epochs must be an integer of at least 1; got 0"),
    "epochs negative": (["--epochs", "-5"], 2, "epochs must be an integer of at least 1; got -5"),
    "epochs a fraction": (["--epochs", "1.5"], 2, "Invalid value for '--epochs'"),
    "batch 0": (["--batch-size", "0"], 2, "batch_size must be an integer of at least 1; got 0"),
    "batch negative": (["--batch-size", "-2"], 2, "batch_size must be an integer of at least 1"),
    "hidden 0 in a list": (["--hidden", "8,0"], 2, "--hidden takes sizes of at least 1"),
    "hidden negative": (["--hidden", "-8"], 2, "--hidden takes sizes of at least 1"),
    "hidden negative in a list": (["--hidden", "8,-4"], 2, "--hidden takes sizes of at least 1"),
    "hidden a word": (["--hidden", "many"], 2, "got 'many'"),
    "hidden a fraction": (["--hidden", "1.5"], 2, "got '1.5'"),
    "l2 negative": (["--l2", "-1"], 2, "l2 must lie in [0, inf); got -1"),
    "seed negative": (["--seed", "-1"], 2, "seed must be an integer of at least 0"),
    "test size 1": (["--test-size", "1"], 2, "leaves 0 to train on"),
    "test size 2": (["--test-size", "2"], 2, "test_size must lie in [0, 1]"),
    "test size tiny": (["--test-size", "0.001"], 2, "0 to test on"),
    "threads 0": (["--threads", "0"], 2, "threads must be an integer of at least 1; got 0"),
    "dtype": (["--dtype", "float16"], 2, "dtype must be one of float32, float64; got 'float16'"),
    "engine": (["--engine", "nativ"], 2, "did you mean 'native'?"),
    "activation": (["--activation", "rellu"], 2, "did you mean 'relu'?"),
    "task": (["--task", "classify"], 2, "did you mean 'classification'?"),
    "target": (["--target", "speces"], 1, "did you mean 'species'?"),
    "option": (["--momentom", "0.9"], 2, "No such option: --momentom"),
    "out in no folder": (["--out", "nope/m.schuss"], 1, "folder"),
    "out a directory": (["--out", "."], 1, "is a directory"),
    "plot of another kind": (["--plot", "loss.gif"], 2, "one of .png, .svg, .pdf; got 'loss.gif'"),
    "diverging": (["--learning-rate", "1e30"], 3, "training diverged: at step"),
}


def assert_refused(done: Any, code: int, sentence: str, folder: Path, *there: str) -> None:
    """Fail unless a command was refused as it should be."""
    assert done.code == code, done.err
    assert done.out == ""
    assert sentence in done.told
    assert "Traceback" not in done.err
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 or code == 2
    assert sorted(p.name for p in folder.iterdir()) == sorted(there)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("way", ["file", "stdin"])
def test_tables_that_cannot_be_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    """From a file and from stdin; exit code 1."""
    monkeypatch.chdir(tmp_path)
    content, sentence = TABLES[name]
    (tmp_path / "t.csv").write_bytes(content)
    source, stdin = ("t.csv", None) if way == "file" else ("-", content)
    done = invoke("train", source, "-t", "y", "-o", "m.schuss", "--plot", "p.png", stdin=stdin)

    place = sentence if way == "file" else sentence.replace("t.csv", "standard input")
    assert_refused(done, 1, place, tmp_path, "t.csv")


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each with its exit code and what is allowed."""
    monkeypatch.chdir(tmp_path)
    option, code, sentence = OPTIONS[name]
    out = [] if "--out" in option else ["--out", "m.schuss"]
    plot = [] if "--plot" in option else ["--plot", "p.png"]
    done = invoke("train", "iris", *out, *plot, *option)

    assert_refused(done, code, sentence, tmp_path)


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (["train", "irs"], 1, "did you mean 'iris'?"),
        (["train", "penguin.csv"], 1, "did you mean 'penguins.csv'?"),
        (["train", "penguins.csv"], 2, "say which column to predict with --target; penguins.csv has"),
        (["train", "penguins.csv", "-t", "knd"], 1, "no column 'knd' (did you mean 'kind'?)"),
        (["train", "."], 1, "is a directory"),
        (["train"], 2, "Missing argument"),
        (["trian", "iris"], 2, "Did you mean 'train'?"),
        (["train", "iris", "--targt", "x"], 2, "--target"),
        (["predict", "nope", "iris"], 1, "cannot read nope: No such file"),
        (["predict", ".", "iris"], 1, "is a directory"),
        (["predict", "penguins.csv", "iris"], 1, "not a schuss model"),
        (["evaluate", "penguins.csv", "iris"], 1, "not a schuss model"),
        (["show", "penguins.csv"], 1, "not a schuss model"),
        (["show", "nope"], 1, "cannot read nope"),
        (["show"], 2, "Missing argument"),
        (["data", "iris"], 2, "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_slips_of_the_pen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], code: int, sentence: str
) -> None:
    """Names of commands, files, sets and columns."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "penguins.csv")

    assert_refused(invoke(*args), code, sentence, tmp_path, "penguins.csv")


def test_a_missing_value_in_an_input_is_no_error(tmp_path: Path) -> None:
    """NaN and gaps in a column are filled, and that is said."""
    (tmp_path / "t.csv").write_text(HEAD + NUMBERS + ",1,a\nnan,2,b\n")
    done = invoke("train", tmp_path / "t.csv", "-t", "y", "--epochs", "2")

    assert done.code == 0
    assert "Missing values are filled" in done.err


def test_every_option_that_is_wrong_is_found_before_the_training(tmp_path: Path) -> None:
    """A place that cannot be written is not found after an hour: nothing has been printed before."""
    for option in (["--out", tmp_path], ["--plot", tmp_path / "nope" / "p.png"]):
        done = invoke("train", "iris", "--epochs", str(10**9), *option)
        assert (done.code, done.out) == (1, "")

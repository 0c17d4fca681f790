"""`schuss data`, `schuss doctor`, help and version."""

import importlib.metadata
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import invoke, invoke_json

import schuss
from schuss.adapters.datasets import DATASETS
from schuss.engine import native
from schuss.engine.native import NativeEngine
from schuss.interface.cli import doctor
from schuss.interface.cli.app import COMMANDS, function_of


def test_data_lists_every_embedded_set() -> None:
    """A line each under a header, with rows, inputs, task and description."""
    lines = invoke("data").out.splitlines()
    told = invoke_json("data")

    assert lines[0].split() == ["name", "rows", "inputs", "task", "what", "it", "is"]
    assert [line.split()[0] for line in lines[1:]] == [row["name"] for row in told] == list(DATASETS)
    for line, row in zip(lines[1:], told, strict=True):
        assert line.split()[1:4] == [f"{row['n_rows']:,}", str(row["n_inputs"]), row["task"]]
        assert line.endswith(row["description"])


def test_doctor_says_what_runs_here() -> None:
    """Engine, instruction set, threads and versions, the same as JSON, and a test that passes."""
    done, told = invoke("doctor"), invoke_json("doctor")

    assert done.code == 0
    assert told["passed"] is True
    info = NativeEngine().info
    assert told["engine"] == f"native, {info.arithmetic} arithmetic, built by {info.compiler}"
    assert told["instruction set"].startswith(info.instruction_set)
    assert all(name in told["instruction set"] for name in native.instruction_sets())
    assert told["threads"] == str(info.threads)
    assert told["numpy"] == np.__version__
    assert "passed: " in told["self-test"]
    for name, value in told.items():
        if name not in ("passed", "self-test"):  # the latter holds the seconds that it took
            assert any(line.startswith(name) and value in line for line in done.out.splitlines())
    assert float(told["self-test"].rsplit(", ", 1)[1].removesuffix(" s")) < 1.0


class Wrong(NativeEngine):
    """An engine whose weights are wrong by a little, on one instruction set only."""

    off = 0.0

    def advance(self, *args: Any, **how: Any) -> Any:
        made = super().advance(*args, **how)
        if self.info.instruction_set != next(iter(native.instruction_sets())):
            return made
        theta = made.state.theta + self.off
        return made._replace(state=schuss.State(theta, made.state.memory.copy(), made.state.step))


@pytest.mark.parametrize(
    ("off", "sentence"), [(1e-6, "FAILED: engines differ by 1e-06"), (1e-13, "different bits")]
)
def test_doctor_fails_where_the_kernel_is_wrong(
    monkeypatch: pytest.MonkeyPatch, off: float, sentence: str
) -> None:
    """Numbers that differ, and bits that differ, are two findings; both exit with 1."""
    if off < 1e-10 and sum(native.instruction_sets().values()) < 2:
        pytest.skip("one fused instruction set has nothing to differ from")
    monkeypatch.setattr(Wrong, "off", off)
    monkeypatch.setattr(native, "NativeEngine", Wrong)
    done = invoke("doctor")

    assert done.code == 1
    assert sentence in done.out
    assert doctor.self_test()[0] is False
    assert '"passed": false' in invoke("doctor", "--json").out


def test_doctor_says_that_the_kernel_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that what runs instead is many times slower."""
    monkeypatch.setattr(native, "_kernel", None)
    monkeypatch.setattr(native, "MISSING", ImportError("No module named '_kernel'"))
    done = invoke("doctor")

    assert done.code == 0
    assert "reference, many times slower" in done.out
    assert "instruction set" not in done.out


def test_an_extra_that_is_missing_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed as not installed."""

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert invoke_json("doctor")["pyarrow"] == "not installed"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(name: str) -> None:
    """`-h` and `--help` say what it does, and each has `--json`."""
    short, long = invoke(name, "-h"), invoke(name, "--help")

    assert short == long
    assert short.code == 0
    assert "--json" in short.out
    doc = function_of(name).__doc__
    assert doc is not None
    assert " ".join(doc.split())[:40] in " ".join(short.out.split())


def test_without_a_command_the_commands_are_listed() -> None:
    """With a place to start."""
    done = invoke()
    text = done.out + done.err

    assert all(command in text for command in COMMANDS)
    assert "schuss train digits" in text


def test_the_version_is_the_projects() -> None:
    """That of pyproject.toml, where the package is installed."""
    try:
        installed = version("schuss")
    except PackageNotFoundError:
        pytest.skip("the package is not installed here")
    project = Path(__file__).parents[2] / "pyproject.toml"

    assert installed == tomllib.loads(project.read_text("utf-8"))["project"]["version"]
    assert schuss.__version__ == installed
    assert invoke("--version").out == f"schuss {installed}\n"

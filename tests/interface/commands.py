"""The command line as tests use it: in this process for most, as a real process where that matters."""

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from schuss.interface.cli.app import app

__all__ = ["ESCAPE", "Result", "command", "invoke", "invoke_json", "process", "tuned", "write_csv"]

ESCAPE = re.compile(r"\x1b")


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The messages with the frames and line breaks of usage errors taken out."""
        return re.sub(r"[\s│╭╮╰╯─]+", " ", self.err)


def invoke(*args: Any, stdin: str | bytes | None = None) -> Result:
    """Run a command in this process, with warnings told as a user sees them."""
    with warnings.catch_warnings():  # also restores `showwarning`, which the command line replaces
        warnings.simplefilter("default")
        done = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Result(done.exit_code, done.stdout, done.stderr)


def invoke_json(*args: Any, **how: Any) -> Any:
    """Run a command with ``--json`` and return what it printed; fail unless it went well."""
    done = invoke(*args, "--json", **how)
    assert done.code == 0, done.err

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(done.out, parse_constant=refuse)


def tuned(data: Path, *options: Any) -> Any:
    """Search for settings of the table that `write_csv` writes, six of them, and return what was printed."""
    return invoke_json("tune", data, "-t", "kind", "--trials", 6, *options)


def command(*args: Any) -> list[str]:
    """Return the command line of a real process."""
    return [sys.executable, "-m", "schuss", *map(str, args)]


def process(*args: Any, stdin: bytes | None = None, **env: str) -> Result:
    """Run a command as a process of its own."""
    done = subprocess.run(  # noqa: S603  # our own command
        command(*args), input=stdin, capture_output=True, env=os.environ | env, check=False, timeout=60
    )
    return Result(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def write_csv(path: Path, rows: int = 60, *, header: str = "length,width,town,kind") -> Path:
    """Write a small table of two numbers, a word and a class that they decide."""
    lines = [header]
    for i in range(rows):
        length, width, town = (i * 37 % 50) / 10, (i * 13 % 23) / 5, ("Bern", "Chur")[i * 7 % 3 % 2]
        lines.append(f"{length},{width},{town},{'long' if length > width else 'wide'}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path

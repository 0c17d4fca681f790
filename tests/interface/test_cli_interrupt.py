"""Ctrl-C at the command line: exit code 130, soon, and `--out` holds the model so far."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import command, invoke

from schuss import load_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")

LATENCY = 1.5  # seconds until the process has ended, saving and leaving Python included


def interrupted(args: list[object], wait_for: str, after: float = 0.3) -> tuple[int, str, str, float]:
    """Start, wait for a line on stderr that holds `wait_for`, send SIGINT a little later."""
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(  # noqa: S603  # our own command
        command(*args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    assert child.stderr is not None
    err = ""
    while wait_for not in err:
        line = child.stderr.readline()
        assert line, f"ended without {wait_for!r}: {err}"
        err += line
    time.sleep(after)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, rest = child.communicate(timeout=30)
    return child.returncode, out, err + rest, time.monotonic() - sent


def test_the_model_so_far_is_kept(tmp_path: Path) -> None:
    """The file loads, predicts, and says that it was interrupted and after how many steps."""
    path = tmp_path / "m.schuss"
    args: list[object] = ["train", "iris", "--epochs", 10**7, "-o", path]
    code, out, err, seconds = interrupted(args, "3 classes")

    assert code == 130
    assert out == ""
    assert "Traceback" not in err
    assert seconds < LATENCY
    told = re.search(r"interrupted after (\d+) epochs \(([\d,]+) steps\)", err)
    assert told is not None
    assert f"the model so far is in {path}" in err
    run = load_model(path).run
    assert (run.epochs, run.state.step) == (int(told[1]), int(told[2].replace(",", "")))
    assert run.stopped == "interrupted"
    assert invoke("evaluate", path, "iris").code == 0
    assert list(tmp_path.iterdir()) == [path]


def test_without_out_the_code_is_the_same() -> None:
    """And what was trained is said."""
    args: list[object] = ["train", "digits", "--epochs", 10**6, "--hidden", "600,600"]
    code, out, err, seconds = interrupted(args, "10 classes")

    assert (code, out) == (130, "")
    assert "interrupted after" in err
    assert "Traceback" not in err
    assert seconds < LATENCY


def test_an_interrupt_while_waiting_for_stdin_ends_quietly() -> None:
    """Exit code 130 and one word, also before there is anything to train on."""
    child = subprocess.Popen(  # noqa: S603  # our own command
        command("train", "-", "-t", "y"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)

    assert child.returncode == 130
    assert "Traceback" not in err

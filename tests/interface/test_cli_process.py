"""The command line as a process among others: pipes, terminals, colours, a full disk."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ESCAPE, command, invoke, process

MANY = ("--epochs", "60000", "--hidden", "4", "--batch-size", "64")  # half a second, or some


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of digits."""
    path = tmp_path_factory.mktemp("process") / "digits.schuss"
    assert invoke("train", "digits", "--epochs", "2", "-q", "-o", path).code == 0
    return path


def in_terminal(args: list[str], stdout_too: bool, **env: str) -> tuple[int, str, str]:
    """Run with stderr (and stdout) on a terminal; return exit code, what came there, and stdout's pipe."""
    import pty

    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "100", **env}
    with (
        tempfile.TemporaryFile() as file,
        subprocess.Popen(  # noqa: S603  # our own command
            command(*args), stdout=theirs if stdout_too else file, stderr=theirs, env=environment
        ) as child,
    ):
        os.close(theirs)
        seen = bytearray()
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        code = child.wait()
        file.seek(0)
        piped = file.read()
    os.close(ours)
    return code, seen.decode("utf-8"), piped.decode("utf-8")


needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")


@needs_pty
def test_a_terminal_shows_progress_on_stderr_only() -> None:
    """Epoch, loss, samples per second and a bar; stdout in a pipe has the result and no escape code."""
    code, seen, piped = in_terminal(["train", "iris", *MANY], stdout_too=False)

    assert code == 0
    assert len(set(re.findall(r"epoch (\d+)", seen))) >= 2
    assert re.search(r"loss .*[\d.]+", seen)
    assert "samples/s" in seen
    assert "━" in seen
    assert "test accuracy" in piped
    assert not ESCAPE.search(piped)
    assert "samples/s" in piped  # the summary
    assert "━" not in piped


@needs_pty
def test_quiet_and_json_keep_a_terminal_clean() -> None:
    """`--quiet` shows no bar; `--json` in a pipe is JSON alone."""
    assert in_terminal(["train", "iris", *MANY, "-q"], stdout_too=False)[1] == ""
    _, seen, piped = in_terminal(["train", "iris", *MANY, "--json"], stdout_too=False)
    assert "━" in seen
    assert piped.startswith("{")
    assert piped.endswith("}\n")


@needs_pty
def test_no_color_takes_the_colours_away(model: Path) -> None:
    """On a terminal an error is red; with NO_COLOR it is not."""
    colour = re.compile(r"\x1b\[(?:\d+;)*[349]\d[;m]")
    args = ["predict", str(model), "iris"]
    _, coloured, _ = in_terminal(args, stdout_too=True)
    _, plain, _ = in_terminal(args, stdout_too=True, NO_COLOR="1")

    assert "error: " in coloured
    assert "error: " in plain
    assert colour.search(coloured)
    assert not colour.search(plain)


@pytest.mark.parametrize(
    "args", [["train", "iris", "--epochs", "3"], ["data"], ["show", "MODEL"], ["predict", "MODEL", "iris"]]
)
def test_pipes_give_no_escape_codes(model: Path, args: list[str]) -> None:
    """Neither on stdout nor on stderr, whatever TERM says."""
    done = process(*(model if arg == "MODEL" else arg for arg in args), TERM="xterm-256color")

    assert not ESCAPE.search(done.out + done.err)
    assert done.code == (1 if args[0] == "predict" else 0)


def piped(args: list[object], read: Callable[[int], object]) -> tuple[int, str]:
    """Run with stdout in a pipe that `read` reads and then closes; return exit code and stderr."""
    ours, theirs = os.pipe()
    child = subprocess.Popen(command(*args), stdout=theirs, stderr=subprocess.PIPE)  # noqa: S603  # our own command
    os.close(theirs)
    read(ours)
    os.close(ours)
    assert child.stderr is not None
    err = child.stderr.read().decode("utf-8")
    child.stderr.close()
    return child.wait(), err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_has_seen_enough_is_not_complained_about(model: Path) -> None:
    """`schuss predict … | head -1`: no message, for long outputs and short ones."""
    long: list[object] = ["predict", model, "digits", "--proba"]
    for args, read in (
        (long, lambda fd: os.read(fd, 10)),
        (long, lambda _: None),
        (["data"], lambda _: None),
        (["show", model, "--json"], lambda _: None),
    ):
        _, err = piped(args, read)
        assert err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("args", [["data"], ["data", "--json"], ["predict", "MODEL", "digits"]])
def test_a_full_disk_behind_stdout_is_a_sentence(model: Path, args: list[str]) -> None:
    """Exit code 1 and no traceback."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(  # noqa: S603  # our own command
            command(*(model if arg == "MODEL" else arg for arg in args)),
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == "error: No space left on device.\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_pipes_have_utf8_whatever_the_locale_says(model: Path, encoding: str) -> None:
    """Formulas and pictures come out whole, not as an error."""
    done = process("show", model, PYTHONIOENCODING=encoding)

    assert done.code == 0, done.err
    assert "α/(1−η)" in done.out
    assert "█" in done.out


def test_stdin_reaches_a_real_process() -> None:
    """A pipe into `train -` works as a file does."""
    table = "a,b,y\n" + "".join(f"{i},{i * i % 7},{'uv'[i % 2]}\n" for i in range(60))
    done = process("train", "-", "--target", "y", "--epochs", "2", stdin=table.encode())

    assert done.code == 0, done.err
    assert done.out.startswith("standard input: 48 rows")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["data"], 0),
        (["show", "nope"], 1),
        (["train", "iris", "--momentum", "2"], 2),
        (["train", "iris", "--nope"], 2),
        (["train", "iris", "--learning-rate", "1e30"], 3),
    ],
)
def test_a_process_ends_with_the_promised_code(args: list[str], code: int) -> None:
    """0 fine, 1 failed, 2 usage, 3 diverged; no traceback in any case."""
    done = process(*args)

    assert done.code == code
    assert "Traceback" not in done.err

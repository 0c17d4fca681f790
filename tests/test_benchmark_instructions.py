"""What the benchmark reads from callgrind's files, and the training that it shows to a profiler."""

import sys

import pytest
from benchmarks import alone
from benchmarks.cases import CASES, write
from benchmarks.parts.instructions import in_kernel

# Two functions of the kernel and one of another library; the first calls the other two.
PROFILE = """# callgrind format
positions: line
events: Ir
summary: 1111

ob=/somewhere/schuss/engine/_kernel.cpython-311-x86_64-linux-gnu.so
fl=???
fn=first
0 30
calls=2 0
0 70
cob=/lib/libm.so.6
calls=1 0
12 1000
3 4
fn=second
5 70

ob=/lib/libm.so.6
fn=exp
0 1000
"""


def test_only_what_the_kernel_itself_does_is_counted(tmp_path):
    """Not what it calls, counted where it is done, and nothing of others. With its calls it is more."""
    path = tmp_path / "profile"
    path.write_text(PROFILE)
    assert in_kernel(path) == 30 + 4 + 70
    path.write_text("\n".join(line for line in PROFILE.splitlines() if not line.startswith("calls=")))
    assert in_kernel(path) == 30 + 4 + 70 + 70 + 1000


def test_one_training(tmp_path, monkeypatch, capsys):
    """By its name or from a file; a name that is none is told, with those that are."""
    write(CASES[0], tmp_path)
    for case in (CASES[0].name, str(tmp_path / "task.npz")):
        monkeypatch.setattr(sys, "argv", ["alone", case, "--epochs", "2"])
        alone.main()
        assert capsys.readouterr().out.endswith("µs/step\n")
    for other in ("4-11-3", "nowhere.npz"):
        monkeypatch.setattr(sys, "argv", ["alone", other])
        with pytest.raises(SystemExit, match=rf"there is no {other}; there are 4-10-3, "):
            alone.main()


@pytest.mark.parametrize("option", ["--epochs", "--threads"])
def test_numbers_that_make_no_training(option, monkeypatch, capsys):
    """They are told before anything is loaded."""
    monkeypatch.setattr(sys, "argv", ["alone", "4-10-3", option, "0"])
    with pytest.raises(SystemExit):
        alone.main()
    assert f"argument {option}: invalid" in capsys.readouterr().err

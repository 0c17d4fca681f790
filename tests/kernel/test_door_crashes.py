"""Numbers that could crash the kernel are refused at its door: tried in another process, which may."""

import os
import subprocess
import sys
from functools import cache

import pytest

from schuss.engine import native

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")

CRASHES = {
    "columns beyond the inputs": "**csr(columns=np.array([0, 0, 1, 10**9], np.int32))",
    "columns below 0": "**csr(columns=np.array([-(10**9), 0, 1, 1], np.int32))",
    "starts beyond the nonzeros": "**csr(starts=np.array([0, 1, 1, 3, 10**12]))",
    "starts below 0": "**csr(starts=np.array([-(10**12), 1, 1, 3, 4]))",
    "starts backwards": "**csr(starts=np.array([0, 1, 10**12, 3, 4]))",
    "no starts": "**csr(starts=np.zeros(0, int))",
    "no sparse rows": "**csr(starts=np.zeros(1, int)), t=np.ones((0, 1))",
    "batch size 0": "batch_size=0",
    "batch size below 0": "batch_size=-1",
    "first place beyond the epoch": "first_place=10**8",
    "first place below 0": "first_place=-(10**8)",
    "order beyond the data": "order=np.full((2, N), 10**9, np.int32)",
    "order below 0": "order=np.full((2, N), -(10**9), np.int32)",
    "class beyond the outputs": "t=None, classes=np.full(N, 10**9, np.int32)",
    "class below 0": "t=None, classes=np.full(N, -(10**9), np.int32)",
    "no samples": "x=np.ones((0, 2)), t=np.ones((0, 1))",
    "unknown activation": "problem=_kernel.Problem([2, 3, 1], [99, 0], 0, [0.0], True, [1])",
    "unknown loss": "problem=_kernel.Problem([2, 3, 1], [2, 0], 99, [0.0], True, [1])",
    "a watched weight beyond theta": "**seen(weights=np.array([0, PARAMETERS]))",
    "a watched weight far beyond theta": "**seen(weights=np.array([0, 10**15]))",
    "a watched weight below 0": "**seen(weights=np.array([-(10**15), 0]))",
    "norms of every step but none": "norms=(0, 0, np.empty((3, 3)))",
    "norms of every step less than none": "norms=(-1, 0, np.empty((3, 3)))",
    "norms from before the first step": "norms=(2, -(10**6), np.empty((500_001, 3)))",
    "norms from beyond the first": "norms=(2, 10**15, np.empty((0, 3)))",
    "unknown rule": "rule=99",
    "rule below 0": "rule=-1",
    "a layer of 0 units": (
        "theta=np.zeros(1), memory=np.zeros((1, 1)), new_theta=np.zeros(1), new_memory=np.zeros((1, 1)), "
        "problem=_kernel.Problem([2, 0, 1], [2, 0], 0, [0.0], True, [1])"
    ),
}


def attempt(changes: str) -> str:
    return (
        "try:\n"
        f"    _kernel.advance(**arguments({changes}))\n"
        "except (TypeError, ValueError):\n"
        "    print('refused', flush=True)\n"
        "else:\n"
        "    print('taken', flush=True)\n"
    )


def what_becomes_of(calls: dict[str, str], seconds: float = 60.0) -> dict[str, str]:
    """Make the calls in another process, which may crash: a new one goes on behind the call that did it."""
    told: dict[str, str] = {}
    while left := [name for name in calls if name not in told]:
        words, end = made_elsewhere([calls[name] for name in left], seconds)
        if len(words) == len(left) and end:  # one of them broke what was needed later
            words = [end] * len(left)
        told.update(zip(left, [*words, end], strict=False))
    return told


def made_elsewhere(calls: list[str], seconds: float) -> tuple[list[str], str]:
    """Return a word for each call that came back, and how the process ended where it did not end well."""
    here = os.path.dirname(__file__)  # noqa: PTH120  # a path entry is text
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])}
    names = "import os\nfrom door_arguments import N, PARAMETERS, _kernel, arguments, csr, np, seen\n"
    command = [sys.executable, "-c", names + "".join(map(attempt, calls))]
    with subprocess.Popen(  # noqa: S603  # this interpreter
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    return out.split(), f"{process.returncode}: {err}" if process.returncode else ""


what_became = cache(lambda: what_becomes_of(CRASHES))


@pytest.mark.parametrize("name", CRASHES)
def test_bad_numbers_are_refused(name):
    """A number out of range is a TypeError or ValueError."""
    assert what_became()[name] == "refused"


def test_a_call_that_crashes_is_told():
    """It is the one that is blamed, and those behind it are made."""
    told = what_becomes_of({"a": "batch_size=0", "b": "rule=os.abort()", "c": "", "d": "batch_size=0"})
    assert (told["a"], told["c"], told["d"]) == ("refused", "taken", "refused")
    assert told["b"].startswith("-6: ")
    late = {"a": "batch_size=0", "b": "rule=__import__('atexit').register(os._exit, 3)"}
    assert [each[:3] for each in what_becomes_of(late).values()] == ["3: ", "3: "]


@pytest.mark.slow
def test_a_call_that_hangs_is_told():
    """Its process is killed after a while."""
    told = what_becomes_of({"a": "batch_size=0", "b": "rule=__import__('time').sleep(99)"}, 10.0)
    assert told["a"] == "refused"
    assert told["b"].startswith("-9: ")

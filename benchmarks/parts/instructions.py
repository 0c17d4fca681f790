"""The kernel's instructions in a step, by callgrind: the same on every run, however busy the machine is.

valgrind shows a program a processor without AVX-512, so these are the instructions of AVX2.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.cases import CASES as TRAININGS
from benchmarks.cases import Case, samples, write
from benchmarks.lines import Line
from benchmarks.peaks import flops_per_sample

PART = "instructions"
EPOCHS = (1, 3)  # their difference is free of what comes once
LANES = 8  # of float32 in a vector of AVX2
CALLGRIND = ("--tool=callgrind", "--compress-pos=no", "--compress-strings=no")
SMALL = ("4-10-3", "30-64-32-2", "64-128-10", "784-128-10")


def in_kernel(profile: Path) -> int:
    """Return the instructions that a profile counts in our kernel."""
    total, ours, of_a_call = 0, False, False
    for line in profile.read_text().splitlines():
        if line.startswith("ob="):
            ours = Path(line[3:]).name.startswith("_kernel")
        elif line.startswith("calls="):
            of_a_call = True  # its cost, in the next line, is counted where it arises
        elif line[:1].isdigit():
            total += int(line.split()[1]) if ours and not of_a_call else 0
            of_a_call = False
    return total


def counted(task: Path, epochs: int) -> int:
    """Return the instructions of our kernel in a training on one thread."""
    profile = task.with_name(f"{epochs}.callgrind")
    training = [sys.executable, "-m", "benchmarks.alone", str(task), "--epochs", str(epochs)]
    command = ["valgrind", *CALLGRIND, f"--callgrind-out-file={profile}", *training]
    subprocess.run(command, check=True, capture_output=True)
    return in_kernel(profile)


def instructions(case: Case, runs: int) -> Iterator[Line]:  # noqa: ARG001  # one signature; each run gives the same
    """Count those of one step."""
    if not shutil.which("valgrind"):
        yield Line(PART, case.name, "schuss", None, "", note="valgrind is not installed")
        return
    n = len(samples(case)[0])
    with tempfile.TemporaryDirectory() as folder:
        write(case, Path(folder))
        few, more = (counted(Path(folder) / "task.npz", epochs) for epochs in EPOCHS)
    steps = (EPOCHS[1] - EPOCHS[0]) * case.plan(1).steps_per_epoch(n)
    each = (more - few) / steps
    products = flops_per_sample(case.layers) * case.plan(1).batch_of(n) / (2 * LANES)
    note = "ratio: by vectors multiplied and added"
    yield Line(PART, case.name, "schuss", each, "a step", each / products, note=note)


CASES = {f"{PART} {case.name}": partial(instructions, case) for case in TRAININGS if case.name in SMALL}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

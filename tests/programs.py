"""Programs of a test's own: in C++, that ask a header of the kernel; in Python, in a process of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[1] / "src/kernel"


def compiled(source: str, room: Path, *options: str) -> Path:
    """Return a program of this source, made in a folder. Without a compiler tests are skipped, but in CI."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        if os.environ.get("SCHUSS_REQUIRE_KERNEL"):
            pytest.fail("no C++ compiler, which SCHUSS_REQUIRE_KERNEL asks for")
        pytest.skip("no C++ compiler")
    (room / "program.cpp").write_text(source)
    flags = ["-std=c++17", "-pthread", f"-I{KERNEL}", *options]
    command = [compiler, *flags, "-o", room / "program", room / "program.cpp"]
    subprocess.run(command, check=True)  # noqa: S603  # our own program
    return room / "program"


def told_by(program: Path, asked: str) -> list[list[int]]:
    """Return the numbers that a program says, line by line."""
    made = subprocess.run([program], input=asked, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # likewise
    return [[int(number) for number in line.split()] for line in made.stdout.splitlines()]


def told_by_python(script: str, **environment: str) -> list[str]:
    """Return the words that a script prints, in a process of its own where BLAS has one thread."""
    made = subprocess.run(  # noqa: S603  # likewise
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
    )
    return made.stdout.split()

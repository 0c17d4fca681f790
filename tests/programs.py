"""Programs in C++ that ask a header of the kernel, for decisions that hang on time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[1] / "src/kernel"


def compiled(source: str, room: Path) -> Path:
    """Return a program of this source, made in a folder. Without a compiler tests are skipped, but in CI."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        if os.environ.get("SCHUSS_REQUIRE_KERNEL"):
            pytest.fail("no C++ compiler, which SCHUSS_REQUIRE_KERNEL asks for")
        pytest.skip("no C++ compiler")
    (room / "program.cpp").write_text(source)
    flags = ["-std=c++17", "-pthread", f"-I{KERNEL}"]
    command = [compiler, *flags, "-o", room / "program", room / "program.cpp"]
    subprocess.run(command, check=True)  # noqa: S603  # our own program
    return room / "program"


def told_by(program: Path, asked: str) -> list[list[int]]:
    """Return the numbers that a program says, line by line."""
    made = subprocess.run([program], input=asked, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # likewise
    return [[int(number) for number in line.split()] for line in made.stdout.splitlines()]

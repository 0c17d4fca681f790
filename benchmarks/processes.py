"""Whole processes: how long they take and how much memory they hold at most; and memory limits for them.

A child's peak memory counts from what its parent held, so a small process that has loaded nothing starts
it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

# Enters a cgroup if one is named, starts the rest of its arguments, and says how it went.
STARTER = """
import json, os, subprocess, sys, time
if sys.argv[1]:
    open(sys.argv[1], "w").write(str(os.getpid()))
began = time.perf_counter()
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
told = process.stdout.read()
_, status, used = os.wait4(process.pid, 0)
seconds = time.perf_counter() - began
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss * 1024, told.decode()]))
"""


class Whole(NamedTuple):
    """What became of a process."""

    code: int
    seconds: float
    bytes: float  # at most held in memory
    told: str  # on its standard output


def run_whole(command: list[str], group: str = "") -> Whole:
    """Run a command to its end in a folder of its own, in a memory group if one is given."""
    starter = [sys.executable, "-I", "-S", "-c", STARTER, group, *command]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(starter, capture_output=True, text=True, check=True, cwd=folder)
    return Whole(*json.loads(done.stdout))


def run_python(arguments: list[str], group: str = "") -> Whole:
    """Run this Python to its end."""
    return run_whole([sys.executable, *arguments], group)


@contextmanager
def memory_group(limit: int) -> Iterator[str]:
    """Make a control group of at most `limit` bytes, page cache included; yield its list, or "" without."""
    group = _new_group(limit)
    try:
        yield str(group / "cgroup.procs") if group else ""
    finally:
        if group:
            group.rmdir()


def _new_group(limit: int) -> Path | None:
    """Return a group of that limit, or None where this process may not make one."""
    for base in _bases():
        group = base / f"schuss-benchmark-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            files = [group / name for name in ("memory.max", "memory.limit_in_bytes")]
            if told := [file for file in files if file.exists()]:
                told[0].write_text(str(limit))
                return group
            group.rmdir()
    return None


def _bases() -> list[Path]:
    """Return where a control group of memory may be made, most fitting first."""
    root, found = Path("/sys/fs/cgroup"), []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "memory" in controllers.split(","):
                found += [root / "memory" / path.lstrip("/"), root / "memory"]
            if not controllers:
                found += [root / path.lstrip("/"), root]
    return [base for base in found if base.is_dir()]

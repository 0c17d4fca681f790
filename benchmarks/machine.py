"""On what was measured: processor, instruction set, compiler, libraries, date."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from schuss.engine.native import NativeEngine

FURTHER = ("scipy", "matplotlib", "mlpack")


def processor() -> str:
    """Return the processor's name and model numbers, as far as the system tells them."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() or platform.machine()
    lines = (line.partition(":") for line in path.read_text().splitlines())
    said = {name.strip(): value.strip() for name, _, value in lines}
    numbers = ", ".join(f"{name} {said[name]}" for name in ("cpu family", "model") if name in said)
    return f"{said.get('model name', platform.machine())} ({numbers})" if numbers else platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of all libraries that are here."""
    found = {"Python": platform.python_version()}
    for name in dict.fromkeys([*(package for _, package in PEERS.values()), *FURTHER]):
        for package in (name, name.replace("-cpu", "")):
            try:
                found.setdefault(name, version(package))
            except PackageNotFoundError:
                continue
    return found


def commit() -> str:
    """Return what of the sources is measured, as git names it; empty outside a checkout."""
    git, folder = shutil.which("git"), Path(__file__).parents[1]
    if not git or not (folder / ".git").exists():
        return ""
    command = [git, "-C", str(folder), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> dict[str, Any]:
    """Return everything that a number needs beside it."""
    info = NativeEngine().info
    return {
        "commit": commit(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "load before": round(os.getloadavg()[0], 2),  # beside an idle machine's 0, all numbers are rough
        "system": f"{platform.system()} {platform.release()}",
        "instruction set": info.instruction_set,
        "compiler": info.compiler,
        "versions": versions(),
    }

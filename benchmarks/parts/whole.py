"""Whole processes on digits: `schuss train digits` and the shortest equivalent scripts.

Wall time and peak memory, best of three, from start to exit: `schuss train digits` as anybody would call it,
recording included, and scripts whose network, split, batch size and number of epochs are the same. And wall
time of the scripts in benchmarks/scripts until 97 % test accuracy is reached, the middle one of three seeds.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import benchmarks
import schuss
from benchmarks.lines import Line
from benchmarks.processes import Whole, run_python

PART = "whole"
SCRIPTS = Path(benchmarks.__file__).parent / "scripts"
PEERS = ("sklearn", "torch", "jax")
GOAL = 0.97
TIMES = 3


def best(commands: dict[str, list[str]]) -> dict[str, Whole]:
    """Return the fastest of a few runs of each command, in turn, with the least memory of all."""
    ends = {who: [] for who in commands}
    for _ in range(TIMES):
        for who, command in commands.items():
            ends[who].append(run_python(command))
    return {
        who: min(each, key=lambda end: (end.code, end.seconds))._replace(bytes=min(end.bytes for end in each))
        for who, each in ends.items()
    }


def here() -> list[str]:
    """Return the peers that are installed."""
    return [peer for peer in PEERS if importlib.util.find_spec(peer)]


def reached(end: Whole) -> tuple[int, float]:
    """Return the epochs that a process trained, and its test accuracy."""
    if end.told.startswith("{"):  # schuss train --json
        told = json.loads(end.told)
        return told["epochs"], told["test"]["accuracy"]
    epochs, score = end.told.split()
    return int(epochs), float(score)


def lines_of(case: str, ends: dict[str, Whole], *, memory: bool) -> Iterator[Line]:
    """Return lines of time, and of memory, with ratios to the first of all."""
    first = next(iter(ends.values()))
    for who, end in ends.items():
        if end.code:
            yield Line(PART, case, who, None, "s", failed=f"FAILED: exit code {end.code}")
            continue
        ratio = None if end is first else end.seconds / first.seconds
        epochs, score = reached(end)
        note = f"{epochs} epochs, test accuracy {score:.3f}"
        yield Line(PART, case, who, end.seconds, "s", ratio, None if ratio is None else 1.0, note=note)
        if memory:
            ratio = None if end is first else end.bytes / first.bytes
            yield Line(
                PART, case, f"{who}, memory", end.bytes / 2**20, "MiB", ratio, None if ratio is None else 1.0
            )


def processes() -> Iterator[Line]:
    """Run `schuss train digits` and scripts of as many epochs."""
    commands = {"schuss train digits": ["-m", "schuss", "train", "digits", "--quiet", "--json"]}
    commands |= {peer: [str(SCRIPTS / f"{peer}_digits.py")] for peer in here()}
    ends = best(commands)
    if len({reached(end)[0] for end in ends.values() if not end.code}) > 1:
        raise SystemExit("the processes train different numbers of epochs")
    yield from lines_of("processes", ends, memory=True)


def accuracy() -> Iterator[Line]:
    """Run whole processes that end at 97 % test accuracy, from several first weights and orders."""
    names, middle = ["schuss", *here()], {}
    ends = {name: [] for name in names}
    for seed in range(TIMES):
        for name in names:
            ends[name].append(run_python([str(SCRIPTS / f"{name}_digits.py"), str(GOAL), str(seed)]))
    for name, each in ends.items():
        failed = [end for end in each if end.code or reached(end)[1] < GOAL]
        middle[name] = failed[0] if failed else sorted(each, key=lambda end: end.seconds)[TIMES // 2]
    for line in lines_of("accuracy", middle, memory=False):
        if line.failed or reached(middle[line.who])[1] >= GOAL:
            epochs = sorted(reached(end)[0] for end in ends[line.who] if not end.code)
            yield replace(line, note=f"{', '.join(map(str, epochs))} epochs")
        else:
            yield Line(PART, "accuracy", line.who, None, "s", failed="NOT REACHED", note=line.note)


CASES = {"processes": processes, "accuracy": accuracy}


def run(names: list[str], runs: int) -> Iterator[Line]:  # noqa: ARG001  # one signature for all parts
    """Measure the named cases."""
    # as pip does on installing; an editable schuss would else be compiled anew where bytecode is not written
    compileall.compile_dir(Path(schuss.__file__).parent, quiet=1)
    for name in names:
        yield from CASES[name]()

"""Whole processes on digits: `schuss train digits` and the shortest equivalent scripts.

Wall time and peak memory, best of two, from start to exit: `schuss train digits` as anybody would call it,
recording included, and scripts whose network, split, batch size and number of epochs are the same. And wall
time of the scripts in benchmarks/scripts until 97 % test accuracy is reached, from one seed. Where one of the
peers took less than twice the time of schuss, all are asked until there are three runs of each: the best, or
the middle one.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
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
CLEAR = 2.0  # times as long as schuss: no further run would bring such a peer near


def in_turn(commands: dict[str, Callable[[int], list[str]]], least: int) -> dict[str, list[Whole]]:
    """Return as many runs of each command, which is told its number: three where a peer is near the first."""
    ends: dict[str, list[Whole]] = {who: [] for who in commands}
    for time in range(TIMES):
        ours, *peers = ends.values()
        if time >= least and all(is_clear(each, ours) for each in peers):
            break
        for who, command in commands.items():
            ends[who].append(run_python(command(time)))
    return ends


def is_clear(peer: list[Whole], ours: list[Whole]) -> bool:
    """Whether each run of a peer took far longer than each of ours, or failed."""
    slowest = max(end.seconds for end in ours)
    return all(end.code or end.seconds > CLEAR * slowest for end in peer)


def best(each: list[Whole]) -> Whole:
    """Return the fastest of some runs, with the least memory of all."""
    fastest = min(each, key=lambda end: (end.code, end.seconds))
    return fastest._replace(bytes=min(end.bytes for end in each))


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


def script(name: str, seed: int, goal: float | None = None) -> list[str]:
    """Return the command of a script, which ends at an accuracy if one is given."""
    return [str(SCRIPTS / f"{name}_digits.py"), *([] if goal is None else [str(goal), str(seed)])]


def processes() -> Iterator[Line]:
    """Run `schuss train digits` and scripts of as many epochs."""
    commands = {"schuss train digits": lambda _: ["-m", "schuss", "train", "digits", "--quiet", "--json"]}
    commands |= {peer: partial(script, peer) for peer in here()}
    ends = {who: best(each) for who, each in in_turn(commands, least=2).items()}
    if len({reached(end)[0] for end in ends.values() if not end.code}) > 1:
        raise SystemExit("the processes train different numbers of epochs")
    yield from lines_of("processes", ends, memory=True)


def accuracy() -> Iterator[Line]:
    """Run whole processes that end at 97 % test accuracy, each from first weights and orders of its own."""
    middle = {}
    ends = in_turn({name: partial(script, name, goal=GOAL) for name in ("schuss", *here())}, least=1)
    for name, each in ends.items():
        failed = [end for end in each if end.code or reached(end)[1] < GOAL]
        middle[name] = failed[0] if failed else sorted(each, key=lambda end: end.seconds)[len(each) // 2]
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

"""One training of the benchmark and nothing beside it, for a profiler to look at.

    perf record python -m benchmarks.alone 784-128-10 --epochs 200
    valgrind --tool=callgrind python -m benchmarks.alone 784-128-10

A case is named as in the table of trainings, or is a file that `benchmarks.cases.write` wrote.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.clock import Clock
from benchmarks.peers import Task, read, schuss


def task_of(case: str) -> Task:
    """Return what is to be trained."""
    if Path(case).is_file():
        return read(Path(case))
    from benchmarks.cases import CASES, write  # scikit-learn comes with it: seconds under a profiler

    named = {each.name: each for each in CASES}
    if case not in named:
        raise SystemExit(f"there is no {case}; there are {', '.join(named)}")
    with tempfile.TemporaryDirectory() as folder:
        write(named[case], Path(folder))
        return read(Path(folder) / "task.npz")


def count(text: str) -> int:
    """Return a number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main() -> None:
    """Train, and say how long a step took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alone", description=__doc__.splitlines()[0])
    parser.add_argument("case", help="the name of a training, or a file")
    parser.add_argument("--epochs", type=count, default=1, help="default: 1")
    parser.add_argument("--threads", type=count, default=1, help="default: 1")
    options = parser.parse_args()
    task = task_of(options.case)
    schuss.setup(options.threads)
    train = schuss.prepare(task, "train")
    with Clock() as clock:
        train(options.epochs)
    print(f"{clock.seconds / (options.epochs * task.steps) * 1e6:.4g} µs/step")


if __name__ == "__main__":
    main()

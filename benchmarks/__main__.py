"""schuss against named peers and against the machine: one command, one table.

    python -m benchmarks [--only NAME[,NAME …]] [--json FILE] [--tables FILE] [--picture FILE] [--runs 5]
    python -m benchmarks --list

The exit code is 1 where a peer disagrees or fails, since a wrong result has no speed; a missed target is
printed, and no failure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.clock import Others
from benchmarks.lines import Line
from benchmarks.machine import machine
from benchmarks.page import write_tables
from benchmarks.parts import bfloat16, instructions, record, scale, sparse, sweep, tail, threads, train, whole
from benchmarks.peers import WITHOUT
from benchmarks.report import HEAD, head, row, write_json

USUAL = {part.PART: part for part in (train, tail, sparse, whole, scale, threads, sweep)}
PARTS = USUAL | {part.PART: part for part in (record, bfloat16, instructions)}


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    usual = ",".join(USUAL)
    parser.add_argument("--only", metavar="NAME[,NAME]", help=f"parts or single cases; default: {usual}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="write the tables of a page, in Markdown")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the trainings to this PNG or SVG")
    parser.add_argument("--runs", type=int, default=5, help="of each peer, interleaved; default: 5")
    parser.add_argument("--list", action="store_true", help="print the names of parts and cases")
    options = parser.parse_args()
    options.chosen = chosen(parser, options.only)
    for path in filter(None, (options.json, options.tables, options.picture)):
        if not path.absolute().parent.is_dir():  # told now, not when all is measured
            parser.error(f"there is no folder {path.parent} for {path.name}")
    return options


def chosen(parser: argparse.ArgumentParser, only: str | None) -> dict[str, list[str]]:
    """Return the chosen cases of each part."""
    names = set(only.split(",")) if only else set(USUAL)
    known = set(PARTS).union(*(part.CASES for part in PARTS.values()))
    if names - known:
        parser.error(f"there is no {', '.join(sorted(names - known))}; --list prints all names")
    found = {name: [case for case in part.CASES if {name, case} & names] for name, part in PARTS.items()}
    return {name: cases for name, cases in found.items() if cases}


def measure(cases: dict[str, list[str]], runs: int) -> Iterator[Line]:
    """Measure and print."""
    for name, chosen_cases in cases.items():
        print(f"\n{PARTS[name].__doc__.splitlines()[0]}", flush=True)
        last, began = "", time.perf_counter()
        for line in PARTS[name].run(chosen_cases, runs):
            print(("\n" if line.case != last and name == train.PART else "") + row(line), flush=True)
            last = line.case
            yield line
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    """Do what the command line says."""
    options = arguments()
    if options.list:
        for name, part in PARTS.items():
            print(f"{name}: {', '.join(part.CASES)}")
        return
    began, found, others = time.perf_counter(), machine(), Others()
    print(head(found))
    for reason in WITHOUT.values():
        print(reason)
    print(f"\n{HEAD}")
    lines = list(measure(options.chosen, options.runs))
    seconds = time.perf_counter() - began
    missed = [line for line in lines if line.verdict == "MISSED"]
    found["cores busy with other processes"] = round(others.cores(), 2)
    print(f"\n{len(lines)} lines in {seconds:.0f} s; {len(missed)} targets missed")
    print(f"other processes kept {found['cores busy with other processes']} cores busy meanwhile")
    if options.json:
        write_json(options.json, found, lines, seconds)
    if options.tables:
        write_tables(options.tables, lines)
    if options.picture:
        from benchmarks.picture import draw

        if not draw(options.picture, found, lines):
            print("no picture: no training was measured")
    if any(line.failed for line in lines):
        raise SystemExit("a peer disagrees or failed")


if __name__ == "__main__":
    main()

"""Published tables, made again with schuss: what was printed beside what comes out here.

    python -m benchmarks.papers [--only NAME …] [--trials N] [--json | --markdown] [--list]

A line that does not match is printed as NOT REPRODUCED with the reason; one without a reason makes the exit
code 1.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.machine import machine
from benchmarks.papers.paper import Reproduced
from benchmarks.papers.report import as_json, as_markdown, as_text, made_on, summary
from benchmarks.papers.table import PAPERS


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.papers", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=PAPERS, help=f"of {', '.join(PAPERS)}")
    parser.add_argument("--trials", type=int, metavar="N", help="seeds, instead of each table's own number")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all of it as JSON")
    form.add_argument("--markdown", action="store_true", help="print the tables as in docs/reproductions.md")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    if options.trials is not None and options.trials < 1:
        parser.error(f"--trials must be at least 1; got {options.trials}")
    return options


def main() -> None:
    """Do what the command line says."""
    options = arguments()
    if options.list:
        print("\n".join(f"{name:<14}{paper.title}" for name, paper in PAPERS.items()))
        return
    made: list[Reproduced] = []
    for name in options.only or PAPERS:
        made.append(PAPERS[name].reproduce(options.trials))
        if options.markdown:
            print(as_markdown(made[-1]) + "\n", flush=True)
        elif not options.json:
            print(as_text(made[-1]) + "\n", flush=True)
    if options.json:
        print(json.dumps(as_json(made, machine()), indent=1, ensure_ascii=False))
    else:
        print(f"{summary(made)}\n{made_on(machine())}")
    if any(one.unexplained for one in made):
        raise SystemExit("lines that do not match and give no reason: see the tables")


if __name__ == "__main__":
    main()

"""The lines as the two tables of docs/performance.md: trainings by peer, and everything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.lines import Line
from benchmarks.parts import train
from benchmarks.report import number

OURS, ALONE = train.OURS, train.ALONE
PEERS = {
    "jax": "JAX",
    "torch": "PyTorch",
    "torch_tuned": "PyTorch by hand",
    "sklearn": "scikit-learn",
    "numpy": "NumPy",
    "tensorflow": "TensorFlow",
}
SHARES = {"share of 1 core": "share of one core", "share of 2 cores": "of two"}
WHAT = {OURS: "schuss, µs a step", ALONE: "one thread", **PEERS, **SHARES}


def write_tables(path: Path, lines: Sequence[Line]) -> None:
    """Write both tables as Markdown."""
    trainings = [line for line in lines if line.part == train.PART]
    others = [line for line in lines if line.part != train.PART]
    path.write_text("\n".join([*_by_peer(trainings), "", *_in_turn(others), ""]), encoding="utf-8")


def _by_peer(lines: Sequence[Line]) -> list[str]:
    """Return a row for each network, a column for each peer."""
    cells = {(line.case, line.who): _cell(line) for line in lines}
    cases = dict.fromkeys(line.case for line in lines)
    rows = (_row(case, *(cells.get((case, who), "") for who in WHAT)) for case in cases)
    return [_head("network", *WHAT.values()), *rows]


def _cell(line: Line) -> str:
    """Return our time, or how many times faster we are, and what is wanted."""
    shown = line.value if line.who in (OURS, ALONE) else line.ratio
    if shown is None:
        return line.failed
    return " ".join(filter(None, [number(shown), _wanted(line, "({})"), _missed(line)]))


def _in_turn(lines: Sequence[Line]) -> list[str]:
    """Return a row for each line."""
    return [_head("part", "what", "value", "ratio", "target", "", "how"), *map(_all_of, lines)]


def _all_of(line: Line) -> str:
    value = "" if line.value is None else f"{number(line.value)} {line.unit}"
    ratio = "" if line.ratio is None else number(line.ratio)
    verdict = _missed(line) or line.verdict
    return _row(line.case, line.who, value, ratio, _wanted(line, "{}"), verdict, line.note)


def _wanted(line: Line, form: str) -> str:
    return "" if line.target is None else form.format(f"{'≤' if line.at_most else '≥'} {line.target:g}")


def _missed(line: Line) -> str:
    return "**missed**" if line.verdict == "MISSED" else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*names: str) -> str:
    return f"{_row(*names)}\n{_row(*['---'] * len(names))}"

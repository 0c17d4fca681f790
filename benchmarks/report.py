"""The lines as one table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.lines import Line

HEAD = f"{'case':<20}{'who':<30}{'value':>11} {'unit':<9}{'ratio':>8}{'target':>9}  verdict"


def row(line: Line) -> str:
    """Return one row of the table."""
    value = "" if line.value is None else number(line.value)
    ratio = "" if line.ratio is None else number(line.ratio)
    sign = "≤" if line.at_most else "≥"
    target = "" if line.target is None else f"{sign} {line.target:g}"
    measured = f"{line.case:<20}{line.who:<30}{value:>11} {line.unit:<9}"
    return f"{measured}{ratio:>8}{target:>9}  {line.verdict:<7}{line.note}".rstrip()


def number(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def head(machine: dict[str, Any]) -> str:
    """Return what stands above everything."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    rest = "; ".join(f"{name} {value}" for name, value in machine.items() if name != "versions")
    return f"{rest}\n{libraries}"


def write_json(path: Path, machine: dict[str, Any], lines: Iterable[Line], seconds: float) -> None:
    """Write everything to a file."""
    rows = [asdict(line) | {"verdict": line.verdict} for line in lines]
    text = json.dumps({"machine": machine, "seconds": seconds, "lines": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")

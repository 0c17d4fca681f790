"""Many small networks at once: `schuss.sweep` beside JAX's vmap and batched NumPy.

The ratio is how many times faster we are; networks, peers and ways are those of benchmarks/sweep.py. It runs
JAX in this process, so it comes last.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from benchmarks.lines import Line
from benchmarks.sweep import rows

PART = "sweep"
CASES = ("sweep",)


def run(names: list[str], runs: int) -> Iterator[Line]:  # noqa: ARG001  # one signature for all parts
    """Measure everything, if JAX is there."""
    if not importlib.util.find_spec("jax"):
        print("sweep is left out: jax is not installed")
        return
    try:
        for row in rows():
            who, note = f"{row.name}: {row.peer}", f"{row.peer}: {row.theirs:.3g} {row.unit}"
            yield Line(PART, PART, who, row.ours, row.unit, row.ratio, row.target, note=note)
    except AssertionError as error:
        told = " ".join(str(error).split())[:80]
        yield Line(PART, PART, "schuss", None, "", failed=f"DISAGREES: {told}")

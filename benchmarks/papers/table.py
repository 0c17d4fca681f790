"""The table of all reproductions: the command, the docs and the tests are built from it."""

from __future__ import annotations

from benchmarks.papers.autoencoder import AUTOENCODER
from benchmarks.papers.edge import EDGE
from benchmarks.papers.encoders import ENCODERS
from benchmarks.papers.equal_rates import EQUAL_RATES
from benchmarks.papers.exclusive_or import HIDDEN_UNITS, XOR
from benchmarks.papers.neupy import NEUPY
from benchmarks.papers.noise import NOISE
from benchmarks.papers.paper import Paper
from benchmarks.papers.resilient import RESILIENT
from benchmarks.papers.symmetry import SYMMETRY
from benchmarks.papers.three_cycle import THREE_CYCLE
from benchmarks.papers.threshold import THRESHOLD
from benchmarks.papers.worked_unit import BLOCK, WORKED_UNIT

__all__ = ["PAPERS"]

PAPERS: dict[str, Paper] = {
    paper.name: paper
    for paper in (
        *(NEUPY, ENCODERS, RESILIENT, EQUAL_RATES, XOR, HIDDEN_UNITS, SYMMETRY, AUTOENCODER),
        *(NOISE, THRESHOLD, THREE_CYCLE, WORKED_UNIT, BLOCK, EDGE),
    )
}

"""Rows that are mostly zeros: as CSR against the same rows dense.

Momentum, batch 32, float32, one thread, whole calls in turn. Both first train as many epochs, and must end
in equal weights, memory and losses: what differs has no speed. Equal by ==, which takes no notice of the
sign of a zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from benchmarks.clock import Clock, disturbed
from benchmarks.lines import Line
from schuss import Momentum, Network, Run, train

PART = "sparse"
ROWS, BATCH = 4000, 32
TARGET = 5.0
TIMES = 3


@dataclass(frozen=True)
class Case:
    """How wide and how full the rows are, and how many epochs a timed run of either kind has."""

    columns: int
    density: float
    sparse_epochs: int
    dense_epochs: int

    @property
    def name(self) -> str:
        """Columns and density."""
        return f"{self.columns}/{100 * self.density:g}%"

    def inputs(self) -> Any:
        """Return the rows as CSR."""
        source = np.random.default_rng(0)
        return scipy.sparse.random(
            ROWS,
            self.columns,
            self.density,
            format="csr",
            dtype=np.float32,
            random_state=source,
            data_rvs=lambda count: source.standard_normal(count, np.float32),
        )

    def train(self, X: Any, epochs: int) -> Run:
        """Train on either kind of rows."""
        network, y = Network((self.columns, 128, 10), "relu", "cross_entropy"), np.arange(ROWS) % 10
        return train(network, X, y, rule=Momentum(0.01, 0.9), epochs=epochs, batch_size=BATCH, threads=1)

    def timed(self, X: Any, epochs: int) -> tuple[float, float]:
        """Return the seconds of a step, and the cores that were busy."""
        with Clock() as clock:
            self.train(X, epochs)
        return clock.seconds / (epochs * -(-ROWS // BATCH)), clock.cores


def equal(a: Run, b: Run) -> bool:
    """Whether two runs ended in equal weights and memory and had equal losses."""
    pairs = ((a.state.theta, b.state.theta), (a.state.memory, b.state.memory), (a.loss, b.loss))
    return all(np.array_equal(mine, other) for mine, other in pairs)


def lines_of(case: Case, runs: int) -> Iterator[Line]:
    """Measure one case."""
    sparse = case.inputs()
    dense = sparse.toarray()
    if not equal(*(case.train(X, case.dense_epochs) for X in (sparse, dense))):
        yield Line(PART, case.name, "CSR", None, "µs/step", failed="OTHER NUMBERS than dense")
        return
    taken = [
        (case.timed(sparse, case.sparse_epochs), case.timed(dense, case.dense_epochs))
        for _ in range(min(runs, TIMES))
    ]
    times = np.array(taken)  # (runs, kinds, 2)
    (ours, theirs), (our_cores, cores) = np.median(times, axis=0).T
    ratio = float(np.median(times[:, 1, 0] / times[:, 0, 0]))
    yield Line(PART, case.name, "dense", theirs * 1e6, "µs/step", note=disturbed(cores))
    note = f"equal to dense after {case.dense_epochs} epochs {disturbed(our_cores)}"
    yield Line(PART, case.name, "CSR", ours * 1e6, "µs/step", ratio, TARGET, note=note)


CASES = {case.name: case for case in (Case(2000, 0.01, 40, 40), Case(20_000, 0.001, 40, 2))}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from lines_of(CASES[name], runs)

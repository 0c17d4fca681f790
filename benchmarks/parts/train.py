"""Time of a training step against every peer, and as a share of what the processor could do.

A short trial finds for each peer the better number of threads and way. Then all are timed in turn, run by
run, each from its first weights to its last, compilation and warm-up not counted; a ratio is the median of
the runs' own ratios. Before that everyone trains the same few epochs, and whose loss differs from ours by
more than AGREEMENT has no speed.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import CASES as TRAININGS
from benchmarks.cases import Case, loss_of, samples, write
from benchmarks.clock import disturbed
from benchmarks.lines import Line
from benchmarks.peaks import flops_per_sample, larger, peaks
from benchmarks.peers import PEERS
from benchmarks.workers import PeerError, Worker, Workers

PART = "train"
AGREEMENT = 1e-3
RUN_SECONDS = 0.25  # of one run: short enough for all peers, long enough for the clock
TRIAL_SECONDS = 0.04
OURS = "schuss"
ALONE = "schuss, 1 thread"
TWO_CORES = 1.2  # busy: it ran on two, even if others took a part of them


class Times(NamedTuple):
    """Of one peer."""

    seconds: NDArray[np.float64]  # per step, shape (runs,)
    cores: float  # busy, on average

    @property
    def median(self) -> float:
        """Seconds per step."""
        return float(np.median(self.seconds))


def variants_of(worker: Worker) -> tuple[str, ...]:
    """Return the ways of a peer."""
    return importlib.import_module(f"benchmarks.peers.{worker.peer}").VARIANTS


class Contest:
    """One case: who takes part, how, and how fast."""

    def __init__(self, case: Case, workers: Workers, folder: Path) -> None:
        self.case, self.folder = case, folder
        write(case, folder)
        self.rows = len(samples(case)[0])
        self.steps = self.rows // (case.batch or self.rows)
        self.lines: list[Line] = []
        self.loss = float("nan")  # ours
        names = [name for name in workers.peers if name == OURS or name in (case.peers or PEERS)]
        default, alone = workers.of(OURS)
        self._warm_up([worker for name in names for worker in workers.of(name)])
        self.chosen: dict[str, Worker] = {}
        self.epochs: dict[str, int] = {}
        for name, candidates in [
            (OURS, [default]),
            (ALONE, [alone]),
            *((name, workers.of(name)) for name in names if name != OURS),
        ]:
            self._admit(name, candidates)

    def _warm_up(self, workers: list[Worker]) -> None:
        """Let all compile side by side: nobody is timed yet. Who fails is told when it is asked again."""

        def compile_all(worker: Worker) -> None:
            with suppress(PeerError):
                for variant in variants_of(worker):
                    worker.prepare(self.folder / "task.npz", variant)
                    worker.run(1)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_all, workers))

    def _admit(self, name: str, candidates: list[Worker]) -> None:
        """Find a peer's best way, and let it in if its loss agrees with ours."""
        try:
            worker, self.epochs[name] = self._best_of(candidates)
            loss = loss_of(self.case, worker.weights(self.case.epochs, self.folder / "weights.npz"))
        except PeerError as error:
            self.lines.append(Line(PART, self.case.name, name, None, "µs", failed=f"FAILED: {error}"))
            return
        if name == OURS:
            self.loss = loss
        if not abs(loss - self.loss) <= AGREEMENT * self.loss:
            told = f"DISAGREES: loss {loss:.6g}, ours {self.loss:.6g}"
            self.lines.append(Line(PART, self.case.name, name, None, "µs", failed=told))
            return
        self.chosen[name] = worker

    def _best_of(self, candidates: list[Worker]) -> tuple[Worker, int]:
        """Return the fastest process, prepared its fastest way, and the epochs of its runs."""
        trials = []
        for worker in candidates:
            for variant in variants_of(worker):
                worker.prepare(self.folder / "task.npz", variant)
                trials.append((self._seconds_per_epoch(worker), len(trials), worker, variant))
        seconds, _, worker, variant = min(trials)
        if worker.variant != variant:
            worker.prepare(self.folder / "task.npz", variant)
            worker.run(1)
        return worker, max(1, round(RUN_SECONDS / seconds))

    @staticmethod
    def _seconds_per_epoch(worker: Worker) -> float:
        """Return the best of three runs that last long enough to tell."""
        epochs, seconds = 1, worker.run(1)
        while seconds < TRIAL_SECONDS / 2:
            epochs = max(2 * epochs, int(TRIAL_SECONDS / max(seconds, 1e-5) * epochs))
            seconds = worker.run(epochs)
        return min(seconds, worker.run(epochs), worker.run(epochs)) / epochs

    def times(self, runs: int) -> dict[str, Times]:
        """Return everyone's times, taken in turn."""
        seconds, cores = ({name: [] for name in self.chosen} for _ in range(2))
        for _ in range(runs):
            for name, worker in self.chosen.items():
                epochs = self.epochs[name]
                seconds[name].append(worker.run(epochs) / (epochs * self.steps))
                cores[name].append(worker.cores)
        return {name: Times(np.array(seconds[name]), float(np.median(cores[name]))) for name in self.chosen}


def lines_of(case: Case, workers: Workers, runs: int) -> Iterator[Line]:
    """Measure one case."""
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(case, workers, Path(folder))
        yield from contest.lines
        if OURS not in contest.chosen:
            return
        before = peaks(case.dtype)
        times = contest.times(runs)
        peak = larger(before, peaks(case.dtype))
    for name, each in times.items():
        ratio = None if name == OURS else float(np.median(each.seconds / times[OURS].seconds))
        worker, target = contest.chosen[name], case.targets.get(name)
        how = f"threads {worker.threads or 'auto'}, {worker.variant}, {each.cores:.1f} cores busy"
        note = f"{how} {disturbed(each.cores)}"
        yield Line(PART, case.name, name, each.median * 1e6, "µs/step", ratio, target, note=note)
    yield from shares(case, contest.rows, times, peak)


def shares(case: Case, rows: int, times: dict[str, Times], peak: dict[int, float]) -> Iterator[Line]:
    """Return what share schuss reached of one core's peak and, where it used two or should, of theirs."""
    flops = flops_per_sample(case.layers) * (case.batch or rows)
    for name, cores in ((ALONE, 1), (OURS, 2)):
        target = case.share[1] if case.share and case.share[0] == cores else None
        used = name in times and (cores == 1 or times[name].cores >= TWO_CORES)
        if not used and target is None:
            continue
        reached = flops / times[name].median
        yield Line(
            PART,
            case.name,
            f"share of {cores} core{'s' * (cores > 1)}",
            reached / 1e9,
            "GFLOP/s",
            reached / peak[cores],
            target,
            note=f"peak {peak[cores] / 1e9:.0f} GFLOP/s",
        )


CASES = {case.name: case for case in TRAININGS}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    with Workers() as workers:
        for name, reason in workers.absent.items():
            print(f"{name} is left out: {reason}")
        for name in names:
            case = CASES[name]
            fewer = runs if case.peers is None else max(1, min(3, runs))
            yield from lines_of(case, workers, fewer)

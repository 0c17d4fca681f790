"""Recorded runs: what recording costs, and how long answers take.

``cost``: each network of the trainings with a recording against the same without, in turn, on as many threads
as the engine takes, in float32. ``ask``: on recorded runs of 64-128-10 with batch 32. ``gaps``: how much work
lies between two checkpoints of the largest network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES as TRAININGS
from benchmarks.cases import Case, samples
from benchmarks.clock import Clock
from benchmarks.lines import Line
from schuss import Run, load_run, train
from schuss.insight.spikes.spikes import spikes
from schuss.insight.story.story import story
from schuss.training.run_folder import RunFolder

PART = "record"
SECONDS = 3.0  # of one training
MOST = 1.05
GAPS_SECONDS = 8.0
NETWORKS = [case for case in TRAININGS if case.share or (case.dtype == "float32" and case.peers is None)]
STEPS = 50_000
WEIGHT = "hidden1[3] <- input[20]"


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    with Clock() as clock:
        action()
    return clock.seconds


def cost(runs: int) -> Iterator[Line]:
    """Train with and without a recording, in turn."""
    for case in NETWORKS:
        yield cost_of(case, runs)


def cost_of(case: Case, runs: int) -> Line:
    """Return the line of one network."""
    X, T = samples(case)

    def trained(epochs: int, folder: str | None) -> Run:
        record = folder and f"{folder}/{case.name}-{np.random.default_rng().integers(2**62)}"
        return train(case.network, X, T, case.plan(epochs), record=record)

    trained(1, None)
    few = max(1, round(0.2 / min(seconds(lambda: trained(1, None)) for _ in range(3))))
    epochs = max(1, round(few * SECONDS / seconds(lambda: trained(few, None))))
    with tempfile.TemporaryDirectory() as folder:
        ends = trained(epochs, None).state.digest(), trained(epochs, folder).state.digest()
        if ends[0] != ends[1]:
            return Line(PART, "cost", case.name, None, "ms", failed="the recorded run ended in other bits")
        pair = [partial(trained, epochs, where) for where in (None, folder)]
        times = np.array([[seconds(one) for one in pair] for _ in range(runs)])
        size = sum(path.stat().st_size for path in Path(folder).rglob("*")) / (runs + 1)
    ratio = float(np.median(times[:, 1] / times[:, 0]))
    without, recorded = np.median(times, axis=0) * 1e3
    note = f"without {without:.0f} ms; a folder holds {size / 1e6:.1f} MB"
    return Line(PART, "cost", case.name, float(recorded), "ms", ratio, MOST, at_most=True, note=note)


def ask(runs: int) -> Iterator[Line]:
    """Ask a recorded run."""
    case = next(case for case in TRAININGS if case.name == "64-128-10")
    X, T = samples(case)
    plan = case.plan(1)
    epochs = -(-STEPS // plan.steps_per_epoch(len(X)))
    with tempfile.TemporaryDirectory() as folder:
        run = train(case.network, X, T, case.plan(epochs), record=f"{folder}/run")
        start = run.at(20_000)  # the state is at hand
        for name, action, limit in questions(run, f"{folder}/run"):
            took = []
            for _ in range(runs):
                if name.endswith("at hand"):
                    run.replay.remember(start)
                took.append(seconds(action))
            value, note = float(np.median(took)), f"of {limit} s"
            yield Line(PART, "ask", name, value * 1e3, "ms", value / limit, 1.0, at_most=True, note=note)


def questions(run: Run, folder: str) -> list[tuple[str, Callable[[], object], float]]:
    """Return name, question and most seconds of each."""
    steps = np.random.default_rng(0).integers(0, run.state.step, 5).tolist()
    return [
        ("account, 10,000 steps, at hand", lambda: run.account(WEIGHT, 29_999, back=9_999), 0.15),
        (
            "account, 10,000 steps, from disk",
            lambda: load_run(folder).account(WEIGHT, 29_999, back=9_999),
            1.2,
        ),
        *((f"at({step}), from disk", lambda step=step: load_run(folder).at(step), 1.0) for step in steps),
        ("story, 1,000 steps", lambda: story(run, 20_000, 21_000), 2.0),
        ("spikes, 50,000 steps", lambda: spikes(run), 30.0),
    ]


def gaps(runs: int) -> Iterator[Line]:
    """Record the network with the most weights, and ask for a step in the middle of its widest gap."""
    case = max(NETWORKS, key=lambda each: each.network.n_parameters)
    X, T = samples(case)
    epoch = min(seconds(lambda: train(case.network, X, T, case.plan(1))) for _ in range(3))
    epochs = max(1, round(GAPS_SECONDS / epoch))
    with tempfile.TemporaryDirectory() as folder:
        train(case.network, X, T, case.plan(epochs), record=f"{folder}/run")
        kept = RunFolder(Path(folder) / "run")
        spent = np.array([kept.checkpoint(step).seconds for step in kept.steps])
        widest = int(np.argmax(np.diff(spent)))
        step = sum(kept.steps[widest : widest + 2]) // 2
        note = f"of {len(spent)} checkpoints in {spent[-1]:.1f} s"
        gap = float(np.diff(spent)[widest])
        yield Line(PART, "gaps", case.name, gap * 1e3, "ms", gap, 1.0, at_most=True, note=note)
        took = float(np.median([seconds(lambda: load_run(f"{folder}/run").at(step)) for _ in range(runs)]))
        yield Line(
            PART, "gaps", f"at({step}), from disk, proved", took * 1e3, "ms", note="the whole gap made again"
        )


CASES = {"cost": cost, "ask": ask, "gaps": gaps}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

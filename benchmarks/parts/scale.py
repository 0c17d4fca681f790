"""From a thousand samples to ten million, and in little memory.

``samples``: time per sample of 64-128-10, batch 32, float32, whole calls, against that at a thousand
samples just before and after. ``memory``: what training a large network adds to the peak memory of a process
that holds the data and the libraries, as a multiple of its parameters, beside one batch of activations.
``mapped``: from a memory-mapped file larger than the memory allowed, against the same in memory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import Clock, disturbed
from benchmarks.lines import Line
from benchmarks.parts.whole import SCRIPTS
from benchmarks.processes import Whole, memory_group, run_python
from schuss import Blocks, Momentum, Network, train

PART = "scale"
SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)
BLOCK = 2**16  # rows that are shuffled among themselves: 16 MiB here; also in scripts/mapped.py
ORDERS = {"philox": "philox", "blocks": Blocks(BLOCK), "sequential": "sequential"}
FEW = SIZES[0]
SAMPLES_A_RUN = 2 * 10**5  # of small sets in several epochs
REPEATED = 10**5  # rows of drawn data; more rows are these again, in memory of their own
LAYERS = (64, 128, 10)
LARGE = (2048, 2048, 2048, 10)
LARGE_BATCHES = (64, 256, 1024)
FILE_ROWS, FILE_COLUMNS = 4 * 10**6, 64
LIMIT = 512 * 2**20  # half of the file


def data(rows: int, columns: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs and classes."""
    source = np.random.default_rng(0)
    block = source.standard_normal((min(rows, REPEATED), columns), np.float32)
    X = np.empty((rows, columns), np.float32)
    for start in range(0, rows, REPEATED):
        X[start : start + REPEATED] = block[: rows - start]
    return X, (np.arange(rows) % 10).astype(np.int32)


def per_sample(X: NDArray[Any], y: NDArray[Any], order: str | Blocks) -> tuple[float, float]:
    """Train and return the seconds of each sample, and the cores that were busy."""
    epochs = max(1, SAMPLES_A_RUN // len(X))
    network = Network(LAYERS, "relu", "cross_entropy")
    with Clock() as clock:
        train(network, X, y, rule=Momentum(0.001, 0.9), epochs=epochs, batch_size=32, order=order)
    return clock.seconds / (epochs * len(X)), clock.cores


def beside_few(
    X: NDArray[Any], y: NDArray[Any], order: str | Blocks, runs: int
) -> tuple[float, float, float, float]:
    """Return the seconds of each sample with many and with few, busy cores, and the ratio."""
    few, many = [per_sample(X[:FEW], y[:FEW], order)], []
    for _ in range(runs):
        many.append(per_sample(X, y, order))
        few.append(per_sample(X[:FEW], y[:FEW], order))
    seconds, cores = np.array(many).T
    beside = np.array([each for each, _ in few])
    ratios = 2 * seconds / (beside[:-1] + beside[1:])
    many_take, few_take, busy, ratio = (float(np.median(a)) for a in (seconds, beside, cores, ratios))
    return many_take, few_take, busy, ratio


def samples(runs: int) -> Iterator[Line]:
    """Measure the time per sample by the number of samples and by order."""
    X, y = data(SIZES[-1], LAYERS[0])
    for size in SIZES:
        for name, order in ORDERS.items():
            per_sample(X[:FEW], y[:FEW], order)  # to warm up
            times = runs if size < SIZES[-1] else 1
            seconds, few, cores, ratio = beside_few(X[:size], y[:size], order, times)
            target = None if size == FEW else 1.1
            who, note = f"{size:,}, {name}", f"{FEW:,} beside it: {few * 1e9:.0f} ns {disturbed(cores)}"
            yield Line(PART, "samples", who, seconds * 1e9, "ns", ratio, target, at_most=True, note=note)


def memory(runs: int) -> Iterator[Line]:  # noqa: ARG001  # one signature for all cases
    """Measure the peak memory of a large network's training."""
    shape, script = "-".join(map(str, LARGE)), str(SCRIPTS / "large.py")
    parameters = Network(LARGE, "relu", "cross_entropy").n_parameters * 4
    note = f"× {parameters / 2**20:.0f} MiB of parameters"
    for batch in LARGE_BATCHES:
        with_it, without = (run_python([script, how, shape, str(batch)]) for how in ("train", "load"))
        used, who = with_it.bytes - without.bytes - 4 * batch * sum(LARGE), f"{shape}, {batch}"
        yield Line(PART, "memory", who, used / 2**20, "MiB", used / parameters, 3.0, at_most=True, note=note)


def mapped(runs: int) -> Iterator[Line]:  # noqa: ARG001  # one signature for all cases
    """Train from a file larger than the memory allowed, in two orders."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "X.npy"
        np.save(file, data(FILE_ROWS, FILE_COLUMNS)[0])
        for order in ("sequential", "blocks"):
            inside = trained("in memory", file, order, "", 0)
            with memory_group(LIMIT) as group:
                outside = trained("mapped", file, order, group, 0 if group else LIMIT)
            yield from compared(order, inside, outside, is_limited=bool(group))


def compared(order: str, inside: Whole, outside: Whole, *, is_limited: bool) -> Iterator[Line]:
    """Return lines of a training in memory, and of the same from a mapped file.

    Only a control group limits what is mapped; without one there is nothing to judge.
    """
    ends = {f"in memory, {order}": inside, f"mapped, {order}": outside}
    for who, end in ends.items():
        if end.code:
            yield Line(PART, "mapped", who, None, "s", failed=f"FAILED: exit code {end.code}")
            return
    fast, slow = float(inside.told), float(outside.told)
    size = f"{file_size() / 2**20:.0f} MiB file"
    how = "control group" if is_limited else "RLIMIT_DATA, mapped pages apart"
    means = f"{LIMIT / 2**20:.0f} MiB by {how}"
    first, second = ends
    yield Line(PART, "mapped", first, fast, "s", note=size)
    target = 0.7 if is_limited else None
    yield Line(PART, "mapped", second, slow, "s", fast / slow, target, note=f"{size}, {means}")


def file_size() -> int:
    """Return the bytes of the mapped array."""
    return 4 * FILE_ROWS * FILE_COLUMNS


def trained(how: str, file: Path, order: str, group: str, limit: int) -> Whole:
    """Run the script on a file of which nothing is in the page cache."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return run_python([str(SCRIPTS / "mapped.py"), how, str(file), order, str(limit)], group)


CASES = {"samples": samples, "memory": memory, "mapped": mapped}


def run(names: list[str], runs: int) -> Iterator[Line]:
    """Measure the named cases."""
    for name in names:
        yield from CASES[name](runs)

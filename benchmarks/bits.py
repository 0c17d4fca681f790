"""The same bits every time: one command that trains a grid of networks in every way and compares hashes.

    python -m benchmarks.bits [--quick]

A hash is the SHA-256 of weights, memory and the losses of all steps. Ways are one, two and three threads
allowed (small networks take one all the same), each instruction set of this processor whose products are
fused, one call or many, and a sweep beside others or alone. Any difference is told, and makes the exit code
1; so does a control that has the hash it must not have.

The digest of a group is over the hashes of its trainings, so that two processors can be compared. Left out
are Newton and Muon, which multiply by NumPy, and engine="bfloat16", whose bits are its own.
"""

from __future__ import annotations

import argparse
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import (
    DTYPES,
    FUNCTIONS,
    HUGE,
    LARGE,
    SEEDS,
    SMALL,
    USUAL,
    WHOLE,
    Training,
    grid,
    middle,
)
from schuss import Adam, Momentum, State, sweep, train
from schuss.engine.engine import DONE
from schuss.engine.native import NativeEngine, instruction_sets
from schuss.method.plans import Plans
from schuss.method.state import States

FUSED = [name for name, fused in instruction_sets().items() if fused]
MISSING = {"avx2", "avx512"} - set(FUSED)
THREADS = (1, 2, 3)
WAYS = list(product(FUSED, THREADS))
LAYOUTS = ("lanes", "alone")
NETWORKS = 19  # of a sweep: no whole number of vectors
AGAIN = 100
SOME = 7  # of some grids one in so many: no divisor of the numbers of rules, batches, dtypes and seeds
TASKS = Path("/proc/self/task")  # where Linux lists threads

Hashes = Iterator[tuple[str, str]]  # way, hash


@dataclass(frozen=True)
class Group:
    """Trainings, each in ways whose hashes must be the same."""

    what: str
    trainings: Iterable[Training]
    ways: Callable[[Training], Hashes]

    def compare(self) -> tuple[int, str, str]:
        """Return how many trainings were made, a digest of their hashes, and the first difference, if any."""
        count, digest = 0, hashlib.sha256()
        for training in self.trainings:
            found = self.ways(training)
            first, expected = next(found)
            count += 1
            digest.update(f"{training}: {expected}\n".encode())
            for way, made in found:
                count += 1
                if made != expected:
                    return count, "", f"{training}: {way} is not {first}"
        return count, digest.hexdigest()[:8], ""


@cache
def engine(name: str, threads: int) -> NativeEngine:
    """Return an engine; it is used for many networks, as a program would."""
    return NativeEngine(threads, name)


def hash_of(state: State, losses: NDArray[Any]) -> str:
    """Return the hash of weights, memory and losses."""
    return hashlib.sha256(state.digest().encode() + np.ascontiguousarray(losses).tobytes()).hexdigest()


def in_calls(training: Training, made_by: NativeEngine, stops: Sequence[int]) -> str:
    """Run to each of `stops` in turn, a call each."""
    state, losses = training.start, []
    for stop in stops:
        result = made_by.advance(training.network, state, training.samples, training.plan, stop)
        if result.outcome != DONE:
            raise SystemExit(f"{training}: {result.outcome} at step {result.state.step}")
        state = result.state
        losses.append(result.losses)
    return hash_of(state, np.concatenate(losses))


def everywhere(training: Training) -> Hashes:
    """Run with any number of threads on each instruction set."""
    for name, threads in WAYS:
        yield f"{name}, threads {threads}", in_calls(training, engine(name, threads), [training.stop])


def cut(training: Training) -> Hashes:
    """Run in one call, cut at odd places, and a step at a time."""
    stop = training.stop
    odd = [1, 1 + stop // 2, stop]
    calls = {"one call": [stop], "cut": odd, "by steps": list(range(1, stop + 1))}
    for (name, threads), (how, stops) in product(WAYS, calls.items()):
        yield f"{how}, {name}, threads {threads}", in_calls(training, engine(name, threads), stops)


def amid(training: Training, made_by: NativeEngine, layout: str) -> str:
    """Run as one of many, the others with other rates and seeds."""
    rate, place = training.plan.rule.learning_rate, NETWORKS // 2
    rates = tuple(rate * (1 + abs(i - place) / 7) for i in range(NETWORKS))
    seeds = tuple((training.plan.seed + i - place) % 2**64 for i in range(NETWORKS))
    plans = Plans(training.plan, {"learning_rate": rates, "seed": seeds}, NETWORKS)
    memory = np.stack([training.start.memory] * NETWORKS)
    states = States(np.stack([training.start.theta] * NETWORKS), memory)
    found = made_by.advance_many(
        training.network, states, training.samples, plans, training.stop, layout=layout
    )
    return hash_of(found.states[place], found.losses[place])


def beside(training: Training) -> Hashes:
    """Run alone, and beside others."""
    yield "alone", in_calls(training, engine(*WAYS[0]), [training.stop])
    for (name, threads), layout in product(WAYS, LAYOUTS):
        yield (
            f"beside others, {layout}, {name}, threads {threads}",
            amid(training, engine(name, threads), layout),
        )


def by_the_public_door(training: Training) -> Hashes:
    """Run `schuss.train` alone, and `schuss.sweep` beside others."""
    network, (X, T) = training.network, (training.samples.X, training.samples.T)
    plan = training.plan.replace(epochs=2)
    run = train(network, X, T, plan, threads=1)
    yield "schuss.train", hash_of(run.state, run.loss)
    rates = [plan.rule.learning_rate * (1 + i / 7) for i in range(NETWORKS)]
    for threads in THREADS:
        swept = sweep(network, X, T, plan, threads=threads, learning_rate=rates)
        yield f"schuss.sweep, threads {threads}", hash_of(swept.state[0], swept.loss[0])


def again(training: Training) -> Hashes:
    """Run a hundred times, on every way in turn, with engines new and used."""
    for i in range(AGAIN):
        name, threads = WAYS[i // 2 % len(WAYS)]
        used = engine(name, threads) if i % 2 else NativeEngine(threads, name)
        yield f"run {i}", in_calls(training, used, [training.stop])


def again_amid(training: Training) -> Hashes:
    """Run a hundred times beside others, by each layout on every way in turn."""
    ways = list(product(LAYOUTS, WAYS))
    for i in range(AGAIN):
        layout, (name, threads) = ways[i % len(ways)]
        yield f"run {i}", amid(training, engine(name, threads), layout)


def thinned(trainings: Iterable[Training], every: int = 1, *, quick: bool) -> Iterator[Training]:
    """Return one in so many, and with `quick` a fifth of those."""
    return islice(trainings, 0, None, every * (5 if quick else 1))


def groups(*, quick: bool) -> Iterator[Group]:
    """Yield what is compared."""
    some = partial(thinned, quick=quick)
    small, large = partial(grid, SMALL), partial(grid, [LARGE], rows=300, stop=3)
    two, whole = (Momentum, Adam), small(functions=[USUAL], rules=WHOLE, seeds=SEEDS)
    seeded = partial(large, seeds=SEEDS)
    huge = grid([HUGE], [FUNCTIONS[0]], [256], rules=two, rows=256, stop=2)
    yield Group("small networks: threads, sets", some(small(seeds=SEEDS)), everywhere)
    yield Group("small networks, rules of whole steps: the same", some(whole), everywhere)
    yield Group("large network: the same", some(large(batches=[128])), everywhere)
    yield Group("large network, other batches, seeds: the same", some(seeded(), SOME * SOME), everywhere)
    yield Group("huge network, gradients summed apart: the same", huge, everywhere)
    yield Group("small networks: one call or many", some(small(seeds=SEEDS), SOME), cut)
    yield Group("large network: one call or many", some(large(batches=[128], stop=5), SOME), cut)
    yield Group("small networks: in a sweep or alone", some(small()), beside)
    yield Group("large network: in a sweep or alone", large([USUAL], [128], rules=two), beside)
    yield Group("small networks: schuss.sweep or schuss.train", some(small()), by_the_public_door)
    yield Group(f"64-128-10, batch 32: {AGAIN} runs each", [middle(dtype=d) for d in DTYPES], again)
    yield Group(f"large network: {AGAIN} runs each", large([USUAL], [128], rules=two), again)
    yield Group(f"4-7-3: {AGAIN} sweeps each", grid(SMALL[:1], [USUAL], [7], rules=two), again_amid)


def threads_seen() -> int:
    """Return how many threads at most work at the large network, where three are allowed."""
    training = next(grid([LARGE], [USUAL], [128], rules=[Momentum], rows=300))
    seen, over, there = [0], threading.Event(), set(TASKS.iterdir())

    def watch() -> None:
        while not over.is_set():
            seen.append(len(set(TASKS.iterdir()) - there))

    watcher = threading.Thread(target=watch)
    watcher.start()
    in_calls(training, NativeEngine(THREADS[-1], FUSED[0]), [200])
    over.set()
    watcher.join()
    return max(seen)  # of which the watcher is one, and this one is none


def control() -> tuple[int, str]:
    """Return how many trainings were made, and what must not be: an equal hash, or idle threads."""
    if TASKS.exists() and (found := threads_seen()) != THREADS[-1]:
        return 1, f"{found} threads where {THREADS[-1]} are allowed"
    training = middle()
    expected = in_calls(training, engine(*WAYS[0]), [training.stop])
    others = {"another seed": middle(seed=1), "one step less": replace(training, stop=training.stop - 1)}
    for what, other in others.items():
        if in_calls(other, engine(*WAYS[0]), [other.stop]) == expected:
            return 1 + len(others), f"{what} has the same hash"
    return 1 + len(others), ""


def compare(*, quick: bool) -> bool:
    """Compare everything, a line each; return whether all is as it must be."""
    total, sound = 0, True
    print(f"instruction sets: {', '.join(FUSED)}; threads allowed: {', '.join(map(str, THREADS))}")
    if MISSING:
        print(f"not here, so not compared: {', '.join(sorted(MISSING))}")
    for group in groups(quick=quick):
        count, digest, told = group.compare()
        total, sound = total + count, sound and not told
        print(f"{group.what:<54}{count:>8}  {told or f'the same, digest {digest}'}", flush=True)
    count, told = control()
    what = "control: another seed, one step less, threads at work"
    print(f"{what:<54}{count:>8}  {told or 'another hash, as it must be'}")
    print(f"{'trainings':<54}{total + count:>8}")
    return sound and not told


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bits", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the grid")
    options = parser.parse_args()
    if not FUSED:
        raise SystemExit("no instruction set of this build and processor has fused products")
    began = time.perf_counter()
    sound = compare(quick=options.quick)
    print(f"{'seconds':<54}{time.perf_counter() - began:>8.0f}")
    if not sound:
        raise SystemExit("there is a difference")


if __name__ == "__main__":
    main()

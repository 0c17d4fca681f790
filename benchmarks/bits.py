"""The same bits every time: one command that trains a grid of networks in every way and compares hashes.

    python -m benchmarks.bits [--quick]

A hash is the SHA-256 of weights, memory and the losses of all steps. Ways are one, two and three threads,
each instruction set whose products are fused, one call or many, and a sweep beside others or alone. Any
difference is told, and makes the exit code 1; so does a control that has the hash it must not have.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import LARGE, SEEDS, SMALL, USUAL, Training, grid, middle
from schuss import State, sweep, train
from schuss.engine.engine import DONE
from schuss.engine.native import NativeEngine, instruction_sets
from schuss.method.plans import Plans
from schuss.method.state import States

FUSED = [name for name, fused in instruction_sets().items() if fused]
THREADS = (1, 2, 3)
WAYS = list(product(FUSED, THREADS))
LAYOUTS = ("lanes", "alone")
NETWORKS = 19  # of a sweep: no whole number of vectors
AGAIN = 100

Hashes = Iterator[tuple[str, str]]  # way, hash


@dataclass(frozen=True)
class Group:
    """Trainings, each in ways whose hashes must be the same."""

    what: str
    trainings: Iterable[Training]
    ways: Callable[[Training], Hashes]

    def compare(self) -> tuple[int, str]:
        """Return how many trainings were made, and the first difference, or nothing."""
        count = 0
        for training in self.trainings:
            found = self.ways(training)
            first, expected = next(found)
            count += 1
            for way, made in found:
                count += 1
                if made != expected:
                    return count, f"{training}: {way} is not {first}"
        return count, ""


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


def beside(training: Training) -> Hashes:
    """Run alone, and beside others of other rates and seeds, at several places."""
    rate, place = training.plan.rule.learning_rate, NETWORKS // 2
    rates = tuple(rate * (1 + abs(i - place) / 7) for i in range(NETWORKS))
    seeds = tuple((training.plan.seed + i - place) % 2**64 for i in range(NETWORKS))
    plans = Plans(training.plan, {"learning_rate": rates, "seed": seeds}, NETWORKS)
    memory = np.stack([training.start.memory] * NETWORKS)
    states = States(np.stack([training.start.theta] * NETWORKS), memory)
    yield "alone", in_calls(training, engine(*WAYS[0]), [training.stop])
    for (name, threads), layout in product(WAYS, LAYOUTS):
        found = engine(name, threads).advance_many(
            training.network, states, training.samples, plans, training.stop, layout=layout
        )
        made = hash_of(found.states[place], found.losses[place])
        yield f"beside others, {layout}, {name}, threads {threads}", made


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


def thinned(trainings: Iterable[Training], *, quick: bool) -> Iterator[Training]:
    """Return all of them, or each fifth: rules, batches and dtypes are powers of two, so all still occur."""
    return islice(trainings, 0, None, 5 if quick else 1)


def groups(*, quick: bool) -> Iterator[Group]:
    """Yield what is compared."""
    some = partial(thinned, quick=quick)
    large, usual = partial(grid, [LARGE], rows=300, stop=3), [USUAL]
    ways = f"{' and '.join(FUSED)}, {len(THREADS)} numbers of threads"
    yield Group(f"small networks: {ways}", some(grid(SMALL, seeds=SEEDS)), everywhere)
    yield Group(f"large network: {ways}", some(large(batches=[128])), everywhere)
    yield Group("large network, other batches: the same", some(large(usual)), everywhere)
    yield Group("small networks: one call or many", some(grid(SMALL, functions=usual, seeds=SEEDS)), cut)
    yield Group("large network: one call or many", some(large(usual, [128], stop=5)), cut)
    yield Group("small networks: in a sweep or alone", some(grid(SMALL)), beside)
    yield Group("small networks: schuss.sweep or schuss.train", some(grid(SMALL)), by_the_public_door)
    yield Group(f"64-128-10, batch 32: {AGAIN} runs", [middle()], again)


def control() -> tuple[int, str]:
    """Return how many trainings were made, and which other training has the same hash: none may."""
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
    for group in groups(quick=quick):
        count, told = group.compare()
        total, sound = total + count, sound and not told
        print(f"{group.what:<70}{count:>7}  {told or 'the same'}", flush=True)
    count, told = control()
    print(f"{'control: another seed, one step less':<70}{count:>7}  {told or 'another hash, as it must be'}")
    print(f"{'trainings':<70}{total + count:>7}")
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
    print(f"{'seconds':<70}{time.perf_counter() - began:>7.0f}")
    if not sound:
        raise SystemExit("there is a difference")


if __name__ == "__main__":
    main()

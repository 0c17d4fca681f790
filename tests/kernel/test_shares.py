"""The middle of large products, taken by two threads from both sides: bits stay, however its pieces fall.

The oracle is the same engine on one thread, which shares nothing (src/kernel/shares.hpp).
"""

import hashlib
import threading
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import engines
from programs import compiled, told_by
from runs import draw_run, one_call
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Adam, Momentum

# Every layer but the last is large for chunks of 256 and 254 samples, those of an epoch's first batch. The
# second has what is left: a chunk of 256, and one of 110 for which none is large.
NETWORK = Network([130, 330, 120, 10], "relu", "cross_entropy")
SAMPLES, BATCH, STEPS = 876, 510, 4
SETTINGS = {
    "momentum": {"rule": Momentum(0.05, 0.9)},
    "decaying": {"rule": Momentum(0.05, 0.9), "weight_decay": 0.001},
    "adam": {"rule": Adam(0.002)},
}


@pytest.fixture
def disturbance() -> Iterator[None]:
    """Keep a processor busy now and then, so that the threads of a training are not equally fast."""
    over, data = threading.Event(), bytes(1 << 21)

    def disturb() -> None:
        while not over.wait(0.002):
            hashlib.sha256(data)

    other = threading.Thread(target=disturb)
    other.start()
    yield
    over.set()
    other.join()


def trained(name: str, dtype: str, setting: str, threads: int, seed: int = 0) -> bytes:
    """Return all that some steps leave: weights, memory, losses and lengths."""
    plan = Plan(batch_size=BATCH, epochs=STEPS // 2, seed=seed, **SETTINGS[setting])
    samples, start = draw_run(NETWORK, plan, SAMPLES, dtype=dtype, weighted=True)
    engine = engines.make_engine(name, threads)
    assert engine.info.engine == "native"
    made = one_call(engine, NETWORK, start, samples, plan, STEPS, norms_every=1)
    assert np.isfinite(made.norms).all()
    return b"".join(
        part.tobytes() for part in (made.state.theta, *made.state.memory, made.losses, made.norms)
    )


@pytest.mark.usefixtures("disturbance")
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", engines.NATIVE)
def test_the_bits_of_one_thread(name: str, dtype: str, setting: str) -> None:
    """Two who share, three of whom one has no neighbour, and two pairs."""
    alone = trained(name, dtype, setting, 1)
    for threads in (2, 2, 2, 3, 4):
        assert trained(name, dtype, setting, threads) == alone, threads
    assert trained(name, dtype, setting, 2, seed=1) != alone


@pytest.mark.usefixtures("disturbance")
@pytest.mark.parametrize("name", engines.NATIVE)
def test_losses_and_gradients(name: str) -> None:
    """Rows go forth and back in pieces there too."""
    plan = Plan(batch_size=BATCH)
    samples, start = draw_run(NETWORK, plan, SAMPLES, dtype="float32")
    alone, several = engines.make_engine(name, 1), [engines.make_engine(name, n) for n in (2, 3, 4)]
    loss, gradient = alone.gradient(NETWORK, start.theta, samples, plan.objective)
    for engine in several:
        found = engine.gradient(NETWORK, start.theta, samples, plan.objective)
        assert (found.loss, found.gradient.tobytes()) == (loss, gradient.tobytes())
        assert engine.loss(NETWORK, start.theta, samples, plan.objective) == loss
        assert engine.loss(NETWORK, 1.01 * start.theta, samples, plan.objective) != loss


# How many things, in units of how many, which thread of how many: its own share, and the middle.
DRIVER = """
#define SCHUSS_ISA baseline
#define SCHUSS_BYTES 16
#include "shares.hpp"
#include <cstdio>
int main() {
  int count, unit, thread, threads;
  while (std::scanf("%d %d %d %d", &count, &unit, &thread, &threads) == 4) {
    const auto [own, middle] = schuss::baseline::share_of(count, unit, thread, threads, true);
    std::printf("%d %d %d %d\\n", own.first, own.last, middle.first, middle.last);
  }
}
"""


def wrong_shares(told: list[list[int]], count: int, unit: int) -> bool:
    """Return whether something is in no share or in two, or a part that is not empty begins amid a unit."""
    parts = [(row[0], row[1]) for row in told] + list({(row[2], row[3]) for row in told})
    covered = sorted(i for first, last in parts for i in range(first, last))
    return covered != list(range(count)) or any(a % unit for a, b in parts if a < b)


def test_shares_cover_everything_once(tmp_path: Path) -> None:
    """All parts begin at whole units, also those of a thread without a neighbour."""
    program = compiled(DRIVER, tmp_path)
    cases = list(product([1, 3, 4, 7, 16, 48, 97, 100, 253, 254, 255, 256], (1, 4), range(1, 10)))
    asked = [(count, unit, t, threads) for count, unit, threads in cases for t in range(threads)]
    told = iter(told_by(program, "\n".join(" ".join(map(str, each)) for each in asked)))
    shares = {case: [next(told) for _ in range(case[2])] for case in cases}
    assert not [case for case in cases if wrong_shares(shares[case], *case[:2])]
    # twins: as it was, with an odd row first in the last of three shares; and a part that is in two shares
    assert wrong_shares([*shares[255, 4, 3][:2], [168, 223, 223, 255]], 255, 4)
    assert wrong_shares([*shares[256, 4, 2], [0, 4, 256, 256]], 256, 4)

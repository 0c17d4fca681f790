"""The middle of large products, taken by two threads from both sides: bits stay, however its pieces fall.

The oracle is the same engine on one thread, which shares nothing (src/kernel/shares.hpp).
"""

import hashlib
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import engines
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

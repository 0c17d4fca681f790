"""Groups of networks that several threads make one after the other, piece by piece, and threads that stay.

69 networks are five groups of sixteen or more of fewer: two and three threads cut the last ones.
"""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import engines
from schuss.engine.engine import AdvanceMany
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import Momentum
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine
from schuss.method.state import States

COUNT, EPOCHS, N = 69, 60, 23
NETWORK = Network((2, 3, 1), ["tanh", "identity"], "squared_error")
RATES = tuple(np.linspace(0.01, 0.05, COUNT).tolist())
GONE = 40  # the network that diverges
NAMES = [*engines.FUSED[:1], *engines.NATIVE[-1:]]

pytestmark = pytest.mark.skipif(not engines.NATIVE, reason="no compiled kernel here")


def plans_of(momentum: float | Cosine) -> Plans:
    """Return plans of which one diverges, with orders of three seeds."""
    rates = tuple(1e30 if i == GONE else rate for i, rate in enumerate(RATES))
    columns = {"learning_rate": rates, "seed": tuple(i % 3 for i in range(COUNT))}
    return Plans(Plan(Momentum(momentum=momentum), epochs=EPOCHS, batch_size=2), columns, COUNT)


def made_by(
    name: str, threads: int, layout: str, plans: Plans, start: int, stop: int, epochs: bool
) -> AdvanceMany:
    """Return what an instruction set makes of steps [start, stop) from the same states."""
    source = np.random.default_rng(0)
    X = source.uniform(-1, 1, (N, 2)).astype("float32")
    samples = Samples.check(NETWORK, X, X[:, :1] * X[:, 1:])
    theta = np.stack([NETWORK.initial(i, "float32") for i in range(COUNT)])
    states = States(theta, np.zeros((COUNT, 1, theta.shape[1]), "float32"), start)
    engine = engines.make_engine(name, threads)
    return engine.advance_many(NETWORK, states, samples, plans, stop, epochs=epochs, layout=layout)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("momentum", [0.8, Cosine(0.9)])
@pytest.mark.parametrize(
    ("start", "stop", "epochs"), [(0, 720, True), (5, 40, False), (0, 12, True), (3, 4, False)]
)
def test_pieces_make_what_one_thread_makes(name, momentum, start, stop, epochs):
    """All results are equal: of more steps than losses stay near, of one epoch, of one step."""
    plans = plans_of(momentum)
    expected = made_by(name, 1, "alone", plans, start, stop, epochs)
    judged = AdvanceMany.of(expected.states, expected.losses)
    assert expected.finite.tolist() == judged.finite.tolist()
    assert stop < 40 or np.flatnonzero(~judged.finite).tolist() == [GONE]
    going = judged.finite
    for threads in (1, 2, 3):
        found = made_by(name, threads, "lanes", plans, start, stop, epochs)
        assert found.finite.tolist() == going.tolist()
        assert found.losses[going].tobytes() == expected.losses[going].tobytes()
        for part in ("theta", "memory"):
            mine, other = getattr(found.states, part), getattr(expected.states, part)
            assert mine[going].tobytes() == other[going].tobytes(), part


FORKED = """
    import hashlib, os, warnings
    import numpy as np
    from schuss import Network, sweep

    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads, which is what is tested
    X = np.random.default_rng(0).uniform(-1, 1, (64, 2)).astype("float32")

    def told():
        found = sweep(Network([2, 8, 1], "tanh"), X, X[:, :1], learning_rate=np.linspace(0.01, 0.1, 80),
                      epochs=20, threads=2)
        digest = hashlib.sha256(found.theta.tobytes() + found.loss.tobytes()).hexdigest()
        os.write(1, f"{digest}\\n".encode())  # at once: two processes write

    told()
    child = os.fork()
    told()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    told()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
def test_a_forked_process_has_threads_of_its_own():
    """Threads stay from sweep to sweep, and a child whose parent has some comes to the same bits."""
    command = [sys.executable, "-c", textwrap.dedent(FORKED)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # the test's own script
    digests = told.stdout.split()
    assert len(digests) == 4
    assert len(set(digests)) == 1

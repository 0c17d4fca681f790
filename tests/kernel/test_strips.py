"""Where a layer is wide and a batch large, terms of the update are brought together first: the bits stay.

The oracle is the same engine on parts of the layer: of one layer under a squared error each output is trained
by itself, and a few outputs at a time fill no more than one panel, for which nothing is brought together
(src/kernel/strips.hpp).
"""

import numpy as np
import pytest

import engines
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Adam, Momentum
from schuss.training.train import train

FEW = 4  # outputs at a time: no set has a panel so narrow
SETTINGS = {
    "momentum": {"rule": Momentum(0.05, 0.9)},
    "pulled": {"rule": Momentum(0.05, 0.9), "l2": 0.01},
    "decaying": {"rule": Momentum(0.05, 0.9), "weight_decay": 0.001},
    "adam": {"rule": Adam(0.002)},
    "clipped, loosely": {"rule": Momentum(0.05, 0.9), "clip": 1e6},
}
# So that after tiles of six rows each other number of rows is left.
INPUTS = dict(zip(SETTINGS, [500, 481, 482, 483, 485], strict=True))


def trained(name, X, T, plan, theta, threads):
    """Return weights and memory, a column for each output."""
    network = Network([X.shape[1], T.shape[1]], "identity", "squared_error")
    engine = engines.make_engine(name, threads)
    assert engine.info.engine == "native"
    run = train(network, X, T, plan, engine=engine, theta=network.pack([theta[:-1]], [theta[-1]]))
    rows = [run.state.theta, *run.state.memory]
    return np.vstack([part for row in rows for layer in network.views(row) for part in (layer.w, layer.b)])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", engines.NATIVE)
def test_outputs_are_trained_as_by_themselves(name, dtype, setting, threads):
    """Tiles of every size, a panel that is not full, batches in two chunks of different sizes."""
    source = np.random.default_rng(5)
    X = source.normal(size=(650, INPUTS[setting])).astype(dtype)
    T = source.normal(size=(650, 139)).astype(dtype)
    theta = (0.1 * source.normal(size=(X.shape[1] + 1, 139))).astype(dtype)
    plan = Plan(batch_size=325, epochs=2, **SETTINGS[setting])
    together = trained(name, X, T, plan, theta, threads)
    parts = [slice(first, first + FEW) for first in range(0, T.shape[1], FEW)]
    apart = np.hstack([trained(name, X, T[:, part], plan, theta[:, part], 1) for part in parts])
    assert together.tobytes() == np.ascontiguousarray(apart).tobytes()
    assert trained(name, X, T, plan.replace(seed=1), theta, threads).tobytes() != together.tobytes()

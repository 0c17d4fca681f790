"""A loss alone has the bits of the loss that comes with a gradient, which test_gradients.py judges."""

import numpy as np
import pytest
from scipy import sparse

import engines
from cases import CASES, case_of
from schuss.errors import SchussError
from schuss.method.backprop import Objective
from schuss.method.dropout import Dropout
from schuss.method.network import Network
from schuss.method.samples import Samples

OBJECTIVES = [
    Objective(),
    Objective("sum", l2=0.1, l1=0.05),
    Objective(clip=0.01),
    Objective(l2=0.3, as_scikit_learn=True),
]


def assert_alone(engine, network, theta, samples, objective, dropout=None):
    """Assert that both losses are the same, and that the comparison tells another from them."""
    with_gradient = engine.gradient(network, theta, samples, objective, dropout).loss
    alone = engine.loss(network, theta, samples, objective, dropout)
    assert isinstance(alone, float)
    assert alone == with_gradient
    assert np.isfinite(alone)
    assert engine.loss(network, theta * theta.dtype.type(1.01), samples, objective, dropout) != alone


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_activation_and_loss(engine, dtype):
    """On small networks of every kind."""
    for kind in CASES:
        case = case_of(*kind, dtype)
        found = engine.loss(case.network, case.theta, case.samples, case.objective)
        assert found == engine.gradient(case.network, case.theta, case.samples, case.objective).loss


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", engines.ALL)
def test_layers_that_threads_share_and_batches_in_chunks(name, dtype, objective, threads, rng):
    """600 samples are three chunks; layers of 160 units have columns for two threads, those of 5 have not."""
    engine = engines.make_engine(name, threads)
    assert engine.info.engine == name.partition("-")[0]
    network = Network([40, 160, 160, 5], "tanh", "cross_entropy")
    X, classes = rng.standard_normal((600, 40)).astype(dtype), rng.integers(0, 5, 600)
    samples = Samples.check(network, X, classes, weights=rng.uniform(0.5, 2.0, 600))
    theta = network.initial(1, dtype)
    assert_alone(engine, network, theta, samples, objective)
    assert_alone(engine, network, theta, samples, objective, Dropout((0.2, 0.3), 7, 3))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sparse_rows(engine, dtype, rng):
    """Rows that are mostly zeros, asked twice: nothing of the first question is left for the second."""
    network = Network([50, 20, 3], "relu", "cross_entropy")
    X = sparse.random(70, 50, 0.1, "csr", dtype, random_state=1)
    samples = Samples.check(network, X, rng.integers(0, 3, 70))
    theta = network.initial(2, dtype)
    for _ in range(2):
        assert_alone(engine, network, theta, samples, Objective(l2=0.1))


def test_what_is_no_number_is_told(engine, rng):
    """A loss beyond all numbers is not finite here either; a theta of another network is refused."""
    network = Network([3, 4, 2], "relu", "squared_error")
    samples = Samples.check(network, rng.standard_normal((5, 3)), rng.standard_normal((5, 2)))
    theta = network.initial(0)
    assert not np.isfinite(engine.loss(network, theta * 1e200, samples, Objective()))
    with pytest.raises((ValueError, SchussError), match="theta"):
        engine.loss(network, theta[:-1], samples, Objective())

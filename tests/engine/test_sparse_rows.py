"""Sparse rows (CSR) give what the same numbers give as a dense matrix, and are never made dense.

To the kernel a zero is a term that adds nothing, so it gives the same bits but for the signs of zeros, which
`==` does not see. NumPy's two products add in different orders, so the reference is only near.
"""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

import engines
from cases import draw_case
from comparisons import assert_gradient, assert_near, assert_same_bits, assert_states_near
from kinds_of_rules import KERNEL_RULES as RULES
from pairings import with_every_rule
from runs import draw_sparse_run, in_pieces, one_call, step_by_step
from schuss.method.backprop import Objective
from schuss.method.dropout import Dropout
from schuss.method.functions import Loss
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine
from schuss.method.state import State

DTYPES = ["float64", "float32"]
REFERENCE = engines.make_engine("reference")
LAYERS = [
    (40, 3),  # the first layer is the last
    (1, 5, 2),
    (70, 1, 2),
    (60, 33, 5),
    (300, 70, 10),
    (1000, 130, 20, 4),
]


def assert_equal(a: State, b: State) -> None:
    """Fail unless two states are equal, signs of zeros apart."""
    np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(a.memory, b.memory)
    assert a.step == b.step


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", LAYERS, ids=str)
@pytest.mark.parametrize("hidden", ["relu", "tanh", "gelu"])
def test_the_dense_bits(native_engine, layers, hidden, dtype):
    """Gradient, outputs and five steps equal those of the dense matrix."""
    network, plan = Network(layers, hidden), Plan(Momentum(0.01, 0.9), batch_size=7, l2=0.01)
    sparse, dense, start = draw_sparse_run(network, plan, 30, dtype=dtype)
    found = [one_call(native_engine, network, start, samples, plan, 5) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    assert found[0].losses.tobytes() == found[1].losses.tobytes()
    theta = found[0].state.theta
    outputs = [native_engine.outputs(network, theta, samples.X) for samples in (sparse, dense)]
    np.testing.assert_array_equal(*outputs)
    a, b = (native_engine.gradient(network, theta, samples, plan.objective) for samples in (sparse, dense))
    np.testing.assert_array_equal(a.gradient, b.gradient)
    assert a.loss == b.loss


PLANS = {
    "chunks": {"batch_size": 300},
    "all rows": {"batch_size": None, "reduction": "sum"},
    "l1": {"l1": 0.01},
    "l1 in chunks": {"l1": 0.01, "batch_size": 300},
    "decay": {"weight_decay": 0.1},
    "decay in chunks": {"weight_decay": 0.1, "batch_size": 300},
    "clipped": {"clip": 0.01},
    "clipped, decay and l2": {"clip": 0.01, "weight_decay": 0.1, "l2": 0.1},
    "dropout": {"dropout": 0.5},
    "sequential": {"order": "sequential"},
    "one sample": {"batch_size": 1},
}


@pytest.mark.parametrize(("rule", "name", "threads"), with_every_rule(PLANS, [1, 3]))
def test_every_plan_and_rule(isa, name, rule, threads):
    """The same for every rule, with every term of a plan, on one thread and on three."""
    engine, network = engines.make_engine(f"native-{isa}", threads), Network((2000, 150, 10), "relu")
    settings = {"batch_size": 64, **PLANS[name]}
    plan = Plan(RULES[rule](learning_rate=0.01), **settings)
    sparse, dense, start = draw_sparse_run(network, plan, 600, dtype="float32")
    found = [one_call(engine, network, start, samples, plan, 4) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    assert found[0].losses.tobytes() == found[1].losses.tobytes()
    assert (found[0].state.theta != start.theta).any()


@pytest.mark.parametrize(
    ("rule", "settings"),
    with_every_rule([{}, {"weight_decay": 0.1}, {"batch_size": 90}, {"order": "sequential"}]),
)
def test_weights_that_few_samples_meet(isa, rule, settings):
    """The same where most weights miss most steps, over epochs with a rate of its own for every step."""
    engine, network = engines.make_engine(f"native-{isa}"), Network((700, 70, 10), "relu")
    plan = Plan(RULES[rule](learning_rate=Cosine(0.01)), **{"batch_size": 3, "epochs": 3, **settings})
    sparse, dense, start = draw_sparse_run(network, plan, 91, density=0.002, dtype="float32")
    stop = 2 * plan.steps_per_epoch(91) + 1
    found = [one_call(engine, network, start, samples, plan, stop) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    assert found[0].losses.tobytes() == found[1].losses.tobytes()
    cut = in_pieces(engine, network, start, sparse, plan, [1, 2, stop // 2, stop])
    assert_equal(found[0].state, cut.state)
    slower = plan.replace(rule=RULES[rule](learning_rate=Cosine(0.0099)))
    other = one_call(engine, network, start, dense, slower, stop)
    with pytest.raises(AssertionError):
        assert_equal(found[0].state, other.state)


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_weights_that_few_samples_meet_on_several_threads(isa, rule):
    """The same where a layer is so large that three threads share its weights."""
    engine, network = engines.make_engine(f"native-{isa}", 3), Network((30_000, 70, 3), "relu")
    plan = Plan(RULES[rule](learning_rate=0.01), batch_size=3, epochs=3)
    sparse, dense, start = draw_sparse_run(network, plan, 16, density=0.0005, dtype="float32")
    found = [one_call(engine, network, start, samples, plan, 13) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    assert found[0].losses.tobytes() == found[1].losses.tobytes()
    other = one_call(engine, network, start, sparse, plan.replace(weight_decay=1e-3), 13)
    with pytest.raises(AssertionError):
        assert_equal(found[0].state, other.state)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_apart(isa, dtype):
    """The same where the update takes so long that it is summed apart first."""
    engine, network = engines.make_engine(f"native-{isa}"), Network((1000, 803), "tanh")
    for rule in (GradientDescent(0.01), Momentum(0.01, 0.9)):
        plan = Plan(rule, batch_size=256, l2=0.01)
        sparse, dense, start = draw_sparse_run(network, plan, 300, density=0.4, dtype=dtype)
        found = [one_call(engine, network, start, samples, plan, 3) for samples in (sparse, dense)]
        assert_equal(found[0].state, found[1].state)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [(300, 3), (300, 12, 3), (300, 20, 3), (300, 40), (300, 100, 3)], ids=str)
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_every_width_of_rows(isa, rule, layers, dtype):
    """The same where weights lag behind, for rows of one vector, of two, and of blocks and what is left."""
    engine, network = engines.make_engine(f"native-{isa}"), Network(layers, "relu")
    plan = Plan(RULES[rule](learning_rate=0.01), batch_size=5)
    sparse, dense, start = draw_sparse_run(network, plan, 40, density=0.01, dtype=dtype)
    found = [one_call(engine, network, start, samples, plan, 8) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    other = one_call(engine, network, start, dense, plan.replace(rule=RULES[rule](learning_rate=0.0099)), 8)
    with pytest.raises(AssertionError):
        assert_equal(found[0].state, other.state)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("settings", [{}, {"l2": 0.01}, {"clip": 0.1}], ids=str)
@pytest.mark.parametrize("batch_size", [2, 3, 7, 300])
@pytest.mark.parametrize("density", [1.0, 0.6])
def test_more_nonzeros_than_there_is_room_for(isa, density, batch_size, settings, threads):
    """The same where lists of a batch are made in turn; two full rows fill the room."""
    engine, network = engines.make_engine(f"native-{isa}", threads), Network((200, 500, 3), "relu")
    plan = Plan(Momentum(0.01, 0.9), batch_size=batch_size, **settings)
    sparse, dense, start = draw_sparse_run(network, plan, 310, density=density, dtype="float32")
    found = [one_call(engine, network, start, samples, plan, 3) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)
    fewer = one_call(engine, network, start, sparse, plan, 2)
    with pytest.raises(AssertionError):
        assert_equal(found[1].state, replace(fewer.state, step=3))


@pytest.mark.parametrize("density", [0.01, 0.6])
@pytest.mark.parametrize(("rule", "l2"), [("gradient_descent", 0.0), ("momentum", 0.01)])
def test_lengths_of_every_other_step(isa, rule, l2, density):
    """The same where gradients are summed apart for some steps only: none is left from a step before."""
    engine, network = engines.make_engine(f"native-{isa}"), Network((300, 40, 5), "relu")
    plan = Plan(RULES[rule](learning_rate=0.05), batch_size=4, order="sequential", l2=l2)
    sparse, dense, start = draw_sparse_run(network, plan, 40, density=density, dtype="float32")
    found = [
        one_call(engine, network, start, samples, plan, 10, norms_every=2) for samples in (sparse, dense)
    ]
    assert_equal(found[0].state, found[1].state)
    assert_equal(found[0].state, one_call(engine, network, start, dense, plan, 10).state)
    other = one_call(engine, network, start, dense, plan.replace(rule=RULES[rule](learning_rate=0.0499)), 10)
    with pytest.raises(AssertionError):
        assert_equal(found[0].state, other.state)


@pytest.mark.parametrize("network", [
    Network((50, 20, 9), "tanh", "cross_entropy", groups=(2, 3, 4)),
    Network((50, 20, 9), "tanh", "focal"),
    Network((50, 20, 3), "tanh", Loss("quantile", (0.1, 0.5, 0.9))),
    Network((50, 20, 3), "tanh", "poisson", biases=False),
], ids=str)  # fmt: skip
def test_every_kind_of_target(native_engine, network):
    """The same for groups, quantiles, and without biases."""
    plan = Plan(Momentum(0.01, 0.9), batch_size=7)
    sparse, dense, start = draw_sparse_run(network, plan, 30)
    found = [one_call(native_engine, network, start, samples, plan, 9) for samples in (sparse, dense)]
    assert_equal(found[0].state, found[1].state)


def test_classes(native_engine, rng):
    """The same for targets that are classes."""
    network = Network((50, 20, 3), "tanh", "cross_entropy")
    X, classes = scipy.sparse.random(30, 50, 0.1, "csr", random_state=1), rng.integers(0, 3, 30)
    theta = network.initial(0)
    a, b = (
        native_engine.gradient(network, theta, Samples.check(network, x, classes), Objective()).gradient
        for x in (X, X.toarray())
    )
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_reference_s_numbers(native_engine, dtype):
    """Ten steps of a run on sparse rows are near the reference's on the same rows."""
    network, plan = Network((60, 33, 5), "tanh"), Plan(Momentum(0.01, 0.9), batch_size=8, dropout=0.2)
    sparse, _, start = draw_sparse_run(network, plan, 50, dtype=dtype)
    expected = one_call(REFERENCE, network, start, sparse, plan, 10)
    found = one_call(native_engine, network, start, sparse, plan, 10)
    assert_states_near(found.state, expected.state, 1e-12 if dtype == "float64" else 1e-4)
    outputs = REFERENCE.outputs(network, start.theta, sparse.X)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    assert_near(native_engine.outputs(network, start.theta, sparse.X), outputs, tolerance)


def test_the_complex_step(engine):
    """On every engine the gradient from sparse rows is the complex step's, with dropout too."""
    network = Network([9, 5, 3], "tanh")
    case = draw_case(network, Objective("mean", 0.3, 0.2), 7, seed=1)
    X = case.samples.X * (np.random.default_rng(0).random((7, 9)) < 0.3)
    dropout = Dropout((0.3,), 1, 2)
    mask = dropout.mask(0, 7, 5, "float64")
    samples = Samples.check(network, X, case.targets)
    case = replace(case, samples=samples, problem=replace(case.problem, masks=(mask,)))
    sparse = replace(samples, X=scipy.sparse.csr_matrix(X))
    assert_gradient(engine.gradient(network, case.theta, sparse, case.objective, dropout), case.expected())
    for broken in broken_rows(sparse.X):
        found = engine.gradient(network, case.theta, replace(sparse, X=broken), case.objective, dropout)
        with pytest.raises(AssertionError, match="differ"):
            assert_gradient(found, case.expected())


def broken_rows(X: scipy.sparse.csr_matrix) -> list[scipy.sparse.csr_matrix]:
    """Return `X` with one number in the wrong column, one of the wrong size, one in the wrong row."""
    moved, scaled, lower = X.copy(), X.copy(), X.copy()
    row = int(np.flatnonzero(np.diff(X.indptr))[0])
    last = X.indptr[row + 1] - 1
    free = [c for c in range(X.shape[1]) if c not in X.indices[X.indptr[row] : X.indptr[row + 1]]]
    moved.indices[last] = free[0]
    moved.sort_indices()
    scaled.data[last] *= 1.01
    lower.indptr[row + 1] -= 1
    lower.sum_duplicates()
    return [moved, scaled, lower]


def test_advance_is_gradient_and_update(engine):
    """A run on sparse rows, whole or cut anywhere, is the gradient of each batch and the rule."""
    network, plan = Network((60, 20, 3), "gelu"), Plan(Momentum(0.05, 0.9), batch_size=8, seed=2, dropout=0.3)
    sparse, _, start = draw_sparse_run(network, plan, 37)
    whole = one_call(engine, network, start, sparse, plan, 11)
    for other in (
        step_by_step(engine, network, start, sparse, plan, 11),
        in_pieces(engine, network, start, sparse, plan, [1, 3, 7, 11]),
    ):
        assert_same_bits(whole.state, other.state)
        assert whole.losses.tobytes() == other.losses.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_alone(native_engine, dtype):
    """A sample's outputs are the same bits whichever samples stand beside it; no samples give no outputs."""
    network, plan = Network((60, 19, 5), "silu", "cross_entropy"), Plan()
    sparse, _, start = draw_sparse_run(network, plan, 300, dtype=dtype)
    together = native_engine.outputs(network, start.theta, sparse.X)
    alone = [native_engine.outputs(network, start.theta, sparse.X[[i]]) for i in range(300)]
    assert together.tobytes() == np.concatenate(alone).tobytes()
    assert native_engine.outputs(network, start.theta, sparse.X[:0]).shape == (0, 5)


def test_indices_of_64_bits(native_engine):
    """Indices of either width are the same to the kernel; one that a cast would bring in range is refused."""
    network, plan = Network((60, 19, 5)), Plan()
    sparse, _, start = draw_sparse_run(network, plan, 30)
    X, wide = sparse.X, sparse.X.copy()
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    narrow = native_engine.outputs(network, start.theta, X)
    np.testing.assert_array_equal(native_engine.outputs(network, start.theta, wide), narrow)
    wide.indices[-1] += 2**32
    with pytest.raises(ValueError, match="column"):
        native_engine.outputs(network, start.theta, wide)


def test_columns_of_another_network(native_engine):
    """Rows of more or fewer columns than the network has inputs are refused, even if they are empty."""
    network, plan = Network((60, 19, 5)), Plan()
    sparse, _, start = draw_sparse_run(network, plan, 30)
    for columns in (59, 61):
        X = scipy.sparse.csr_matrix((sparse.X.data[:0], [], np.zeros(31, np.int32)), (30, columns))
        with pytest.raises(ValueError, match="columns"):
            native_engine.outputs(network, start.theta, X)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory that was used")
def test_never_dense():
    """Rows that would fill gigabytes as a matrix are trained on in less than 200 MB."""
    code = """
import resource
import numpy as np, scipy.sparse
from schuss import Network
from schuss.engine.native import NativeEngine
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
network, plan = Network([300_000, 1]), Plan(batch_size=256)
columns = np.random.default_rng(0).integers(0, 300_000, 6000)
X = scipy.sparse.csr_matrix((np.ones(6000, "f"), columns, np.arange(0, 6001, 3)), (2000, 300_000))
samples, engine = Samples.check(network, X, np.ones(2000)), NativeEngine()
start = State.start(network.initial(0, "float32"), 1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
engine.advance(network, start, samples, plan, 8)
engine.gradient(network, start.theta, samples, plan.objective)
engine.outputs(network, start.theta, samples.X)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 200_000

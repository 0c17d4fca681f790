"""Every engine's Hessian product against differences of the complex step, for everything there is."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from cases import CASES, Case, case_of, draw_case
from comparisons import assert_near
from engines import FUSED, make_engine
from oracles import Array, complex_step
from schuss.engine.engine import Engine
from schuss.errors import DataError
from schuss.method.backprop import Objective
from schuss.method.functions import ACTIVATIONS, LOSSES, Loss
from schuss.method.network import Network
from schuss.method.second_derivatives import BENDS, ERROR_SLOPES, MOVED_DELTAS

TOLERANCE = {"float64": 1e-9, "float32": 2e-5}
SMALL = 1e-4  # times the direction's largest element: nothing comes to a corner on so short a way


def direction_of(case: Case, seed: int = 0) -> Array:
    v = np.random.default_rng(seed).standard_normal(case.theta.size)
    return (v / np.abs(v).max()).astype(case.theta.dtype)


def expected_of(case: Case, v: Array) -> Array:
    """Return H·v by Richardson's extrapolation from differences over two lengths; its error is SMALL⁴."""
    theta, v = case.theta.astype(np.float64), v.astype(np.float64)

    def slope(h: float) -> Array:
        up, down = (
            complex_step(case.problem, theta + s * h * v, case.samples.X, case.targets)[1] for s in (1, -1)
        )
        return (up - down) / (2 * h)

    return (4 * slope(SMALL / 2) - slope(SMALL)) / 3


def product_of(engine: Engine, case: Case, v: Array) -> Array:
    return engine.curvature_product(case.network, case.theta, case.samples, case.objective, v)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_product_is_the_difference_of_gradients(engine, depth, dtype):
    """For every activation and every loss, H·v is what the oracle's gradient changes by along v."""
    tested = 0
    for activation, loss, _ in (case for case in CASES if case[2] == depth):
        case = case_of(activation, loss, depth, dtype)
        v = direction_of(case)
        found = product_of(engine, case, v)
        assert found.dtype == dtype
        try:
            assert_near(found, expected_of(case, v), TOLERANCE[dtype], "products")
        except AssertionError as error:
            raise AssertionError(f"{activation}, {loss}, {dtype}: {error}") from error
        tested += 1
    assert tested == 91


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("objective", [Objective("sum", 0.5), Objective("mean", 0.5, 0.3), Objective()])
def test_reduction_penalties_and_biases(engine, biases, objective):
    """Every combination equals the oracle's difference; the l1 penalty is flat."""
    case = draw_case(Network([4, 5, 3], "tanh", biases=biases), objective, 6, seed=1)
    v = direction_of(case)
    assert_near(product_of(engine, case, v), expected_of(case, v), TOLERANCE["float64"])


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_each_group_has_a_curvature_of_its_own(engine, loss):
    """Groups of outputs share weights and no softmax."""
    case = draw_case(Network([4, 6, 5], "tanh", loss, groups=(2, 3)), Objective(), 9, seed=3)
    v = direction_of(case)
    assert_near(product_of(engine, case, v), expected_of(case, v), TOLERANCE["float64"])


def test_weights_count_samples(engine):
    """A sample of weight 3 bends the loss as three of it do, and one of weight 0 not at all."""
    case = draw_case(Network([4, 5, 3], "gelu", "huber"), Objective("mean", 0.1), 4, seed=2)
    rows = np.array([0, 0, 0, 2, 3])
    weighted = replace(case.samples, weights=np.array([3.0, 0.0, 1.0, 1.0]))
    v = direction_of(case)
    once = engine.curvature_product(case.network, case.theta, case.samples.take(rows), case.objective, v)
    counted = engine.curvature_product(case.network, case.theta, weighted, case.objective, v)
    assert_near(counted, once, 1e-14)


def test_sparse_rows_are_the_dense_ones(engine):
    """A CSR matrix gives the product of the matrix that it stands for."""
    case = draw_case(Network([20, 5, 3], "silu"), Objective(), 12, seed=5)
    X = np.where(np.random.default_rng(0).random((12, 20)) < 0.2, case.samples.X, 0.0)
    v = direction_of(case)
    dense, sparse = (
        engine.curvature_product(case.network, case.theta, replace(case.samples, X=x), case.objective, v)
        for x in (X, scipy.sparse.csr_matrix(X))
    )
    assert_near(sparse, dense, 1e-14)


def test_classes_are_targets_of_one(engine):
    """Class indices give the product of the matrix with a one in each row."""
    case = draw_case(Network([4, 5, 3], "tanh", "cross_entropy"), Objective(), 700, seed=6)
    labels = (np.arange(700) % 3).astype(np.int32)
    v = direction_of(case)
    as_classes = replace(case.samples, T=None, classes=labels)
    as_matrix = replace(case.samples, T=np.eye(3)[labels])
    products = [
        engine.curvature_product(case.network, case.theta, s, case.objective, v)
        for s in (as_classes, as_matrix)
    ]
    assert_near(products[0], products[1], 1e-14)


def test_the_hessian_is_symmetric(engine):
    """u·(H·v) = v·(H·u), to rounding; a product that forgets one of its terms is not."""
    case = case_of("tanh", "cross_entropy", 3)
    u, v = direction_of(case, 1), direction_of(case, 2)
    hu, hv = product_of(engine, case, u), product_of(engine, case, v)
    size = np.linalg.norm(u) * np.linalg.norm(hv)
    assert abs(u @ hv - v @ hu) < 1e-14 * size
    hv = hv.copy()
    first = case.network.views(hv)[0]
    first.w[...] *= 1.001
    assert abs(u @ hv - v @ hu) > 1e-8 * size


def faulty(case: Case, v: Array, fault: str, monkeypatch: pytest.MonkeyPatch) -> Array:
    """Return H·v as the reference makes it with one of its formulas broken."""
    bends, slopes = dict(BENDS), dict(ERROR_SLOPES)
    if fault == "no bend of the hidden units":
        bends["tanh"] = BENDS["identity"]
    if fault == "bend of the other sign":
        bends["tanh"] = lambda x, y: -BENDS["tanh"](x, y)
    if fault == "no bend of the output":
        bends["logistic"] = BENDS["identity"]
    if fault == "no curvature of the loss":
        slopes["squared_error"] = ERROR_SLOPES["absolute"]
    monkeypatch.setattr("schuss.method.curvature_product.BENDS", bends)
    monkeypatch.setattr("schuss.method.curvature_product.ERROR_SLOPES", slopes)
    objective = replace(case.objective, l2=0.0) if fault == "forgotten penalty" else case.objective
    return product_of(make_engine("reference"), replace(case, objective=objective), v)


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ("none", True),
        ("no bend of the hidden units", False),
        ("bend of the other sign", False),
        ("no bend of the output", False),
        ("no curvature of the loss", False),
        ("forgotten penalty", False),
    ],
)
def test_a_broken_twin_is_rejected(fault, accepted, monkeypatch):
    """The comparison above accepts the formulas, and rejects each of them with a fault."""
    network = Network([4, 4, 4, 4], "tanh", "squared_error", output="logistic")
    case = draw_case(network, Objective("mean", 0.3), 5, seed=11)
    v = direction_of(case)
    found, expected = faulty(case, v, fault, monkeypatch), expected_of(case, v)
    if accepted:
        assert_near(found, expected, TOLERANCE["float64"])
    else:
        with pytest.raises(AssertionError, match="values differ"):
            assert_near(found, expected, TOLERANCE["float32"])


def test_the_tables_are_complete():
    """Every activation has a bend, or is softmax; every loss has its row, and only one."""
    assert {*BENDS, "softmax"} == set(ACTIVATIONS)
    assert set(ERROR_SLOPES) == {name for name, kind in LOSSES.items() if kind.partner is None}
    assert set(MOVED_DELTAS) == {name for name, kind in LOSSES.items() if kind.partner is not None}


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros(43, "float32"), [0.0] * 43, np.zeros((43, 1))])
def test_a_bad_vector_is_refused(engine, bad):
    """The wrong length, dtype or kind is a DataError that says what it must be."""
    case = draw_case(Network([4, 5, 3], "tanh"), Objective(), 4, seed=2)
    with pytest.raises(DataError, match=r"the vector must be an array of float64, shape \(43,\)"):
        product_of(engine, case, bad)


def test_saturated_focal_stays_finite(engine):
    """Where y is 1 to the last bit, the product is a number, for a γ below 1 too."""
    network = Network([2, 3], "identity", Loss("focal", 0.5), output="softmax")
    case = draw_case(network, Objective(), 5, seed=1)
    case = replace(case, theta=case.theta * 1e3)
    assert np.isfinite(product_of(engine, case, direction_of(case))).all()


@pytest.mark.skipif(not FUSED, reason="no fused instruction set here")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "loss"),
    [("tanh", "cross_entropy"), ("gelu", "focal"), ("relu", "huber"), ("silu", "poisson")],
)
def test_the_bits_are_those_of_every_set_and_number_of_threads(activation, loss, dtype):
    """Several chunks on 1, 2 and 5 threads, on every fused set: one result; another order, another."""
    network = Network([33, 70, 41, 5], activation, loss)
    case = draw_case(network, Objective("mean", 0.1), 611, seed=4, dtype=dtype)
    v = direction_of(case)
    made = {}
    for name in FUSED:
        for threads in (1, 2, 5):
            engine = make_engine(name, threads)
            assert engine.info.instruction_set in name
            made[name, threads] = product_of(engine, case, v).tobytes()
    assert len(set(made.values())) == 1
    other = replace(case, samples=case.samples.take(np.arange(611)[::-1]))
    assert product_of(make_engine(FUSED[0]), other, v).tobytes() not in made.values()


def test_a_product_leaves_nothing_behind(native_engine):
    """Gradients before and after it, and products one after another, have the same bits."""
    case = case_of("softplus", "squared_error", 3)
    v = direction_of(case)

    def gradient() -> bytes:
        made = native_engine.gradient(case.network, case.theta, case.samples, case.objective)
        return made.gradient.tobytes()

    before, first = gradient(), product_of(native_engine, case, v)
    product_of(native_engine, case, 3 * v)
    assert (gradient(), product_of(native_engine, case, v).tobytes()) == (before, first.tobytes())


def test_a_vector_with_gaps_is_read_as_it_stands(engine):
    """Every other number of a longer array is a vector too."""
    case = draw_case(Network([4, 5, 3], "tanh"), Objective(), 6, seed=1)
    v = direction_of(case)
    assert product_of(engine, case, np.repeat(v, 2)[::2]).tobytes() == product_of(engine, case, v).tobytes()

"""Eigenvalues from products alone, against a dense solver; and bounds that hold."""

import numpy as np
import pytest

from cases import draw_case
from engines import NATIVE, make_engine
from oracles import Array
from schuss.engine.engine import Engine
from schuss.errors import DataError
from schuss.insight.curvature.lanczos import Spectrum, lanczos
from schuss.method.backprop import Objective
from schuss.method.network import Network


def with_eigenvalues(values: Array, seed: int = 0) -> Array:
    n = len(values)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    return (Q * values) @ Q.T


def of(A: Array, **how) -> Spectrum:
    return lanczos(lambda v: A @ v, len(A), **how)


def nearest(values: Array, true: Array) -> Array:
    return np.abs(values[:, None] - true).min(axis=1)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_the_ends_of_a_network_are_those_of_the_dense_matrix(engine, loss):
    """Highest, lowest and lowest above 0 of a small network's Hessian, to a millionth of the highest."""
    network = Network([3, 6, 3], "tanh", loss)
    case = draw_case(network, Objective("mean", 0.05), 20, seed=1)

    def product(v: Array) -> Array:
        return engine.curvature_product(case.network, case.theta, case.samples, case.objective, v)

    n = case.theta.size
    H = np.array([product(e) for e in np.eye(n)])
    true = np.linalg.eigvalsh((H + H.T) / 2)
    found = lanczos(product, n, most=n, tolerance=0.0)
    size = 1e-6 * true[-1]
    assert abs(found.values[-1] - true[-1]) < size
    assert abs(found.values[0] - true[0]) < size
    least = found.least_positive
    assert least is not None
    assert abs(least.value - true[true > size].min()) < size
    assert not np.allclose(true[-1], np.linalg.eigvalsh(H + 0.01 * np.eye(n))[-1], atol=size)


def test_every_value_is_within_its_bound():
    """After few products on a large matrix too; bounds shrunk a thousandfold do not hold."""
    true = np.concatenate([np.linspace(-1, 1, 100), [3.0, 5.0]])
    found = of(with_eigenvalues(true), most=30, tolerance=0.0)
    assert (nearest(found.values, true) <= found.bounds).all()
    assert not (nearest(found.values, true) <= found.bounds / 1000).all()
    assert found.bounds[-1] < 1e-9
    assert found.products == 30
    assert not found.complete


def test_no_eigenvalue_is_found_twice():
    """Without a second look at what was found, a far eigenvalue would come back; here it does not."""
    true = np.concatenate([np.linspace(0.9, 1.0, 100), [1e4]])
    found = of(with_eigenvalues(true), most=80, tolerance=0.0)
    assert (found.values > 2).sum() == 1
    assert (np.diff(found.values) > 1e-7).all()


def test_the_vector_is_that_of_the_top():
    """H·v = λ·v to the bound; a start there needs one look."""
    A = with_eigenvalues(np.concatenate([np.linspace(-1, 1, 60), [2.0]]))
    found = of(A)
    assert np.linalg.norm(A @ found.top - found.values[-1] * found.top) <= 2 * found.bounds[-1] + 1e-12
    assert np.linalg.norm(found.top) == pytest.approx(1.0)
    assert of(A, start=found.top, both_ends=False, tolerance=1e-3).products <= 4


def test_a_full_spectrum_is_complete():
    """As many products as there are distinct eigenvalues, multiple ones counted once."""
    found = of(with_eigenvalues(np.array([0.0, 0.0, 0.0, 1.0, 1.0, 4.0])))
    assert found.complete
    np.testing.assert_allclose(found.values, [0.0, 1.0, 4.0], atol=1e-12)
    least = found.least_positive
    assert least is not None
    assert least.value == pytest.approx(1.0)


@pytest.mark.parametrize(("values", "least"), [([-2.0, -1.0], None), ([0.0, 0.0, 0.0], None), ([3.0], 3.0)])
def test_small_and_flat_matrices(values, least):
    """One weight, no curvature, or none upwards: numbers, and no least positive where there is none."""
    found = of(np.diag(values))
    assert np.isfinite(found.values).all()
    above = found.least_positive
    assert (None if above is None else above.value) == least


def test_what_is_not_finite_is_refused():
    """A product with NaN is a sentence, not an answer."""
    with pytest.raises(DataError, match="bends beyond all numbers"):
        lanczos(lambda v: v * np.nan, 5)


def test_a_seed_is_a_result():
    """The same seed gives the same bits; another the same ends."""
    A = with_eigenvalues(np.linspace(-3, 7, 80))
    one, same, other = (of(A, seed=seed) for seed in (1, 1, 2))
    assert one.values.tobytes() == same.values.tobytes()
    assert other.values.tobytes() != one.values.tobytes()
    assert other.values[-1] == pytest.approx(one.values[-1], rel=1e-6)


@pytest.mark.parametrize("name", NATIVE)
def test_engines_agree_on_a_spectrum(name):
    """The compiled products lead Lanczos to the readable ones' eigenvalues."""
    case = draw_case(Network([5, 8, 4], "gelu", "cross_entropy"), Objective(), 30, seed=2)
    found = []
    for engine in (make_engine("reference"), make_engine(name)):

        def product(v: Array, engine: Engine = engine) -> Array:
            return engine.curvature_product(case.network, case.theta, case.samples, case.objective, v)

        found.append(lanczos(product, case.theta.size))
    np.testing.assert_allclose(found[0].values[-3:], found[1].values[-3:], rtol=1e-9)
    assert found[0].values.tobytes() != found[1].values.tobytes()

"""Several questions at once: groups of outputs, each with a softmax; a quantile for each output; every γ."""

import numpy as np
import pytest

from cases import Case, draw_case, problem_of
from comparisons import TOLERANCE, assert_gradient, assert_near
from oracles import kink_margin
from schuss.method.backprop import Objective
from schuss.method.functions import Loss
from schuss.method.network import Network

OBJECTIVE = Objective("mean", 0.3, 0.2)
DTYPES = ["float64", "float32"]


def grouped(loss: str, groups: tuple[int, ...] | None, n_out: int = 9) -> Network:
    return Network([4, 5, n_out], "tanh", Loss(loss, 1.7 if loss == "focal" else None), groups=groups)


def quantiles(*q: float) -> Network:
    return Network([4, 5, 3], "tanh", Loss("quantile", q))


def quantile_case(dtype: str) -> Case:
    """Return a case of three quantiles, away from the corners of their losses."""
    for seed in range(100):
        case = draw_case(quantiles(0.1, 0.4, 0.9), OBJECTIVE, 7, seed, dtype)
        if kink_margin(case.problem, case.theta, case.samples.X, case.targets) > 1e-3:
            return case
    raise AssertionError("no seed gives a usable case")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [(2, 3, 4), (1, 8), (1,) * 9, (7, 1, 1)])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_groups_are_the_complex_step(engine, loss, groups, dtype):
    """Loss and gradient of grouped outputs equal the complex step."""
    case = draw_case(grouped(loss, groups), OBJECTIVE, 7, seed=2, dtype=dtype)
    assert_gradient(engine.gradient(case.network, case.theta, case.samples, OBJECTIVE), case.expected())


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_wrong_groups_are_rejected(engine, loss):
    """The groups in another order, one border moved, or none at all: each is noticed."""
    case = draw_case(grouped(loss, (2, 3, 4)), OBJECTIVE, 7, seed=2)
    for groups in ((4, 3, 2), (3, 2, 4), (2, 4, 3), (2, 7), None):
        found = engine.gradient(grouped(loss, groups), case.theta, case.samples, OBJECTIVE)
        with pytest.raises(AssertionError, match="differ"):
            assert_gradient(found, case.expected())


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_group_is_no_group(engine, loss, dtype):
    """All outputs as one group are the same bits as no groups."""
    case = draw_case(grouped(loss, None), OBJECTIVE, 7, seed=3, dtype=dtype)
    found = [
        engine.gradient(network, case.theta, case.samples, OBJECTIVE)
        for network in (grouped(loss, None), grouped(loss, (9,)))
    ]
    assert found[0].loss == found[1].loss
    assert found[0].gradient.tobytes() == found[1].gradient.tobytes()


@pytest.mark.parametrize("groups", [(2, 3, 4), (17, 1, 40), (1,) * 33])
def test_outputs_of_groups(engine, groups, rng):
    """The outputs of each group are a softmax of their own, for one sample and for many."""
    network = grouped("cross_entropy", groups, sum(groups))
    theta, problem = network.initial(1), problem_of(network, OBJECTIVE)
    for n in (1, 50):
        X = rng.standard_normal((n, 4))
        outputs = engine.outputs(network, theta, X)
        expected = problem.outputs(problem.net_inputs(theta[None].astype(complex), X)[-1])[0].real
        assert_near(outputs, expected, TOLERANCE["float64"])
        for group in network.group_slices:
            np.testing.assert_allclose(outputs[:, group].sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantiles_are_the_complex_step(engine, dtype):
    """With a q for each output, loss and gradient equal the complex step."""
    case = quantile_case(dtype)
    assert_gradient(engine.gradient(case.network, case.theta, case.samples, OBJECTIVE), case.expected())


def test_the_q_of_another_output_is_rejected(engine):
    """Two q exchanged, or the first for all, is noticed."""
    case = quantile_case("float64")
    for q in ((0.4, 0.1, 0.9), (0.9, 0.4, 0.1), (0.1, 0.1, 0.1)):
        found = engine.gradient(quantiles(*q), case.theta, case.samples, OBJECTIVE)
        with pytest.raises(AssertionError, match="differ"):
            assert_gradient(found, case.expected())


def test_one_q_for_all(engine):
    """One q is the same bits as that q for each output."""
    case = draw_case(quantiles(0.3, 0.3, 0.3), OBJECTIVE, 7, seed=4)
    one = Network([4, 5, 3], "tanh", Loss("quantile", 0.3))
    found = [engine.gradient(n, case.theta, case.samples, OBJECTIVE) for n in (one, case.network)]
    assert found[0].loss == found[1].loss
    assert found[0].gradient.tobytes() == found[1].gradient.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7, 2.0, 5.0])
def test_every_gamma(engine, gamma, dtype):
    """The focal loss equals the complex step for small γ and large; that of another γ, or none, does not."""
    network = Network([4, 5, 3], "tanh", Loss("focal", gamma))
    case = draw_case(network, OBJECTIVE, 7, seed=5, dtype=dtype)
    assert_gradient(engine.gradient(network, case.theta, case.samples, OBJECTIVE), case.expected())
    for other in (Loss("focal", gamma + 0.01), Loss("cross_entropy")):
        found = engine.gradient(Network([4, 5, 3], "tanh", other), case.theta, case.samples, OBJECTIVE)
        with pytest.raises(AssertionError, match="differ"):
            assert_gradient(found, case.expected())

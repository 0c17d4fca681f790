"""Activations and losses: each slope is the derivative of its value, and nothing overflows at ±1000."""

import numpy as np
import pytest

import oracles
from cases import FREE_LOSSES, HIDDEN, PARAMETERS
from schuss.errors import SettingError
from schuss.method.functions import ACTIVATIONS, LOSSES, OUTPUT_ONLY, Loss

ELEMENTWISE = [name for name in ACTIVATIONS if name != "softmax"]  # softmax mixes its inputs
POINTS = np.concatenate([np.linspace(-6.0, 6.0, 61) + 0.01, [-30.0, -1e-9, 1e-9, 30.0]])
FAR = np.array([-1000.0, -100.0, -50.0, -0.0, 0.0, 50.0, 100.0, 1000.0])


def complex_slope(name: str, x: np.ndarray) -> np.ndarray:
    return oracles.ACTIVATION[name](x + 1j * oracles.TINY_STEP).imag / oracles.TINY_STEP


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activation_equals_its_formula(name):
    """f(x) equals the textbook formula, written once more by the oracle."""
    expected = oracles.ACTIVATION[name](POINTS + 0j).real
    np.testing.assert_allclose(ACTIVATIONS[name].value(POINTS), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_slope_is_the_derivative_of_its_value(name):
    """slope(x, f(x)) equals the complex step through f."""
    f = ACTIVATIONS[name]
    actual = f.slope(POINTS, f.value(POINTS))
    np.testing.assert_allclose(actual, complex_slope(name, POINTS), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_comparison_rejects_a_wrong_slope(name):
    """A slope of one hundredth too much is rejected by the same comparison."""
    f = ACTIVATIONS[name]
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(
            1.01 * f.slope(POINTS, f.value(POINTS)), complex_slope(name, POINTS), rtol=1e-11, atol=1e-14
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_stays_finite_and_keeps_its_dtype(name, dtype):
    """Value and slope are finite at ±1000 (save exp), without a warning, in the dtype that came in."""
    f, x = ACTIVATIONS[name], FAR.astype(dtype)
    y = f.value(x)
    slope = f.slope(x, y)
    assert (y.dtype, slope.dtype) == (x.dtype, x.dtype)
    assert np.isfinite(y).all() == (name != "exp")
    assert np.isfinite(slope).all() == (name != "exp")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_outputs_lie_in_the_stated_range(name):
    """The outputs never leave `range`, by which targets are judged."""
    y = ACTIVATIONS[name].value(np.concatenate([FAR, POINTS]))
    low, high = ACTIVATIONS[name].range
    assert low <= y.min()
    assert y.max() <= high
    assert ACTIVATIONS[name].bounded == (name in ("logistic", "tanh", "softmax"))


def test_known_values():
    """A few values that every textbook prints."""
    at = lambda name, x: float(ACTIVATIONS[name].value(np.array([x]))[0])  # noqa: E731  # short
    assert at("logistic", 0.0) == 0.5
    assert at("softplus", 0.0) == pytest.approx(np.log(2.0), rel=1e-15)
    assert at("leaky_relu", -3.0) == pytest.approx(-0.03)
    assert at("elu", -1.0) == pytest.approx(np.exp(-1.0) - 1.0)
    assert at("gelu", 1.0) == pytest.approx(0.841191990608, abs=1e-11)  # Hendrycks & Gimpel, tanh form
    assert at("silu", 1.0) == pytest.approx(0.731058578630, abs=1e-11)
    assert at("softplus", -1000.0) == 0.0
    assert at("softplus", 1000.0) == 1000.0


def test_softmax_adds_up_to_one_and_ignores_a_shift():
    """Each row of softmax sums to 1, and adding a constant to a row changes nothing."""
    x = np.array([[1000.0, 999.0, -1000.0], [-1.0, 0.0, 2.0]])
    y = ACTIVATIONS["softmax"].value(x)
    np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(ACTIVATIONS["softmax"].value(x - 512.0), y, rtol=1e-15)
    assert y[0, 2] == 0.0


def test_which_activations_serve_the_output_only():
    """Softmax and exp are the output's; the nine of the issue serve everywhere."""
    assert OUTPUT_ONLY == ("softmax", "exp")
    expected = {"identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu"}
    assert set(HIDDEN) == expected


# --- losses ---


def loss_case(name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return net inputs, outputs of the loss's partner and targets, shapes (20, 3)."""
    partner = LOSSES[name].partner or "identity"
    x = rng.standard_normal((20, 3))
    shares = rng.dirichlet(np.ones(3), 20)
    t = {"cross_entropy": shares, "binary_cross_entropy": rng.random((20, 3)), "focal": shares}
    counts = rng.poisson(2.0, (20, 3)).astype(float)
    other = counts if name == "poisson" else rng.standard_normal((20, 3))
    return x, ACTIVATIONS[partner].value(x), t.get(name, other)


def delta_by_complex_step(name: str, parameter: float | None, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return −∂E/∂x of a loss with its partner, by one complex step for each net input of a sample."""
    moved = x[:, None, :] + 1j * oracles.TINY_STEP * np.eye(x.shape[1])  # (samples, moved input, outputs)
    y = oracles.ACTIVATION[LOSSES[name].partner](moved)
    errors = oracles.LOSS_TERM[name](y, t[:, None, :], parameter, x.shape[1]).sum(axis=-1)
    return -errors.imag / oracles.TINY_STEP


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_equals_its_formula(name, rng):
    """E computed from net inputs equals the textbook formula in the outputs."""
    x, y, t = loss_case(name, rng)
    loss = Loss(name, PARAMETERS.get(name))
    expected = oracles.LOSS_TERM[name](y + 0j, t, loss.parameter or 0.0, 3).sum(axis=-1).real
    np.testing.assert_allclose(loss.value(x, y, t), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", FREE_LOSSES)
def test_an_error_is_minus_the_derivative_of_its_loss(name, rng):
    """−∂E/∂y equals the complex step through E."""
    _, y, t = loss_case(name, rng)
    loss = Loss(name, PARAMETERS.get(name))
    term = oracles.LOSS_TERM[name](y + 1j * oracles.TINY_STEP, t, loss.parameter or 0.0, 3)
    np.testing.assert_allclose(loss.error(y, t), -term.imag / oracles.TINY_STEP, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in FREE_LOSSES])
def test_a_delta_is_minus_the_derivative_by_the_net_inputs(name, rng):
    """δ of a loss with a partner equals the complex step through both, and another parameter's does not."""
    x, y, t = loss_case(name, rng)
    loss = Loss(name, PARAMETERS.get(name))
    expected = delta_by_complex_step(name, loss.parameter, x, t)
    np.testing.assert_allclose(loss.delta(x, y, t), expected, rtol=1e-12, atol=1e-14)
    if loss.parameter is not None:
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(Loss(name).delta(x, y, t), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "focal"])
def test_cross_entropies_are_stable_at_a_thousand(name, dtype):
    """A net input of ±1000 on the wrong side costs 1000 or 2000, without overflow; on the right side 0."""
    f = ACTIVATIONS[LOSSES[name].partner]
    x = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]], dtype)
    t = np.array([[1.0, 0.0], [1.0, 0.0]], dtype)
    expected = [0.0, 2000.0]
    loss = Loss(name)
    np.testing.assert_array_equal(loss.value(x, f.value(x), t), expected)
    assert np.isfinite(loss.delta(x, f.value(x), t)).all()


def test_poisson_is_zero_for_a_perfect_fit():
    """Half the deviance vanishes where every output equals its target, t = 0 included in the limit."""
    t = np.array([[1.0, 2.0, 7.0, 0.0]])
    x = np.log(np.where(t > 0, t, 1e-300))
    error = Loss("poisson").value(x, np.exp(x), t)
    np.testing.assert_allclose(error, 0.0, atol=1e-14)


def test_no_error_no_slope():
    """Where output equals target, every free loss is 0 and pulls in no direction."""
    y = np.array([[0.25, -1.5]])
    for name in FREE_LOSSES:
        assert Loss(name).value(y, y, y).tolist() == [0.0], name
        assert Loss(name).error(y, y).tolist() == [[0.0, 0.0]], name


def test_the_quantile_loss_weighs_the_two_sides():
    """With q = 0.9, falling short by 2 costs 1.8 and overshooting by 2 costs 0.2."""
    y, t = np.array([[0.0], [0.0]]), np.array([[2.0], [-2.0]])
    np.testing.assert_allclose(Loss("quantile", 0.9).value(y, y, t), [1.8, 0.2], rtol=1e-14)


def test_one_q_for_each_output(rng):
    """Several q are those of the outputs, in their order; the order of another is rejected."""
    y, t, q = rng.standard_normal((20, 3)), rng.standard_normal((20, 3)), (0.1, 0.5, 0.9)
    alone = [Loss("quantile", q[j]) for j in range(3)]
    values = sum(alone[j].value(y[:, [j]], y[:, [j]], t[:, [j]]) for j in range(3))
    errors = np.hstack([alone[j].error(y[:, [j]], t[:, [j]]) for j in range(3)])
    np.testing.assert_allclose(Loss("quantile", q).value(y, y, t), values, rtol=1e-14)
    np.testing.assert_array_equal(Loss("quantile", q).error(y, t), errors)
    assert (Loss("quantile", q[::-1]).error(y, t)[:, [0, 2]] != errors[:, [0, 2]]).all()


def test_defaults_of_the_parameters():
    """Huber's d is 1, the quantile is the median, the focal γ is 2, and the other losses have none."""
    names = ("huber", "quantile", "focal", "absolute")
    assert [Loss(name).parameter for name in names] == [1.0, 0.5, 2.0, None]
    assert Loss("huber") == Loss("huber", 1)
    assert Loss("quantile", [0.25, 0.5]) == Loss("quantile", (0.25, 0.5))


@pytest.mark.parametrize(
    ("name", "parameter", "message"),
    [
        ("hubber", None, "did you mean 'huber'"),
        ("huber", 0.0, "must lie in"),
        ("huber", -1.0, "must lie in"),
        ("huber", float("nan"), "must lie in"),
        ("huber", float("inf"), "must lie in"),
        ("huber", "1", "must be a number"),
        ("huber", True, "must be a number"),
        ("quantile", 0.0, "must lie in"),
        ("quantile", 1.0, "must lie in"),
        ("quantile", 1.5, "must lie in"),
        ("quantile", (0.5, 1.0), "must lie in"),
        ("quantile", ("0.5",), "must be a number"),
        ("huber", (1.0, 2.0), "must be a number"),
        ("focal", 0.0, "must lie in"),
        ("focal", float("inf"), "must lie in"),
        ("squared_error", 1.0, "has no parameter"),
        (3, None, "loss must be one of"),
    ],
)
def test_a_bad_loss_is_refused(name, parameter, message):
    """An unknown loss or a parameter out of range is a SettingError that says what is allowed."""
    with pytest.raises(SettingError, match=message):
        Loss(name, parameter)

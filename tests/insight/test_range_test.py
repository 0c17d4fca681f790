"""`range_test`: the rates of its steps, where the loss breaks away, and what it proposes."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from schuss import (
    DataError,
    GradientDescent,
    LineSearch,
    Momentum,
    Nesterov,
    Network,
    Plan,
    RangeTest,
    SettingError,
    range_test,
    train,
)

NETWORK = Network([3, 5, 1], "tanh")
ROOM = 1.16  # an unstable direction must grow before the loss shows it, and the rate rises meanwhile


def draw_data(n: int = 24, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)).astype(dtype)
    return X, np.tanh(X[:, :1] - X[:, 1:2] * X[:, 2:])


def quadratic() -> tuple[Network, np.ndarray, np.ndarray, float]:
    """Return a linear network, data that it can fit, and the largest curvature of ½·mean(t−y)²."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 4))
    inputs = np.column_stack([X, np.ones(60)])
    return Network([4, 1]), X, X @ rng.standard_normal((4, 1)), np.linalg.eigvalsh(inputs.T @ inputs / 60)[-1]


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_steps_are_those_of_a_training_with_these_rates(engine: str, dtype: str) -> None:
    """`train` with the plan of the result gives its losses, to the last bit; another rate does not."""
    X, T = draw_data(dtype=dtype)
    found = range_test(NETWORK, X, T, batch_size=5, low=0.001, high=0.1, steps=25, engine=engine)
    run = train(NETWORK, X, T, found.plan, engine=engine)
    other = range_test(NETWORK, X, T, batch_size=5, low=0.001, high=0.11, steps=25, engine=engine)

    assert found.engine.engine == engine
    assert found.loss.tobytes() == run.step_loss.tobytes()
    assert found.loss.tobytes() != other.loss.tobytes()


def test_the_rates_rise_geometrically() -> None:
    """From `low` to `high`, by one factor from step to step, over whole epochs."""
    found = range_test(NETWORK, *draw_data(), batch_size=5, low=1e-4, high=0.1, steps=22)

    assert len(found.learning_rate) == len(found.loss) == 25
    assert found.learning_rate[[0, -1]] == pytest.approx([1e-4, 0.1], rel=1e-12)
    assert found.learning_rate == pytest.approx(1e-4 * 1000 ** (np.arange(25) / 24), rel=1e-12)
    assert found.plan.rule.learning_rate.values == tuple(found.learning_rate)


def test_of_long_epochs_a_part_is_drawn() -> None:
    """More data than the steps can see cost nothing; and the samples are the same every time."""
    X, T = draw_data(4000)
    found = range_test(NETWORK, X, T, batch_size=10, high=0.1, steps=30)
    again = range_test(NETWORK, X, T, batch_size=10, high=0.1, steps=30)

    assert (len(found.loss), found.plan.epochs) == (30, 1)
    assert found.loss.tobytes() == again.loss.tobytes()


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    ("rule", "bound"),
    [
        (Momentum(), lambda momentum: 2 + 2 * momentum),
        (Nesterov(), lambda momentum: (2 + 2 * momentum) / (1 + 2 * momentum)),
    ],
)
def test_the_edge_is_that_of_theory(
    rule: Momentum | Nesterov, bound: Callable[[float], float], momentum: float
) -> None:
    """On a quadratic the loss breaks away just above (2+2η)/λ, for Nesterov (2+2η)/((1+2η)λ)."""
    network, X, T, curvature = quadratic()
    rule = type(rule)(0.01, momentum)
    edge = bound(momentum) / curvature
    found = range_test(network, X, T, rule=rule, batch_size=None, low=0.9 * edge, high=1.8 * edge)

    assert found.edge is not None
    assert edge < found.edge < ROOM * edge
    assert found.tenth == found.edge / 10
    if momentum:  # gradient descent's bound for all is no explanation
        assert not 2 / curvature < found.edge < ROOM * 2 / curvature


def test_the_steepest_fall_and_the_edge_of_a_known_series() -> None:
    """Of a loss that falls along a smooth step: its middle, and where half of the fall is given back."""
    place = np.linspace(-3, 3, 200)
    rates = np.geomspace(1e-3, 1e3, 200)
    loss = 1.5 - np.tanh(3 * (place + 1.2)) / 2 + np.exp(6 * (place - 2))
    found = range_test(NETWORK, *draw_data(), batch_size=None, low=1e-3, high=1e3, steps=200)
    drawn = RangeTest(NETWORK, found.plan, rates, loss, loss, None, found.engine)

    assert np.log10(drawn.steepest) == pytest.approx(-1.2, abs=0.05)
    half = 1 + np.log(0.5) / 6 + 1
    assert np.log10(drawn.edge) == pytest.approx(half, abs=0.05)


def test_a_single_wild_step_is_no_edge() -> None:
    """The median passes over it: neither the edge nor the smoothed loss moves."""
    from schuss.insight.range_test import _running_median

    values = np.linspace(1.0, 0.5, 41)
    wild = values.copy()
    wild[20] = 1e9
    assert np.abs(_running_median(wild, 5) - values).max() < 0.05
    assert np.abs(np.convolve(wild, np.ones(5) / 5, "same") - values).max() > 1e6


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_divergence_is_an_answer(engine: str) -> None:
    """The step that gave the first number that is not finite is told, and what came before it is kept."""
    X, T = draw_data()
    network = Network([3, 5, 1], "relu")
    found = range_test(network, X, T, batch_size=5, low=1e-3, high=1e30, steps=100, engine=engine)

    assert found.diverged_at is not None
    assert len(found.loss) == found.diverged_at
    assert np.isfinite(found.loss).all()
    assert found.edge is not None
    assert found.edge <= found.plan.rule.learning_rate.values[found.diverged_at]


def test_a_range_that_shows_nothing_says_so() -> None:
    """Too low: no edge; too high: no fall. Neither is an error."""
    X, T = draw_data()
    low = range_test(NETWORK, X, T, low=1e-9, high=1e-8)
    assert (low.edge, low.tenth) == (None, None)
    assert "no edge" in low.text()
    high = range_test(Network([3, 1]), X, T, batch_size=None, low=10, high=100)
    assert high.steepest is None
    assert "never fell" in high.text()


def test_it_is_shown_as_text_and_json() -> None:
    """Both rates by name; plain values without NaN."""
    found = range_test(NETWORK, *draw_data(), batch_size=5, high=100, rule=GradientDescent())
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))

    assert f"steepest fall at {found.steepest:.3g}" in found.text()
    assert f"edge at {found.edge:.3g}, a tenth of it {found.tenth:.3g}" in found.text()
    assert (told["steepest"], told["tenth_of_edge"]) == (found.steepest, found.tenth)
    assert repr(found).startswith(f"RangeTest({len(found.loss)} steps, steepest fall at ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"low": 0.0}, "low must lie in"),
        ({"low": 1.0, "high": 1.0}, "high must lie in"),
        ({"high": np.inf}, "high must lie in"),
        ({"steps": 3}, "steps must be an integer of at least 20"),
        ({"batchsize": 3}, "did you mean 'batch_size'"),
        ({"plan": Plan(), "batch_size": 3}, "not both"),
        ({"rule": LineSearch(), "batch_size": None}, "rule 'line_search' has no learning rate to be tested"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], words: str) -> None:
    """With what is allowed."""
    with pytest.raises(SettingError, match=words):
        range_test(NETWORK, *draw_data(), **settings)


def test_bad_data_are_refused() -> None:
    """As by `train`; and a range whose first step already diverges."""
    X, T = draw_data()
    with pytest.raises(SettingError, match="let the range begin lower"):
        range_test(Network([3, 1]), X, 1e10 * T, low=1e300, high=1e301)
    with pytest.raises(DataError, match="X must have shape"):
        range_test(NETWORK, X[:, :2], T)

"""What `train` accepts: a plan or its settings, first weights, dtypes; and what it says of slips."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from problems import BATCH, NETWORK, ROWS, RULE, draw_data
from schuss import DataError, Momentum, Network, Plan, Run, SchussWarning, SettingError, train


def run_of(**settings: Any) -> Run:
    X, T = draw_data()
    return train(NETWORK, X, T, **{"rule": RULE, "epochs": 3, "batch_size": BATCH, **settings})


def test_a_plan_and_its_settings_give_the_same_run() -> None:
    """Keywords are the fields of a plan."""
    plan = Plan(rule=RULE, epochs=3, batch_size=BATCH, seed=4, l2=0.1)

    by_plan = train(NETWORK, *draw_data(), plan)
    assert_same_bits(by_plan.state, run_of(seed=4, l2=0.1).state)
    assert by_plan.plan == plan
    with pytest.raises(AssertionError):
        assert_same_bits(by_plan.state, run_of(seed=5, l2=0.1).state)


def test_a_plan_and_settings_together_are_refused() -> None:
    """It would be unclear which holds."""
    with pytest.raises(SettingError, match="not both; got epochs, seed as well"):
        train(NETWORK, *draw_data(), Plan(), epochs=3, seed=0)


@pytest.mark.parametrize(
    ("given", "meant"), [("epoch", "epochs"), ("batchsize", "batch_size"), ("learn", "")]
)
def test_an_unknown_setting_is_named_with_the_nearest(given: str, meant: str) -> None:
    """A slip of the pen is answered by the name that was meant."""
    sentence = f"no setting '{given}'" + (f" (did you mean '{meant}'?)" if meant else ".")
    with pytest.raises(SettingError, match=re.escape(sentence)):
        run_of(**{given: 1})


@pytest.mark.parametrize("how", ["setting", "plan"])
def test_a_batch_larger_than_the_data_warns_and_is_clipped(how: str) -> None:
    """The warning stands at the caller's line; the run is that of one batch per epoch."""
    settings: dict[str, Any] = {"rule": RULE, "epochs": 3, "batch_size": 1000}
    plan, rest = (Plan(**settings), {}) if how == "plan" else (None, settings)
    with pytest.warns(SchussWarning, match="batch_size=1000 is larger than the data; 22") as caught:
        run = train(NETWORK, *draw_data(), plan, **rest)

    assert Path(caught[0].filename) == Path(__file__)
    assert run.plan.batch_size == ROWS
    assert_same_bits(run.state, run_of(batch_size=ROWS).state)


def test_the_default_batch_may_be_larger_than_the_data() -> None:
    """Nobody asked for 32, so nobody is warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = train(NETWORK, *draw_data(), rule=RULE, epochs=1)

    assert (run.plan.batch_size, run.state.step) == (ROWS, 1)


def test_given_weights_are_where_the_training_starts() -> None:
    """The first loss is that of `theta`, and `theta` is left as it was."""
    theta = np.linspace(-0.5, 0.5, NETWORK.n_parameters)
    before = theta.copy()
    run = run_of(theta=theta, batch_size=None)
    quiet = run_of(theta=theta, batch_size=None, rule=Momentum(1e-300, 0.0))

    np.testing.assert_array_equal(theta, before)
    np.testing.assert_array_equal(quiet.theta, before)
    assert run.step_loss[0] == quiet.step_loss[0] != run_of(batch_size=None).step_loss[0]


@pytest.mark.parametrize(
    ("theta", "error"),
    [
        (np.zeros(3), ValueError),
        (np.zeros((NETWORK.n_parameters, 1)), ValueError),
        (np.full(NETWORK.n_parameters, np.nan), DataError),
        (np.full(NETWORK.n_parameters, np.inf), DataError),
    ],
)
def test_weights_of_a_wrong_shape_or_not_finite_are_refused(theta: Any, error: type) -> None:
    """They are named as theta."""
    with pytest.raises(error, match="theta"):
        run_of(theta=theta)


def test_samples_that_all_weigh_nothing_are_refused() -> None:
    """One that counts is enough."""
    some = np.eye(ROWS)[0]
    with pytest.raises(DataError, match="all weights are 0"):
        run_of(weights=0 * some)
    assert np.isfinite(run_of(weights=some).loss).all()


@pytest.mark.parametrize(
    ("given", "asked", "trained"),
    [
        ("float32", None, "float32"),
        ("float64", None, "float64"),
        ("int64", None, "float64"),
        ("float16", None, "float64"),
        ("float64", "float32", "float32"),
        ("float32", np.float64, "float64"),
    ],
)
def test_the_inputs_decide_the_dtype_unless_it_is_given(given: str, asked: Any, trained: str) -> None:
    """float32 stays float32, everything else is float64; the predictions have the run's dtype."""
    X, T = draw_data()
    run = train(NETWORK, (4 * X).astype(given), T, rule=RULE, epochs=1, dtype=asked)

    assert run.theta.dtype == run.state.memory.dtype == trained
    assert run.predict(X).dtype == trained


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex128", "words"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    """Only float32 and float64 train."""
    with pytest.raises(DataError, match=r"dtype|numbers"):
        run_of(dtype=dtype)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs must be an integer of at least 1; got 0"),
        ({"epochs": -3}, "epochs must be an integer of at least 1; got -3"),
        ({"epochs": 2.5}, "epochs must be an integer"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1; got 0"),
        ({"batch_size": -1}, "batch_size must be an integer of at least 1; got -1"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"l2": -0.1}, "l2 must lie in"),
        ({"engine": "nativ"}, r"engine must be one of .*did you mean 'native'"),
        ({"threads": 0}, "threads must be an integer of at least 1; got 0"),
        ({"loss_goal": np.nan}, "loss_goal must lie in"),
        ({"patience": 0}, "patience must be an integer of at least 1; got 0"),
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings: Any, sentence: str) -> None:
    """The message names the setting, what is allowed and what was given."""
    with pytest.raises(SettingError, match=sentence):
        run_of(**settings)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, np.nan, np.inf, "0.9"])
def test_momentum_lies_in_zero_to_one(momentum: Any) -> None:
    """Anything else is refused when the rule is made."""
    with pytest.raises(SettingError, match=r"momentum must .* in \[0, 1\]"):
        Momentum(0.1, momentum)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["X", "T"])
def test_data_that_is_not_finite_is_refused_with_its_place(bad: float, where: str) -> None:
    """Row and column of the first such value are told."""
    X, T = draw_data()
    (X if where == "X" else T)[6, 1] = bad
    with pytest.raises(DataError, match=f"{where} holds {bad} at row 6, column 1"):
        train(NETWORK, X, T, epochs=1)


def test_no_samples_are_refused() -> None:
    """An empty table cannot be trained on."""
    with pytest.raises(DataError, match="no samples"):
        train(Network([3, 2]), np.empty((0, 3)), np.empty((0, 2)), epochs=1)


@pytest.mark.parametrize(
    ("slip", "sentence"),
    [
        (
            {"network": [3, 7, 2]},
            r"network must be a Network, such as .*; got \[3, 7, 2\]",
        ),
        ({"plan": Momentum(0.1)}, "plan must be a Plan.* got a rule alone; give it as rule="),
        ({"plan": 3}, "plan must be a Plan.* got 3"),
        ({"rule": "momentum"}, "rule must be a rule, such as Momentum.*; got the name 'momentum'"),
        ({"rule": Momentum}, "got the class .*Momentum.*, of which one is made"),
        ({"learning_rate": 0.1}, r"no setting 'learning_rate'; it belongs to the rule: rule=Momentum\("),
        ({"validation": (*draw_data(), None)}, r"validation must be inputs and targets, \(X, T\)"),
        ({"validation": 3}, "validation must be inputs and targets"),
        ({"callbacks": print}, "callbacks must be a list of functions"),
        ({"callbacks": [3]}, "callbacks must be a list of functions"),
        ({"engine": None}, "engine must be one of auto, native"),
        ({"keep": 5, "record": "run"}, r"keep must be a Keep, such as Keep\(seconds=10\); got 5"),
        ({"theta": ["a"]}, "theta must be an array of numbers"),
        ({"memory": "a"}, "memory must be an array of numbers"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_a_thing_of_another_kind_is_told(
    slip: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken for something else is named, with what it should be; nothing is trained or recorded."""
    monkeypatch.chdir(tmp_path)
    X, T = draw_data()
    with pytest.raises((SettingError, DataError), match=sentence):
        train(**{"network": NETWORK, "X": X, "T": T, **slip})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "words"), [("datetime64[s]", "dates"), ("timedelta64[s]", "time spans")])
def test_dates_are_no_numbers(kind: str, words: str) -> None:
    """They would be counts of seconds, some 10⁹."""
    X, T = draw_data()
    with pytest.raises(DataError, match=f"X holds {words}; give real numbers"):
        train(NETWORK, X.astype(kind), T)

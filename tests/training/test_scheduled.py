"""Trainings with every kind of schedule: the same bits however they are run, and found again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import ALL, make_engine
from problems import NETWORK, draw_data
from recorded import OFTEN, leave_some
from runs import draw_run, in_pieces, one_call, step_by_step
from schedules import EACH
from schuss import (
    Adam,
    MLPRegressor,
    Momentum,
    Nesterov,
    SettingError,
    load_run,
    save_model,
    sweep,
    train,
)
from schuss.method.plan import Plan
from schuss.method.schedules import (
    Custom,
    Demon,
    Listed,
    Nesterov1983,
    OneCycle,
    Plateau,
    Restart,
    Schedule,
    Sutskever,
)

CUSTOM = Custom(lambda n: 0.05 * 0.9**n, 0.1)


@pytest.mark.parametrize("schedule", [*EACH, CUSTOM], ids=lambda each: repr(each).partition(" at 0x")[0][:60])
@pytest.mark.parametrize("name", ALL)
def test_one_call_pieces_and_steps_have_the_same_bits(name: str, schedule: Schedule) -> None:
    """As rate and, where it may be, as momentum; and a constant rate gives others."""
    momentum = 0.9 if isinstance(schedule, Plateau) else schedule
    rate = 0.05 if isinstance(schedule, Restart) else schedule
    plan = Plan(Momentum(rate, momentum), epochs=5, batch_size=5, weight_decay=0.1)
    samples, start = draw_run(NETWORK, plan, 22)
    engine, stop = make_engine(name), plan.steps(22)
    whole = one_call(engine, NETWORK, start, samples, plan, stop)
    for other in (
        in_pieces(engine, NETWORK, start, samples, plan, [1, 4, 5, 17, stop]),
        step_by_step(engine, NETWORK, start, samples, plan, stop),
    ):
        assert_same_bits(other.state, whole.state)
        assert other.losses.tobytes() == whole.losses.tobytes()
    constant = plan.replace(rule=Momentum(schedule.bounds[1], 0.5))
    assert one_call(engine, NETWORK, start, samples, constant, stop).state.digest() != whole.state.digest()


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize(
    "rule",
    [
        Momentum(OneCycle(0.01, 0.1), OneCycle(0.95, 0.85)),
        Nesterov(Listed(((0, 0.02), (20, 0.05), (40, 0.0))), Sutskever(0.9, 7)),
        Adam(0.01, Nesterov1983(0.9)),
        Momentum(0.02, Demon()),
    ],
    ids=lambda rule: repr(rule)[:60],
)
def test_a_recorded_run_is_replayed(engine: str, rule: Any, tmp_path: Path) -> None:
    """Every step of the folder has the bits of the run, whose plan comes back equal."""
    X, T = draw_data()
    how: dict[str, Any] = {"rule": rule, "epochs": 8, "batch_size": 5, "engine": make_engine(engine)}
    plain = train(NETWORK, X, T, **how)
    train(NETWORK, X, T, record=tmp_path / "run", keep=OFTEN, **how)
    leave_some(tmp_path / "run", 10)
    opened = load_run(tmp_path / "run")

    assert opened.plan == plain.plan
    assert opened.state.digest() == plain.state.digest()
    for step in (0, 1, 13, 40):
        assert opened.at(step).digest() == plain.at(step).digest()
    assert opened.at(13).digest() != plain.at(14).digest()


def test_a_function_trains_but_is_not_recorded(tmp_path: Path) -> None:
    """The run in memory finds its steps again; recording says what to give, and leaves no folder behind."""
    X, T = draw_data()
    run = train(NETWORK, X, T, rule=Momentum(CUSTOM, 0.9), epochs=8, batch_size=5)
    listed = Listed([CUSTOM.function(n) for n in range(40)])

    assert run.at(40).digest() == run.state.digest()
    with pytest.raises(SettingError, match="Listed"):
        train(NETWORK, X, T, rule=Momentum(CUSTOM, 0.9), record=tmp_path / "run")
    with pytest.raises(SettingError, match="Listed"):
        save_model(run, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    kept = train(NETWORK, X, T, rule=Momentum(listed, 0.9), epochs=8, batch_size=5, record=tmp_path / "run")
    assert kept.state.digest() == run.state.digest()
    assert json.loads(json.dumps(kept.plan.to_dict()))["rule"]["learning_rate"]["schedule"] == "listed"


def test_a_function_that_fails_ends_the_training() -> None:
    """With the number of the step, also where it is far from the first."""
    X, T = draw_data()
    late = Custom(lambda n: 0.01 if n < 33 else np.nan, 1)
    with pytest.raises(SettingError, match="of step 33 must lie in"):
        train(NETWORK, X, T, rule=Momentum(late, 0.9), batch_size=5)


def test_a_sweep_over_schedules() -> None:
    """Each ends in the bits of its own training."""
    X, T = draw_data()
    rates: list[Any] = [schedule for schedule in EACH if not isinstance(schedule, Plateau | Restart)]
    how: dict[str, Any] = {"epochs": 3, "batch_size": 5}
    found = sweep(NETWORK, X, T, learning_rate=rates, momentum=0.8, **how)

    digests = [train(NETWORK, X, T, rule=Momentum(rate, 0.8), **how).state.digest() for rate in rates]
    assert [found[i].state.digest() for i in range(len(rates))] == digests


def test_estimators_take_them() -> None:
    """As rate and momentum; another cycle ends elsewhere."""
    X, T = draw_data()

    def fitted(momentum: Any) -> Any:
        how = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0, "tol": 0.0, "solver": "sgd"}
        with pytest.warns(UserWarning, match="converge"):
            return MLPRegressor(learning_rate_init=OneCycle(0.001, 0.01), momentum=momentum, **how).fit(X, T)

    cycled = fitted(OneCycle(0.95, 0.85))
    assert cycled.plan_.rule.momentum == OneCycle(0.95, 0.85)
    assert cycled.loss_ != fitted(OneCycle(0.85, 0.95)).loss_

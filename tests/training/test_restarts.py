"""Momentum that is begun anew where the loss rises or a step goes uphill: when, and the same bits always."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import ALL, make_engine
from problems import NETWORK, STEPS_PER_EPOCH, Spy, draw_data
from recorded import OFTEN, leave_some, same_runs
from schuss import (
    Adam,
    MLPRegressor,
    Momentum,
    Nesterov,
    Nesterov1983,
    Network,
    Plan,
    Plateau,
    Restart,
    SettingError,
    State,
    TrainingInterrupted,
    load_run,
    sweep,
    train,
)
from schuss.engine.engine import INTERRUPTED
from schuss.training import strides
from schuss.training.restarting import must_restart

LINE = Network([3, 1], output="identity")
FULL: dict[str, Any] = {"batch_size": None, "order": "sequential"}
WHEN = ("function", "gradient")


def slope_data() -> tuple[Any, Any]:
    """Draw inputs of very different size, whose least squares are a long valley."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 3)) * [3.0, 1.0, 0.1]
    return X, X @ [[1.0], [-2.0], [9.0]] + 0.5


def twin(rate: float, when: str, epochs: int, *, nesterov: bool) -> tuple[Any, list[int], list[float]]:
    """Return weights, restarts and losses of plain least squares with a restarted momentum."""
    X, T = slope_data()
    A = np.column_stack([X, np.ones(len(X))])
    theta = LINE.initial(0, np.float64)
    w = np.append(theta[:3], theta[3])
    v, counter, restarts, losses = np.zeros(4), 0, list[int](), list[float]()
    began = 0
    for step in range(epochs):
        wrong = A @ w - T[:, 0]
        losses.append(float(wrong @ wrong) / len(T) / 2)
        gradient = A.T @ wrong / len(T)
        momentum = 0.0 if step in restarts else min(1 - 3 / (counter + 5), 0.99)
        v = momentum * v - rate * gradient
        w = w + (momentum * v - rate * gradient if nesterov else v)
        counter += 1
        rises = step - 1 >= began and losses[-1] > losses[-2]
        if rises if when == "function" else gradient @ v > 0:
            restarts.append(step + 1)
            counter, began = 0, step + 1
    return w, restarts, losses


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_it_restarts_where_a_plain_twin_does(kind: type[Any], when: str, engine: str) -> None:
    """On least squares: the same restarts, and the same weights to rounding; without them, others."""
    X, T = slope_data()
    how: dict[str, Any] = {"epochs": 300, "dtype": "float64", "engine": make_engine(engine), **FULL}
    run = train(LINE, X, T, rule=kind(0.05, Restart(Nesterov1983(0.99), when)), **how)
    w, restarts, losses = twin(0.05, when, 300, nesterov=kind is Nesterov)
    other = train(LINE, X, T, rule=kind(0.05, Nesterov1983(0.99)), **how)

    assert engine.startswith(run.engine.engine)
    assert len(restarts) >= 2
    assert list(run.plan.rule.momentum.restarts) == restarts
    np.testing.assert_allclose(run.theta, w, rtol=1e-9)
    np.testing.assert_allclose(run.loss, losses, rtol=1e-8)
    assert not np.allclose(other.theta, w, rtol=1e-3)
    assert run.loss[-1] < 0.1 * other.loss[-1]


def mini(**how: Any) -> Any:
    """Train on batches of five, with a rate that lets the loss of epochs rise now and then."""
    X, T = draw_data()
    return train(NETWORK, X, T, rule=Momentum(0.08, Restart(0.95)), batch_size=5, **{"epochs": 120, **how})


def test_epochs_of_batches_go_by_their_mean_loss() -> None:
    """A restart comes after every epoch worse than the one before, unless a restart lies between."""
    run = mini()
    expected, last = list[int](), 0
    for epoch in range(1, run.epochs):
        if epoch - 1 >= last and run.loss[epoch] > run.loss[epoch - 1]:
            last = epoch + 1
            expected.append(last * STEPS_PER_EPOCH)

    assert len(expected) > 5
    assert list(run.plan.rule.momentum.restarts) == expected
    still = run.at(expected[0] + 1)
    rates = run.plan.rule.at(np.array([expected[0]]), run.plan.span(run.n_samples))[0]
    assert rates[1] == 0.0
    np.testing.assert_allclose(still.velocity, still.theta - run.at(expected[0]).theta, atol=1e-15)


@pytest.mark.parametrize("engine", ALL)
def test_strides_do_not_show(engine: str, tmp_path: Path) -> None:
    """In one go, looked at after each epoch, and recorded: the same bits and restarts, found again."""
    run = mini(engine=make_engine(engine))
    watched = mini(engine=make_engine(engine), callbacks=[lambda _: None])
    mini(engine=make_engine(engine), record=tmp_path / "run", keep=OFTEN)
    leave_some(tmp_path / "run", 10)
    opened = load_run(tmp_path / "run")

    for other in (watched, opened):
        assert other.plan == run.plan
        assert same_runs(other, run)
    for step in (0, 33, run.plan.rule.momentum.restarts[2], run.state.step):
        assert opened.at(step).digest() == run.at(step).digest()


@pytest.mark.parametrize("when", WHEN)
def test_stopped_and_resumed(when: str, tmp_path: Path) -> None:
    """A run that was interrupted goes on to the bits and restarts of one that never was; so does a fork."""
    X, T = draw_data()
    how: dict[str, Any] = {"rule": Nesterov(0.3, Restart(when=when)), "epochs": 200, **FULL}
    run = train(NETWORK, X, T, **how)
    restarts = run.plan.rule.momentum.restarts
    assert len(restarts) > 2

    for i, epoch in enumerate((restarts[0] - 1, restarts[0], restarts[1] + 1)):
        folder = tmp_path / str(i)

        def stop(told: Any, at: int = epoch) -> None:
            if told.number == at:
                raise KeyboardInterrupt

        with pytest.raises(TrainingInterrupted):
            train(NETWORK, X, T, record=folder, keep=OFTEN, callbacks=[stop], **how)
        resumed = train(resume=folder)
        assert resumed.plan == run.plan
        assert same_runs(resumed, run)
        forked = load_run(folder).fork(epoch)
        assert forked.plan == run.plan
        assert same_runs(forked, run)
        assert not same_runs(load_run(folder).fork(epoch, momentum=0.9), run)


def test_what_is_refused() -> None:
    """Each message says what to do instead."""
    X, T = draw_data()
    with pytest.raises(SettingError, match="needs full batches, batch_size=None; got 5 of 22 samples"):
        train(NETWORK, X, T, rule=Momentum(0.1, Restart(when="gradient")), batch_size=5)
    with pytest.raises(SettingError, match="needs full batches"):
        mini(epochs=3).fork(2, momentum=Restart(when="gradient"))
    with pytest.raises(SettingError, match="begins the momentum anew; learning_rate takes"):
        Momentum(Restart())
    with pytest.raises(SettingError, match="begins the momentum anew; beta_1 takes"):
        Adam(0.1, Restart(0.5))
    with pytest.raises(SettingError, match="a momentum of Restart is for `train`"):
        sweep(NETWORK, X, T, learning_rate=[0.1, 0.2], momentum=Restart())
    with pytest.raises(SettingError, match="a momentum of Restart is for fit"):
        MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", momentum=Restart()).partial_fit(X, T)


def test_an_estimator_takes_it() -> None:
    """The plan of a fit says when it restarted."""
    X, T = draw_data()
    model = MLPRegressor(
        hidden_layer_sizes=(7,),
        solver="sgd",
        learning_rate_init=0.1,
        momentum=Restart(0.95),
        max_iter=60,
        random_state=0,
        tol=0.0,
    )
    with pytest.warns(UserWarning, match="converge"):
        model.fit(X, T)
    assert len(model.plan_.rule.momentum.restarts) > 0


@pytest.mark.parametrize(
    ("rule", "how"),
    [
        (Momentum(0.08, Restart(0.95)), {}),
        (Momentum(Plateau(0.05, 2.0)), {"patience": 2, "min_improvement": 0.1}),
    ],
    ids=["restart", "plateau"],
)
def test_an_interruption_in_a_stride_that_changes_the_plan_is_heard(
    rule: Any, how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C within steps that are taken back is not lost with them, and the run goes on to the same bits."""
    monkeypatch.setattr(strides, "SHARE", 100.0)  # many are taken back
    X, T = draw_data()
    common: dict[str, Any] = {"rule": rule, "epochs": 120, "batch_size": 5, **how}
    run = train(NETWORK, X, T, engine=make_engine("reference"), **common)
    made_by = run.plan.rule
    changes = made_by.momentum.restarts if "patience" not in how else made_by.learning_rate.drops
    interrupted = []

    class Interrupted(Spy):
        def advance(self, *args: Any, **more: Any) -> Any:
            made = super().advance(*args, **more)
            if interrupted or not any(args[1].step < change < made.state.step for change in changes):
                return made
            interrupted.append(made.state.step)
            return made._replace(outcome=INTERRUPTED)

    with pytest.raises(TrainingInterrupted) as stopped:
        train(NETWORK, X, T, engine=Interrupted(make_engine("reference")), record=tmp_path / "run", **common)

    assert stopped.value.run.state.step < interrupted[0]
    assert same_runs(train(resume=tmp_path / "run"), run)


def test_the_sign_of_a_product_is_found_at_any_size() -> None:
    """Velocities near the largest numbers neither raise nor warn, and tiny ones count."""
    plan = Plan(Momentum(0.1, Restart(0.5, "gradient")), batch_size=None)
    for size in (1e-300, 1.0, 1e300, 1.7e308):
        before = State(np.zeros(2), np.array([[size, -size]]), 3)
        uphill = State(np.zeros(2), np.array([[size / 4, -size / 4]]), 4)
        downhill = State(np.zeros(2), np.array([[size, -size]]), 4)
        assert must_restart(plan, 9, (1.0, 1.0), (before, uphill))
        assert not must_restart(plan, 9, (1.0, 1.0), (before, downhill))
    nothing = State(np.zeros(2), np.zeros((1, 2)), 4)
    assert not must_restart(plan, 9, (1.0, 2.0), (nothing, nothing))

"""A rule that returns other weights than those at which it takes its gradients: who is handed which."""

from pathlib import Path

import numpy as np
import pytest

from comparisons import assert_near
from problems import BATCH, NETWORK, STEPS_PER_EPOCH, draw_data
from schuss import Cosine, Custom, Listed, Momentum, Run, ScheduleFree, load_run, sweep, train

X, T = draw_data()
HOW = {"rule": ScheduleFree(0.3), "epochs": 6, "batch_size": 5}


def mean_of_descent(run: Run) -> np.ndarray:
    """Return x as the mean of all z so far, by following z with the gradients of each step's batch."""
    z = x = run.at(0).theta
    for step in range(run.state.step):
        rows = run.plan.batch(step, run.n_samples)
        batch = run.origin.take(rows)  # type: ignore[union-attr]  # it holds its samples
        g = run.replay.engine.gradient(NETWORK, run.at(step).theta, batch, run.plan.objective).gradient
        z = z - 0.3 * g
        x = x + (z - x) / (step + 1)
    return x


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_weights_of_a_run_are_the_mean(engine: str, tmp_path: Path) -> None:
    """Of predictions too, and of a run that is opened again; the state holds the others."""
    run = train(NETWORK, X, T, **HOW, engine=engine, record=tmp_path / "run")
    assert run.engine.engine == engine
    assert_near(run.theta, mean_of_descent(run), 1e-10, "weights")
    with pytest.raises(AssertionError, match="weights"):
        assert_near(run.state.theta, mean_of_descent(run), 1e-10, "weights")

    y = run.replay.engine.outputs(NETWORK, run.theta, X)
    np.testing.assert_array_equal(run.predict(X), y)
    np.testing.assert_array_equal(load_run(tmp_path / "run").theta, run.theta)


def test_validation_judges_the_mean() -> None:
    """The loss of each epoch is that of the weights that would be returned then."""
    held_out = draw_data(9, seed=3)
    run = train(NETWORK, X, T, **HOW, validation=held_out)
    per_epoch = run.plan.steps_per_epoch(len(X))
    for epoch, told in enumerate(run.validation_loss, start=1):
        part = train(NETWORK, X, T, **HOW | {"epochs": epoch})
        assert part.state.step == epoch * per_epoch
        error = ((part.predict(held_out[0]) - held_out[1]) ** 2).sum(axis=1).mean() / 2
        assert told == pytest.approx(error, rel=1e-12)


def test_an_average_is_of_the_means() -> None:
    """Of the last epochs' weights, as they would be returned."""
    run = train(NETWORK, X, T, **HOW, average=0.5)
    ends = [train(NETWORK, X, T, **HOW | {"epochs": n}).theta for n in (4, 5, 6)]
    assert_near(run.theta, np.mean(ends, axis=0), 1e-12, "average")


def test_a_sweep_hands_out_the_means() -> None:
    """Each network's are those of its run; of a rule that returns what it trains they are the state's."""
    found = sweep(NETWORK, X, T, **HOW, learning_rate=[0.1, Cosine(0.3, warm_up=0.3)])
    for i, theta in enumerate(found.theta):
        run = train(NETWORK, X, T, found[i].plan)
        np.testing.assert_array_equal(theta, run.theta)
        np.testing.assert_array_equal(found[i].theta, run.theta)
    assert (found.theta != found.state.theta).any()
    other = sweep(NETWORK, X, T, rule=Momentum(0.1), momentum=[0.1, 0.9], epochs=2)
    assert other.theta is other.state.theta


@pytest.mark.parametrize("epochs", [1, 5, 8])
def test_a_schedule_of_ones_own_is_asked_for_its_steps_alone(epochs: int) -> None:
    """It may be a table that ends with the training."""
    steps = epochs * STEPS_PER_EPOCH
    table = np.linspace(0.1, 0.2, steps)
    rule = ScheduleFree(Custom(lambda n: table[n], high=1.0))
    run = train(NETWORK, *draw_data(), rule=rule, epochs=epochs, batch_size=BATCH)

    listed = ScheduleFree(Listed(tuple(table.tolist())))
    again = train(NETWORK, *draw_data(), rule=listed, epochs=epochs, batch_size=BATCH)
    assert run.state.step == steps
    assert run.state.digest() == again.state.digest()
    other = train(NETWORK, *draw_data(), rule=ScheduleFree(0.15), epochs=epochs, batch_size=BATCH)
    assert run.state.digest() != other.state.digest()

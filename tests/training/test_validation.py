"""Validation: judged after each epoch, without changing the training, and the best state is kept."""

from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import Engine
from problems import BATCH, NETWORK, RULE, draw_data
from schuss import DataError, Run, train
from schuss.method.samples import Samples

HELD_OUT = draw_data(15, seed=99)


def run_of(engine: Engine, **settings: Any) -> Run:
    """Train the small problem with held-out data."""
    how = {"rule": RULE, "batch_size": BATCH, "validation": HELD_OUT, "epochs": 60, **settings}
    return train(NETWORK, *draw_data(), engine=engine, **how)


def test_validation_does_not_change_the_training(engine: Engine) -> None:
    """With and without it, the last weights have the same bits."""
    assert_same_bits(run_of(engine).state, run_of(engine, validation=None).state)


def test_the_validation_loss_is_that_of_the_weights_after_each_epoch(engine: Engine) -> None:
    """Epoch k's value is the loss of a run of k epochs on the held-out data."""
    run = run_of(engine, epochs=6)
    samples = Samples.check(NETWORK, *HELD_OUT)

    for k, seen in enumerate(run.validation_loss, start=1):
        theta = run_of(engine, epochs=k, validation=None).state.theta
        assert seen == engine.gradient(NETWORK, theta, samples, run.plan.objective).loss
    assert len(run.validation_loss) == 6


def test_best_is_the_state_after_the_epoch_of_lowest_validation_loss(engine: Engine) -> None:
    """The best state is that of a run of so many epochs, and it is what predicts."""
    run = run_of(engine)
    k = int(run.validation_loss.argmin()) + 1

    assert 1 < k < 60, "the case must overfit, or best and last are the same"
    assert run.best is not None
    assert_same_bits(run.best, run_of(engine, epochs=k, validation=None).state)
    np.testing.assert_array_equal(run.theta, run.best.theta)
    assert not np.array_equal(run.theta, run.state.theta)
    np.testing.assert_array_equal(
        run.predict(HELD_OUT[0], engine=engine), engine.outputs(NETWORK, run.best.theta, HELD_OUT[0])
    )


def test_patience_and_goal_look_at_the_validation_loss(engine: Engine) -> None:
    """The training loss still falls when the validation loss has stopped falling."""
    whole = run_of(engine)
    seen = whole.validation_loss
    k = next(k for k in range(5, 60) if seen[k - 4 : k + 1].min() >= seen[: k - 4].min())  # from 0

    patient = run_of(engine, patience=5, min_improvement=0.0)
    goal = run_of(engine, loss_goal=float(seen[3]))

    assert (patient.stopped, patient.epochs) == ("no improvement", k + 1)
    assert patient.loss[-1] < patient.loss[-6]
    assert (goal.stopped, goal.epochs) == ("loss goal reached", int(np.argmax(seen <= seen[3])) + 1)


def test_callbacks_see_the_validation_loss(engine: Engine) -> None:
    """Each epoch is told with its own validation loss."""
    seen: list[float | None] = []
    run = run_of(engine, epochs=4, callbacks=[lambda epoch: seen.append(epoch.validation_loss)])

    assert seen == run.validation_loss.tolist()


@pytest.mark.parametrize(
    ("held_out", "sentence"),
    [
        ((np.ones((4, 2)), np.ones((4, 2))), "shape"),
        ((np.full((4, 3), np.nan), np.ones((4, 2))), "nan"),
        ((np.ones((0, 3)), np.ones((0, 2))), "no samples"),
    ],
)
def test_held_out_data_is_checked_before_training(held_out: Any, sentence: str) -> None:
    """Wrong shapes, NaN and no rows are refused at once."""
    with pytest.raises(DataError, match=sentence):
        train(NETWORK, *draw_data(), validation=held_out, epochs=1)


def test_a_judge_without_an_answer_is_no_gain() -> None:
    """NaN from it counts as an epoch in which nothing was gained."""
    run = train(NETWORK, *draw_data(), epochs=50, patience=3, validation=lambda _: float("nan"))
    assert (run.stopped, run.epochs) == ("no improvement", 3)
    better = train(NETWORK, *draw_data(), epochs=50, patience=3, validation=lambda state: -float(state.step))
    assert better.epochs == 50

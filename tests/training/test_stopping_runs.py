"""When a training stops: each reason, and that stopping at epoch k is the same as training k epochs."""

from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import Engine
from problems import BATCH, NETWORK, RULE, STEPS_PER_EPOCH, Spy, draw_data
from schuss import Cosine, DivergenceError, Epoch, GradientDescent, Run, train
from schuss.training import strides


def run_of(engine: Engine, **settings: Any) -> Run:
    """Train the small problem; `settings` override those of its plan."""
    how = {"rule": RULE, "batch_size": BATCH, "seed": 5, "min_improvement": 0.0, **settings}
    return train(NETWORK, *draw_data(), engine=engine, **how)


def assert_same_run(stopped: Run, plain: Run) -> None:
    """Fail unless two runs made the same steps, bit for bit, and saw the same losses."""
    assert_same_bits(stopped.state, plain.state)
    np.testing.assert_array_equal(stopped.loss, plain.loss)
    np.testing.assert_array_equal(stopped.step_loss, plain.step_loss)


def test_a_training_without_other_reasons_ends_after_its_epochs(engine: Engine) -> None:
    """Seven epochs of five steps are 35 steps, and the run says why it ended."""
    run = run_of(engine, epochs=7)

    assert (run.epochs, run.state.step, len(run.step_loss)) == (7, 7 * STEPS_PER_EPOCH, 35)
    assert run.stopped == "epochs"
    assert len(run.validation_loss) == 0
    assert run.best is None


@pytest.mark.parametrize("epochs", [1, 2, 37, 61])
def test_a_goal_reached_at_epoch_k_leaves_the_bits_of_k_epochs(
    engine: Engine, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop strides over many epochs and judges afterwards; nobody can tell from the result."""
    monkeypatch.setattr(strides, "SHARE", 100.0)  # strides go far beyond, whatever the clock says
    losses = run_of(engine, epochs=100).loss
    goal = losses[:epochs].min()
    first = int(np.argmax(losses <= goal)) + 1
    spy = Spy(engine)

    run = run_of(spy, epochs=100, loss_goal=goal)

    assert run.stopped == "loss goal reached"
    assert run.epochs == first
    assert_same_run(run, run_of(engine, epochs=first))
    # the comparison can fail: the neighbours are other runs
    for other in (first - 1, first + 1):
        if other:
            with pytest.raises(AssertionError):
                assert_same_run(run, run_of(engine, epochs=other))
    if first > 10:  # and the case is the one that it is meant to be: a stride went too far
        assert max(stop for _, stop, _ in spy.calls) > run.state.step


def test_a_goal_out_of_reach_stops_nothing(engine: Engine) -> None:
    """A goal below every loss leaves the whole training as it is."""
    run = run_of(engine, epochs=30, loss_goal=-1.0)

    assert run.stopped == "epochs"
    assert_same_run(run, run_of(engine, epochs=30))


def test_no_improvement_stops_when_the_patience_is_used_up(engine: Engine) -> None:
    """The epoch at which to stop follows from the losses alone, by counting."""
    losses = run_of(engine, epochs=300).loss
    best, waited, expected = np.inf, 0, 0
    for expected, loss in enumerate(losses, start=1):  # noqa: B007  # its last value is the answer
        best, waited = min(best, loss), waited + 1 if loss > best - 0.005 else 0
        if waited >= 4:
            break

    run = run_of(engine, epochs=300, patience=4, min_improvement=0.005)

    assert 10 < expected < 300
    assert (run.stopped, run.epochs) == ("no improvement", expected)
    assert_same_run(run, run_of(engine, epochs=expected))


def test_a_goal_reached_before_a_divergence_counts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stride that meets its goal and diverges later has met its goal."""
    monkeypatch.setattr(strides, "SHARE", 100.0)  # one goes far beyond
    settings: dict[str, Any] = {"rule": GradientDescent(Cosine(10.0, warm_up=0.99)), "epochs": 400}
    losses: list[float] = []

    def note(epoch: Epoch) -> None:
        losses.append(epoch.loss)

    with pytest.raises(DivergenceError):
        run_of(engine, callbacks=[note], **settings)
    with pytest.raises(DivergenceError):
        run_of(engine, loss_goal=min(losses) * 0.99, **settings)
    spy = Spy(engine)
    run = run_of(spy, loss_goal=min(losses), **settings)

    assert (run.stopped, run.epochs) == ("loss goal reached", int(np.argmin(losses)) + 1)
    np.testing.assert_array_equal(run.loss, losses[: run.epochs])
    assert run.state.finite
    assert "not_finite" in [made.outcome for _, _, made in spy.calls]  # a stride went that far


@pytest.mark.parametrize("last", [1, 3, 20])
def test_a_callback_that_returns_true_stops_after_its_epoch(engine: Engine, last: int) -> None:
    """The run that a callback stopped after epoch k is the run of k epochs."""
    run = run_of(engine, epochs=50, callbacks=[lambda epoch: epoch.number == last])

    assert (run.stopped, run.epochs) == ("callback", last)
    assert_same_run(run, run_of(engine, epochs=last))


def test_all_callbacks_are_asked_even_if_the_first_says_stop(engine: Engine) -> None:
    """A later callback still hears of the last epoch."""
    heard: list[int] = []

    def note(epoch: Any) -> None:
        heard.append(epoch.number)

    run_of(engine, epochs=9, callbacks=[lambda epoch: epoch.number == 2, note])

    assert heard == [1, 2]

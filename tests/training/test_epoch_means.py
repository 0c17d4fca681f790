"""The loss of an epoch: the mean over its samples, also where the last batch is short."""

import numpy as np
import pytest

from engines import Engine
from problems import BATCH, NETWORK, ROWS, RULE, STEPS_PER_EPOCH, draw_data
from schuss import Momentum, train


def test_an_epochs_loss_weighs_each_batch_by_its_size(engine: Engine) -> None:
    """Five batches of 5, 5, 5, 5 and 2 samples; the plain mean of the five is another number."""
    run = train(NETWORK, *draw_data(), rule=RULE, batch_size=BATCH, epochs=4, engine=engine)
    steps = run.step_loss.reshape(4, STEPS_PER_EPOCH)
    sizes = np.array([5, 5, 5, 5, 2])

    expected = (steps * sizes).sum(axis=1) / ROWS
    np.testing.assert_allclose(run.loss, expected, rtol=1e-14)
    assert np.abs(run.loss / steps.mean(axis=1) - 1).min() > 1e-6  # the twin is told apart


def test_sums_are_averaged_as_they_are(engine: Engine) -> None:
    """With the derivation's sums over a batch, an epoch's loss is the mean of its batches' sums."""
    run = train(NETWORK, *draw_data(), rule=RULE, batch_size=BATCH, epochs=3, reduction="sum", engine=engine)

    steps = run.step_loss.reshape(3, STEPS_PER_EPOCH)
    np.testing.assert_allclose(run.loss, steps.mean(axis=1), rtol=1e-14)


@pytest.mark.parametrize("batch_size", [1, ROWS, None])
def test_an_epoch_of_equal_batches_has_the_plain_mean(engine: Engine, batch_size: int | None) -> None:
    """Batches of one sample, and of all, need no weights."""
    run = train(NETWORK, *draw_data(), rule=RULE, batch_size=batch_size, epochs=3, engine=engine)

    steps = run.step_loss.reshape(3, -1)
    assert steps.shape[1] == (ROWS if batch_size == 1 else 1)
    np.testing.assert_allclose(run.loss, steps.mean(axis=1), rtol=1e-13)


def test_weights_at_rest_make_the_epochs_loss_that_of_all_samples(engine: Engine) -> None:
    """With a vanishing rate the weighted mean is the loss of the whole data as one batch."""
    X, T = draw_data()
    still = Momentum(1e-300, 0.0)
    run = train(NETWORK, X, T, rule=still, batch_size=BATCH, epochs=1, engine=engine)
    whole = train(NETWORK, X, T, rule=RULE, batch_size=None, epochs=1, engine=engine)

    assert run.loss[0] == pytest.approx(whole.loss[0], rel=1e-13)

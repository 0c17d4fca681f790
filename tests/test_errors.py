"""Errors cross from one process to another with all that they carry, as joblib and Dask send them."""

import pickle
from typing import Any

import numpy as np
import pytest

from problems import NETWORK, draw_data
from schuss import DivergenceError, Momentum, TrainingInterrupted, train
from schuss.errors import MissingExtraError


def diverged() -> DivergenceError:
    with pytest.raises(DivergenceError) as caught:
        train(NETWORK, *draw_data(), rule=Momentum(1e300), epochs=3)
    return caught.value


def interrupted() -> TrainingInterrupted:
    def press(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        train(NETWORK, *draw_data(), epochs=3, callbacks=[press])
    return caught.value


@pytest.mark.parametrize(
    "error",
    [diverged(), interrupted(), MissingExtraError("a picture", "plot")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_made_again_in_another_process(error: Any) -> None:
    """With its sentence and its attributes; a run with its states."""
    found = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    assert (type(found), str(found)) == (type(error), str(error))
    assert vars(found).keys() == vars(error).keys()
    for name, value in vars(error).items():
        again = getattr(found, name)
        if hasattr(value, "digest"):
            assert again.digest() == value.digest()
        elif name == "run":
            assert again.state.digest() == value.state.digest()
            np.testing.assert_array_equal(again.step_loss, value.step_loss)
        else:
            assert again == value

"""A run as a value: what it prints, what it predicts, and on which engine."""

import re
import warnings

import numpy as np
import pytest

from engines import Engine
from problems import BATCH, NETWORK, ROWS, RULE, draw_data
from schuss import DataError, KernelMissingWarning, Run, SettingError, train
from schuss.engine import choice, native


def run_of(engine: Engine | str = "native", dtype: str = "float64", epochs: int = 12) -> Run:
    data = draw_data(dtype=dtype)
    return train(NETWORK, *data, rule=RULE, batch_size=BATCH, epochs=epochs, engine=engine)


def test_its_repr_prints_the_numbers_that_matter() -> None:
    """Network, epochs, steps, last loss, why it stopped, engine and time."""
    run = run_of()

    assert re.fullmatch(
        r"Run\(Network\(3-7-2, tanh, identity, squared_error, 44 parameters\), 12 epochs, 60 steps, "
        rf"loss {run.loss[-1]:.6g}, stopped: epochs, native engine, [\d.e-]+ s\)",
        repr(run),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_are_the_networks_outputs(engine: Engine, dtype: str) -> None:
    """On the engine that is given, in the run's dtype, for any inputs of the right width."""
    run = run_of(engine, dtype)
    X = draw_data(6, seed=8)[0]

    y = run.predict(X, engine=engine)
    assert (y.shape, y.dtype) == ((6, 2), dtype)
    np.testing.assert_array_equal(y, engine.outputs(NETWORK, run.theta, X.astype(dtype)))
    np.testing.assert_array_equal(y, run.predict(X.tolist(), engine=engine))
    assert run.predict(np.empty((0, 3))).shape == (0, 2)


def test_weights_and_biases_are_views_by_layer() -> None:
    """Shapes (fan_in, fan_out) and (fan_out,), with which the outputs can be computed by hand."""
    run = run_of()
    X = draw_data(4, seed=1)[0]
    hidden = np.tanh(X @ run.weights[0] + run.biases[0])

    by_hand = hidden @ run.weights[1] + run.biases[1]
    np.testing.assert_allclose(run.predict(X), by_hand, rtol=1e-12)
    assert [w.shape for w in run.weights] == [(3, 7), (7, 2)]


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (np.ones((3, 4)), r"shape \(n, 3\)"),
        (np.ones(3), r"shape \(n, 3\)"),
        (np.full((2, 3), np.nan), "holds nan at row 0, column 0"),
        ([[1.0, 2.0], [3.0]], "rows of one length"),
        ([["a", "b", "c"]], "numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(X: object, sentence: str) -> None:
    """A wrong width, NaN, ragged rows and words each have their sentence."""
    with pytest.raises(DataError, match=sentence):
        run_of().predict(X)


def test_it_says_how_fast_it_was() -> None:
    """Samples per second are epochs times samples over seconds."""
    run = run_of()

    assert run.samples_per_second == pytest.approx(12 * ROWS / run.seconds)
    assert run.n_samples == ROWS


def test_equal_data_have_equal_fingerprints() -> None:
    """Another value anywhere, or another dtype, gives another one."""
    assert run_of().data == run_of(epochs=2).data
    assert run_of().data != run_of(dtype="float32").data


def test_each_kind_of_engine_is_said_and_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the reference engine stays on it: it does not even need the kernel."""
    run = run_of("reference")
    monkeypatch.setattr(native, "available", lambda: False)

    assert run.engine.engine == "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.predict(draw_data()[0]).shape == (ROWS, 2)


def test_a_run_of_the_kernel_predicts_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model can be taken to a machine without a compiler; it says loudly that it is slow there."""
    run, X = run_of("native"), draw_data()[0]
    fast = run.predict(X)
    monkeypatch.setattr(native, "available", lambda: False)
    monkeypatch.setattr(choice, "_warned", False)

    with pytest.warns(KernelMissingWarning, match="WITHOUT its compiled kernel"):
        slow = run.predict(X)
    np.testing.assert_allclose(slow, fast, rtol=1e-12)


def test_an_unknown_engine_is_refused() -> None:
    """With the nearest name."""
    with pytest.raises(SettingError, match="did you mean 'reference'"):
        run_of().predict(draw_data()[0], engine="referenz")

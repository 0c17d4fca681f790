"""A model from a table: what it predicts, in whose words, and how it is measured."""

import warnings
from typing import Any

import numpy as np
import pytest
from models import draw_table, quick_model, quick_run

from schuss import DataError, DivergenceError, SettingError, State, TrainingInterrupted, train
from schuss.adapters import model as model_module
from schuss.adapters.columns import Table
from schuss.adapters.datasets import load
from schuss.adapters.encoders import FARTHEST
from schuss.adapters.model import Model, fit_model
from schuss.adapters.recipe import Recipe
from schuss.adapters.tables import read_table

QUICK = Recipe(hidden=(6,), epochs=3)


@pytest.mark.parametrize(("target", "labels"), [("size", {"S", "M", "L"}), ("grade", {"high", "low"})])
def test_classes_are_predicted_in_the_tables_words(target: str, labels: set[str]) -> None:
    """The most probable class, and probabilities that add up to one in the order of the classes."""
    model, new = quick_model(target), draw_table(50, seed=4)
    words, shares = model.predict(new)[target], model.probabilities(new)[target]

    assert set(words) <= labels == set(model.targets[0].classes)
    assert shares.shape == (50, len(labels))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(np.array(model.targets[0].classes)[shares.argmax(axis=1)], words)


def test_numbers_are_predicted_in_their_own_unit() -> None:
    """The network learns standardised numbers; the model tells them as they were."""
    table = draw_table(400)
    keep = {n: table.columns[n] for n in ("height", "weight", "town", "score")}
    model = fit_model(Table(keep, "t"), ["score"], Recipe(hidden=(16,), epochs=60))

    told, truth = model.predict(table)["score"], table.columns["score"].values
    assert abs(told.mean() - truth.mean()) < 3.0
    assert model.scores["r2"] > 0.8
    with pytest.raises(DataError, match="predicts numbers; probabilities are for classes"):
        model.probabilities(table)


def test_a_table_of_many_targets_is_learned_at_once() -> None:
    """Eight numbers, or several yes-or-no columns, come out under their names."""
    encoder = load("encoder-8-3-8").table
    names = list(encoder.targets)
    model = fit_model(encoder, names, QUICK)

    assert list(model.predict(encoder)) == names
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 2))
    flags = {f"f{i}": np.where(x[:, i] > 0, "yes", "no").tolist() for i in range(2)}
    table = read_table({"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), **flags})
    model = fit_model(table, ["f0", "f1"], QUICK)
    shares = model.probabilities(table)
    assert model.run.network.loss.name == "binary_cross_entropy"
    for name in flags:
        assert shares[name].shape == (80, 2)
        np.testing.assert_array_equal(
            model.predict(table)[name], np.where(shares[name][:, 1] > 0.5, "yes", "no")
        )


def test_a_mixture_of_numbers_and_classes_is_refused() -> None:
    """The sentence says what each target is and what to do."""
    with pytest.raises(DataError, match=r"all be numbers or all have two classes.*'score'"):
        fit_model(draw_table(), ["score", "size"], QUICK)


def test_scores_are_those_of_rows_that_were_not_trained_on() -> None:
    """A fifth of the rows by default; the training never sees them."""
    model = quick_model()
    all_rows = quick_model(test_size=0)

    assert (model.n_test, model.run.n_samples) == (24, 96)
    assert set(model.scores) == {"accuracy", "log_loss"}
    assert (all_rows.n_test, all_rows.run.n_samples, all_rows.scores) == (0, 120, {})
    assert model.run.data != all_rows.run.data


def test_the_same_table_gives_the_same_model() -> None:
    """Seed and table decide everything; another seed gives other rows and weights."""
    assert quick_model().run.state.digest() == quick_model().run.state.digest()
    assert quick_model().scores == quick_model().scores
    assert quick_model().run.state.digest() != quick_model(seed=1).run.state.digest()


def test_rows_of_the_test_do_not_shape_the_preprocessing() -> None:
    """Means and scales come from the training rows alone."""
    table = draw_table()
    model = fit_model(table, ["size"], QUICK, dtype="float64")
    values = model.inputs(table)[:, 0]

    assert abs(values.mean()) > 1e-6, "standardised on all rows, the mean would be nothing"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_the_asked_one(dtype: str) -> None:
    """Inputs, weights and outputs have it."""
    model = quick_model(dtype=dtype)

    assert model.run.theta.dtype == model.inputs(draw_table()).dtype == dtype


def test_a_model_of_arrays_knows_no_columns() -> None:
    """It says what to use instead."""
    with pytest.raises(DataError, match=r"made from arrays and knows no columns; use model.run"):
        Model(quick_run()).predict(draw_table())


@pytest.mark.parametrize(
    ("targets", "how", "error", "sentence"),
    [
        ([], {}, DataError, "no target"),
        (["sice"], {}, DataError, "no column 'sice' .did you mean 'size'"),
        (["size"], {"task": "classify"}, SettingError, "did you mean 'classification'"),
        (["size"], {"task": "regression"}, DataError, "regression needs numbers"),
        (["size"], {"test_size": 1.0}, SettingError, "leaves 0 to train on"),
        (["size"], {"test_size": 0.001}, SettingError, "0 to test on"),
        (["size"], {"test_size": -0.1}, SettingError, "test_size must lie in"),
        (["size"], {"engine": "nativ"}, SettingError, "did you mean 'native'"),
    ],
)
def test_slips_are_refused(targets: Any, how: Any, error: type, sentence: str) -> None:
    """Each with a sentence that names it."""
    with pytest.raises(error, match=sentence):
        fit_model(draw_table(), targets, QUICK, **how)


def test_a_value_far_outside_counts_as_the_farthest() -> None:
    """A misplaced decimal point never feeds infinity to the network, nor warns of an overflow."""
    columns = {"weight": [70.0] * 3, "town": ["Bern"] * 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = quick_model().inputs(read_table({"height": [1e300, 1e6, 171.0], **columns}))

    np.testing.assert_array_equal(new[0], new[1])
    assert new[0, 0] == FARTHEST
    assert np.isfinite(new).all()
    assert abs(new[2, 0]) < 1


def diverging(times: int, rates: list[Any]) -> Any:
    """Return a `train` that notes the rate it is given, and diverges so many times."""

    def train_or_not(network: Any, X: Any, T: Any, plan: Any, **how: Any) -> Any:
        rates.append(plan.rule.learning_rate.peak)
        if len(rates) <= times:
            raise DivergenceError(7, None, 1.0, 0.9, State.start(network.initial(0), 1))
        return train(network, X, T, plan, **how)

    return train_or_not


@pytest.mark.parametrize("times", [1, 3])
def test_a_rate_of_our_own_that_diverges_is_lowered(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """To a third each time, which is told; the model is that of the last rate."""
    told: list[str] = []
    rates: list[float] = []
    monkeypatch.setattr(model_module, "train", diverging(times, rates))
    model = quick_model(tell=told.append)

    assert len(rates) == times + 1
    assert np.allclose(np.divide(rates[:-1], rates[1:]), 3.0)
    assert sum("diverged at step 7; it starts again" in line for line in told) == times
    assert model.run.plan.rule.learning_rate.peak == rates[-1]


def test_a_training_that_diverges_at_every_rate_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an end to trying; and a rate that was asked for is never changed."""
    rates: list[float] = []
    monkeypatch.setattr(model_module, "train", diverging(99, rates))
    with pytest.raises(DivergenceError):
        quick_model()
    assert len(rates) == 4
    monkeypatch.undo()
    with pytest.raises(DivergenceError, match="learning rate 1e"):
        fit_model(draw_table(), ["size"], Recipe(learning_rate=1e30))


def test_an_interrupted_training_carries_a_whole_model() -> None:
    """It predicts like any other."""
    ticks = []

    def interrupt(tick: Any) -> None:
        ticks.append(tick)
        raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        fit_model(draw_table(), ["size"], Recipe(epochs=10**6), progress=interrupt)

    model = caught.value.model
    assert caught.value.run is model.run
    assert model.run.stopped == "interrupted"
    assert model.run.state.step > 0
    assert set(model.predict(draw_table())["size"]) <= {"S", "M", "L"}


def test_what_was_decided_is_told() -> None:
    """Gaps, classes and columns left out are said in sentences."""
    told: list[str] = []
    quick_model(tell=told.append)

    assert any("'weight'" in line and "Missing values" in line for line in told)
    assert any("'size' has 3 classes" in line for line in told)


def test_a_model_reads_what_read_table_reads() -> None:
    """A frame, a dict of columns, a file: the answers are those of the table."""
    table = read_table("iris")
    model = fit_model(table, ["species"], Recipe(epochs=2))
    columns = {name: list(column.values) for name, column in table.columns.items()}
    expected = model.predict(table)["species"].tolist()

    assert model.predict(columns)["species"].tolist() == expected
    assert model.predict("iris")["species"].tolist() == expected
    assert model.evaluate(columns) == model.evaluate(table)
    with pytest.raises(DataError, match="a list is no table"):
        model.predict([1, 2])

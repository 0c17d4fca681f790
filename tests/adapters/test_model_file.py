"""A model file gives back the model: every bit of it, and nothing that runs."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import RULES, draw_table, quick_model, quick_run
from safetensors import safe_open

import schuss
from comparisons import assert_same_bits
from schuss import OutputError, Run, load_model, save_model
from schuss.adapters.model import Model
from schuss.adapters.tables import read_table

SOURCE = Path(schuss.__file__).parent


def assert_same_run(told: Run, run: Run) -> None:
    """Fail unless a run came back as it was, apart from the losses of single steps."""
    assert_same_bits(told.state, run.state)
    assert told.theta.dtype == run.theta.dtype
    for name in ("network", "plan", "stopped", "engine", "seconds", "n_samples", "data"):
        assert getattr(told, name) == getattr(run, name), name
    np.testing.assert_array_equal(told.loss, run.loss)
    np.testing.assert_array_equal(told.validation_loss, run.validation_loss)
    assert (told.best is None) == (run.best is None)
    if told.best is not None and run.best is not None:
        assert_same_bits(told.best, run.best)


def there_and_back(model: Model | Run, tmp_path: Path) -> Model:
    path = tmp_path / "model.schuss"
    assert save_model(model, path) == path
    assert list(tmp_path.iterdir()) == [path]
    return load_model(path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_a_run_comes_back_bit_for_bit(tmp_path: Path, rule: str, dtype: str) -> None:
    """Weights, memory, step, network, plan and losses; a run of another seed is told apart."""
    run = quick_run(RULES[rule], dtype)
    told = there_and_back(run, tmp_path)

    assert_same_run(told.run, run)
    assert (told.preprocessor, told.targets, told.scores) == (None, (), {})
    X = np.ones((3, 4), dtype)
    np.testing.assert_array_equal(told.run.predict(X), run.predict(X))
    with pytest.raises(AssertionError):
        assert_same_run(told.run, quick_run(RULES[rule], dtype, engine="reference"))


def test_the_best_state_comes_back(tmp_path: Path) -> None:
    """Beside the last one, and it is the one that predicts."""
    rng = np.random.default_rng(5)
    held_out = rng.standard_normal((12, 4)), rng.standard_normal((12, 2))
    run = quick_run(validation=held_out)
    assert run.best is not None
    assert run.best.step < run.state.step

    told = there_and_back(run, tmp_path).run
    assert_same_run(told, run)
    np.testing.assert_array_equal(told.theta, run.best.theta)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["size", "grade", "score"])
def test_a_model_of_a_table_comes_back(tmp_path: Path, target: str, dtype: str) -> None:
    """Preprocessing, labels and scores too: predictions from a new table are equal to the last bit."""
    model = quick_model(target, dtype)
    told = there_and_back(model, tmp_path)
    new = draw_table(40, seed=9)

    assert_same_run(told.run, model.run)
    assert told.targets == model.targets
    assert (told.scores, told.n_test) == (model.scores, model.n_test)
    np.testing.assert_array_equal(told.inputs(new), model.inputs(new))
    np.testing.assert_array_equal(told.outputs(new), model.outputs(new))
    np.testing.assert_array_equal(told.predict(new)[target], model.predict(new)[target])


def test_an_unseen_word_is_the_same_to_a_model_that_comes_back(tmp_path: Path) -> None:
    """Its shares of the training rows are in the file, bit for bit."""
    model = quick_model(dtype="float64")
    told = there_and_back(model, tmp_path)
    new = read_table({"height": [170.0], "weight": [70.0], "town": ["Genf"]})

    assert told.preprocessor == model.preprocessor
    shares = told.inputs(new)[0, -3:]
    assert shares.sum() == pytest.approx(1.0)
    assert (shares > 0.1).all(), "the three towns are about equally frequent"
    assert told.inputs(new).tobytes() == model.inputs(new).tobytes()
    assert told.outputs(new).tobytes() == model.outputs(new).tobytes()


def test_the_metadata_is_strict_json(tmp_path: Path) -> None:
    """No NaN, no Infinity: every JSON reader can read it."""
    path = save_model(quick_model("score"), tmp_path / "model.schuss")
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is not JSON")

    told = json.loads(metadata["model"], parse_constant=refuse)
    assert told["network"]["layers"][-1] == 1
    assert metadata["kind"] == "schuss model"
    assert metadata["format"] == "2"


def test_loaded_weights_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    """A state is a value, also when it comes from a file."""
    told = there_and_back(quick_run(), tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        told.run.theta[0] = 1.0


def test_nothing_that_runs_is_read_or_written() -> None:
    """No module of the package knows pickle or its relatives, or evaluates text."""
    forbidden = re.compile(
        r"^\s*(?:import|from)\s+(?:pickle|cPickle|dill|cloudpickle|joblib|marshal|shelve)\b"
        r"|\b(?:eval|exec|__import__)\(|allow_pickle\s*=\s*True",
        re.MULTILINE,
    )
    assert forbidden.search("import x\nimport pickle\n")
    assert forbidden.search("    from joblib import load\n")
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 40
    guilty = [path.name for path in files if forbidden.search(path.read_text("utf-8"))]
    assert guilty == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A directory in place of the file, or no folder for it; nothing is left behind."""
    run = quick_run()
    with pytest.raises(OutputError, match="is a directory"):
        save_model(run, tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        save_model(run, tmp_path / "nope" / "model")
    assert list(tmp_path.iterdir()) == []

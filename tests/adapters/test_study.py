"""A study: its trials hold all causes, so that any of them can be trained as the best was."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schuss import RecordError, SettingError, Study, load_run, load_study, tune
from schuss.adapters import recipe, tuning_problem
from schuss.adapters.model import fit_model
from schuss.adapters.tables import read_table
from schuss.adapters.tuning_problem import recipe_of
from schuss.insight.tuning.journal import Journal


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer folds, and starts with fewer steps."""
    monkeypatch.setattr(tuning_problem, "FOLDS", {1000: (3, 2)})
    monkeypatch.setattr(recipe, "STEPS", 60)
    monkeypatch.setattr(recipe, "LEAST_EPOCHS", 2)


def data(n: int = 60) -> dict[str, Any]:
    x = np.random.default_rng(0).uniform(-1, 1, (n, 2))
    return {"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] * x[:, 1] > 0, "same", "other")}


def studied(folder: Path, **how: Any) -> Study:
    return tune(data(), "y", trials=4, study=folder, **how).study


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"seed": 5, "test_size": 0.4, "dtype": "float64"},
        {"engine": "reference", "task": "classification", "trials": 1},
    ],
)
def test_any_trial_can_be_trained(tmp_path: Path, how: dict[str, Any]) -> None:
    """From the file alone, on the terms of the search: the bits that its setting makes, and a run of them."""
    tuned = tune(data(), "y", **({"trials": 4, "study": tmp_path / "s"} | how))
    study = load_study(tmp_path / "s")
    asked = {name: how[name] for name in ("test_size", "dtype", "engine", "task") if name in how}

    assert study.trials == tuned.trials
    for trial in study.trials[-2:]:
        model = study.train(data(), trial.number, record=tmp_path / f"run-{trial.number}")
        by_hand = recipe_of(trial.setting, how.get("seed", 0))
        again = fit_model(read_table(data()), ["y"], by_hand, **asked)
        assert model.run.theta.tobytes() == again.run.theta.tobytes()
        assert model.run.engine.engine == how.get("engine", tuned.model.run.engine.engine)
        assert model.scores == again.scores
        assert load_run(tmp_path / f"run-{trial.number}").theta.tobytes() == model.run.theta.tobytes()
    best = next(each.number for each in study.trials if each.setting == tuned.setting)
    assert study.train(data(), best).run.theta.tobytes() == tuned.model.run.theta.tobytes()
    assert study.command(best, "table") == tuned.command
    other = replace(study, about=study.about | {"seed": 6}).terms.fit(read_table(data()), tuned.setting)
    assert other.run.theta.tobytes() != tuned.model.run.theta.tobytes()


def test_trials_that_are_not_kept_can_be_trained() -> None:
    """As long as the result is there."""
    tuned = tune(data(), "y", trials=3)
    assert tuned.folder is None
    assert tuned.study.train(data(), 1).run.theta.size
    with pytest.raises(RecordError, match=r"in memory are of another number of rows: 48 there, 40 now"):
        tuned.study.train(data(50), 1)


@pytest.mark.parametrize("number", [0, -1, 5, 2.0, "2", True])
def test_an_unknown_number_is_refused(tmp_path: Path, number: Any) -> None:
    """The sentence says which there are."""
    with pytest.raises(SettingError, match="trial must be an integer of at least 1 and at most 4; got"):
        studied(tmp_path / "s").train(data(), number)


def test_no_study_is_no_answer(tmp_path: Path) -> None:
    """The sentence names those beside it."""
    with pytest.raises(RecordError, match=r"no study in .*; in .* there is none"):
        load_study(tmp_path / "first")
    studied(tmp_path / "first")
    with pytest.raises(RecordError, match=r"there are first \(did you mean 'first'\?\)"):
        load_study(tmp_path / "frist")


def test_a_study_opens_while_a_search_adds_to_it(tmp_path: Path) -> None:
    """With all whole lines; the part of one that stands at the end is left to the search."""
    study = studied(tmp_path / "s")
    journal = Journal(study.about, tmp_path / "s")
    path = tmp_path / "s" / "trials.jsonl"
    with path.open("ab") as file:
        file.write(b'{"setting"')
    content = path.read_bytes()

    assert load_study(tmp_path / "s").measured == study.measured
    assert path.read_bytes() == content
    journal.close()


@pytest.mark.parametrize("name", ["targets", "seed", "engine", "driver", "folds", "format"])
def test_a_first_line_that_says_too_little_is_damage(tmp_path: Path, name: str) -> None:
    """Whatever is missing."""
    studied(tmp_path / "s")
    path = tmp_path / "s" / "trials.jsonl"
    first, *lines = path.read_text().splitlines()
    about = json.loads(first)
    del about[name]
    path.write_text("\n".join([json.dumps(about), *lines]) + "\n")
    with pytest.raises(RecordError, match="another format" if name == "format" else f"is damaged: '{name}'"):
        load_study(tmp_path / "s")

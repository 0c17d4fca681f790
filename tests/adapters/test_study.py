"""A study: its trials hold all causes, so that any of them can be trained as the best was."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schuss import RecordError, SettingError, Study, load_run, load_study, tune
from schuss.adapters.model import fit_model
from schuss.adapters.recorded import open_run
from schuss.adapters.tables import read_table
from schuss.adapters.tuning_problem import recipe_of
from schuss.insight.tuning.journal import Journal

pytestmark = pytest.mark.usefixtures("quick_tuning")


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


def saved(folder: Path, lacking: int | None = None) -> Path:
    """Write `data` as a file; one row without its target if that is asked for."""
    columns = data()
    rows = [f"{a!r},{b!r},{y}" for a, b, y in zip(*(columns[k].tolist() for k in "aby"), strict=True)]
    if lacking is not None:
        rows[lacking] = rows[lacking].rsplit(",", 1)[0] + ","
    path = folder / "table.csv"
    path.write_text("\n".join(["a,b,y", *rows]) + "\n")
    return path


def test_every_trial_is_a_run(tmp_path: Path) -> None:
    """Recorded in the study's folder when it is first asked for, and only opened from then on."""
    path, told = saved(tmp_path), []
    tune(path, "y", trials=4, study=tmp_path / "s", source=str(path))
    study = load_study(tmp_path / "s")
    run = study.run(3, tell=told.append)

    assert run.folder == tmp_path / "s" / "3"
    assert run.theta.tobytes() == study.train(read_table(path), 3).run.theta.tobytes()
    assert run.theta.tobytes() != study.run(1).theta.tobytes()
    assert run.account(0, run.state.step - 1).change != 0.0
    assert len(told) == 1
    path.unlink()
    assert study.run(3, tell=told.append).theta.tobytes() == run.theta.tobytes()
    assert len(told) == 1
    assert study.trials == load_study(tmp_path / "s").trials


def test_rows_without_a_target_stay_out_of_a_trials_run(tmp_path: Path) -> None:
    """They were left out of the search, and are left out when the data is read again."""
    path = saved(tmp_path, lacking=7)
    table = read_table(path)
    table = table.take(np.flatnonzero(~table.missing(["y"])))
    tune(table, "y", trials=2, study=tmp_path / "s", source=str(path))
    assert load_study(tmp_path / "s").run(1).theta.size


def test_a_trial_whose_data_is_unknown_is_no_run(tmp_path: Path) -> None:
    """The sentence says how to give them; of other data, what differs."""
    with pytest.raises(
        RecordError, match=r"does not say where its data can be read again; give them: schuss"
    ):
        studied(tmp_path / "s").run(1)
    with pytest.raises(RecordError, match="kept in memory alone"):
        tune(data(), "y", trials=2).study.run(1)
    path = saved(tmp_path)
    study = tune(path, "y", trials=2, study=tmp_path / "t", source=str(path)).study
    path.write_text(path.read_text().replace("same", "equal"))
    with pytest.raises(RecordError, match="are of another data"):
        study.run(2)
    assert not (tmp_path / "t" / "2").exists()
    with pytest.raises(SettingError, match="trial must be an integer of at least 1 and at most 2; got 5"):
        study.run(5)


@pytest.mark.parametrize("keeps_data", [True, False])
def test_a_trial_that_was_cut_off_goes_on(tmp_path: Path, keeps_data: bool) -> None:
    """A kill in its training leaves a part; the next question ends it, in the bits of one never stopped.

    Data that were too large to be kept are read again.
    """
    path, told = saved(tmp_path), []
    tune(path, "y", trials=3, study=tmp_path / "s", source=str(path))
    study = load_study(tmp_path / "s")
    whole = study.run(2)
    for each in (tmp_path / "s" / "2" / "checkpoints").iterdir():
        each.unlink()
    if not keeps_data:
        (tmp_path / "s" / "2" / "data.safetensors").unlink()
    assert open_run(tmp_path / "s" / "2").stopped == "unfinished"
    run = study.run(2, tell=told.append)
    assert (run.stopped, run.state.digest()) == ("epochs", whole.state.digest())
    assert "was cut off at step 0" in told[-1]

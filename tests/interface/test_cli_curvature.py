"""``schuss curvature``: of a run, of a model with data; in words, as JSON, as a picture; what it refuses."""

from pathlib import Path

import pytest
from commands import invoke, invoke_json, write_csv

import schuss
from schuss import MissingExtraError, Momentum, SettingError
from schuss.insight.curvature.curvature import curvature
from schuss.interface.curvature_plots import save_sharpness, save_spectrum


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table, a model of it and the run ``made``."""
    folder = tmp_path_factory.mktemp("curvature")
    table = write_csv(folder / "table.csv")
    done = invoke(
        *("train", table, "--target", "kind", "--epochs", "5", "--hidden", "6"),
        *("--out", folder / "m.schuss", "--record", folder / "made"),
    )
    assert done.code == 0, done.err
    return folder


def test_a_run_in_words(trained: Path) -> None:
    """The text is that of the library, on stdout alone."""
    done = invoke("curvature", trained / "made", "--step", "2", "--products", "200")
    assert done.code == 0
    run = schuss.load_run(trained / "made")
    assert done.out.strip() == run.curvature(2, products=200).text()
    assert done.err == ""


def test_json_of_a_run_and_of_a_model(trained: Path) -> None:
    """A run on its own samples; a model on a table, of which every row counts."""
    of_run = invoke_json("curvature", trained / "made")
    run = schuss.load_run(trained / "made")
    assert of_run["step"] == run.state.step
    assert of_run["highest"]["value"] == run.curvature().highest.value
    of_model = invoke_json("curvature", trained / "m.schuss", trained / "table.csv")
    assert of_model["n_samples"] == 60 != of_run["n_samples"]
    model = schuss.load_model(trained / "m.schuss")
    table = schuss.read_table(trained / "table.csv")
    expected = curvature(model.run, model.inputs(table), model.answers(table))
    assert of_model["values"] == expected.values.tolist()
    assert invoke_json("curvature", trained / "made", trained / "table.csv")["n_samples"] == 60


def test_rows_without_a_target(trained: Path) -> None:
    """Refused, or left out where that is asked for."""
    lines = (trained / "table.csv").read_text().splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ","
    holed = trained / "holed.csv"
    holed.write_text("\n".join(lines) + "\n")
    refused = invoke("curvature", trained / "m.schuss", holed)
    assert refused.code == 1
    assert "--drop-missing-target" in refused.told
    kept = invoke_json("curvature", trained / "m.schuss", holed, "--drop-missing-target")
    assert kept["n_samples"] == 59


def test_a_picture(trained: Path, tmp_path: Path) -> None:
    """Drawn beside the text, with the limits of the rules in it."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        done = invoke("curvature", trained / "made", "--plot", tmp_path / "c.svg")
    assert done.code == 0
    assert "picture written to" in done.told
    drawn = (tmp_path / "c.svg").read_text()
    for word in ("limit of momentum", "eigenvalue, largest first", "curvature"):
        assert word in drawn


def test_a_run_by_a_rule_of_whole_steps(trained: Path, tmp_path: Path) -> None:
    """Its eigenvalues, without limits that would be at a learning rate it has not."""
    from matplotlib import rc_context

    args = ("train", trained / "table.csv", "--target", "kind", "--rule", "rprop", "--epochs", "5", "-q")
    assert invoke(*args, "--hidden", "6", "--record", trained / "signs").code == 0
    with rc_context({"svg.fonttype": "none"}):
        done = invoke("curvature", trained / "signs", "--plot", tmp_path / "c.svg")
    assert done.code == 0, done.err
    assert done.out.strip() == schuss.load_run(trained / "signs").curvature().text()
    drawn = (tmp_path / "c.svg").read_text()
    assert "rprop" in drawn
    assert "limit of" not in drawn


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("m.schuss",), 2, "is a model file, which holds no data"),
        (("nowhere",), 1, "there is no folder"),
        (("made", "--step", "99999"), 2, "step must be an integer"),
        (("made", "--samples", "0"), 2, "samples must be an integer of at least 1"),
        (("made", "--products", "0"), 2, "products must be an integer of at least 1"),
        (("made", "--plot", "c.gif"), 2, "a picture is one of"),
        (("m.schuss", "nothing.csv"), 1, "nothing.csv"),
    ],
)
def test_what_it_refuses(
    trained: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], code: int, message: str
) -> None:
    """A sentence on stderr, the exit code, nothing on stdout."""
    monkeypatch.chdir(trained)
    first = f"./{args[0]}" if args[0] == "made" else args[0]
    done = invoke("curvature", first, *args[1:])
    assert done.code == code
    assert message in done.told
    assert done.out == ""


def test_pictures_of_sharpness(tmp_path: Path) -> None:
    """Sharpness, threshold and loss over the steps; nothing to draw is said."""
    import numpy as np
    from matplotlib import rc_context

    X = np.linspace(-1, 1, 12).reshape(-1, 1)
    tracker = schuss.SharpnessTracker(X, X**2)
    with pytest.raises(SettingError, match="no rows yet"):
        save_sharpness(tracker, tmp_path / "s.svg")
    schuss.train(
        schuss.Network([1, 3, 1], "tanh"), X, X**2, rule=Momentum(0.1), epochs=5, callbacks=[tracker]
    )
    with rc_context({"svg.fonttype": "none"}):
        drawn = save_sharpness(tracker, tmp_path / "s.svg").read_text()
    for word in ("sharpness", "threshold", "loss", "step"):
        assert word in drawn


def test_without_matplotlib_the_extra_is_named(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured."""
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = schuss.load_run(trained / "made").curvature()
    with pytest.raises(MissingExtraError, match="plot"):
        save_spectrum(found, trained / "x.png")

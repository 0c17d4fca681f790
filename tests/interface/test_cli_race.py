"""`schuss race`: rules and surfaces as words, the table, the still, the picture, and what is refused."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ESCAPE, invoke, invoke_json, write_csv
from rich.console import Console

from schuss import Adam, GradientDescent, Momentum, Nesterov, Network, SettingError, load_model, race, train
from schuss.insight.race.race import NETWORK_RACERS
from schuss.insight.race.value import settings_of
from schuss.insight.race.varied import varied_in
from schuss.interface.cli.named_settings import parse_rules, parse_surface, swept
from schuss.interface.race_levels import levels_of
from schuss.interface.race_picture import save_race
from schuss.interface.race_still import still_of
from schuss.method.rules import LineSearch, Rprop
from schuss.method.surfaces import SURFACES

SWEEP = ("race", "six-points", "--rules", "momentum", "--sweep", "momentum=0,0.5,0.8,0.9,0.95,0.97,0.99")
SIGNS = set("@─·\n ")


def rows(text: str) -> list[list[str]]:
    """Return the table's rows, its cells apart."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("rule "))
    return [line.split() for line in itertools.takewhile(str.strip, lines[start + 1 :])]


def test_the_articles_table() -> None:
    """Without an argument, and by its name: 2, 17, 20, 92, 797; with the reasons for other numbers."""
    done = invoke("race", "--no-still")

    assert done.code == 0
    assert [row[0] for row in rows(done.out)] == ["line", "irprop", "rprop", "momentum", "gradient"]
    found = {racer["rule"]["name"]: racer["steps"] for racer in invoke_json("race", "six-points")["racers"]}
    assert found == {
        "gradient_descent": 797,
        "momentum": 92,
        "rprop": 20,
        "irprop_plus": 17,
        "line_search": 2,
    }
    for word in (" 797 ", " 92 ", " 20 ", " 17 ", "18 and 16", "needs 6", "needs 3", "798, 202 and 19"):
        assert word in done.out
    assert not ESCAPE.search(done.out)


def test_float32_has_the_same_counts() -> None:
    """And says which it was."""
    told = invoke_json("race", "six-points", "--dtype", "float32")
    assert [racer["steps"] for racer in told["racers"]] == [797, 92, 20, 17, 2]
    assert told["dtype"] == "float32"


def test_the_sweep_of_momentum() -> None:
    """One command: 797, 401, 166, 92, 80, 91 steps, and one that does not arrive."""
    told = invoke_json(*SWEEP, "--steps", "900")
    steps = {racer["rule"]["momentum"]: racer["steps"] for racer in told["racers"] if racer["reached"]}

    assert steps == {0: 797, 0.5: 401, 0.8: 166, 0.9: 92, 0.95: 80, 0.97: 91}
    assert [racer["stopped"] for racer in told["racers"]] == ["goal"] * 6 + ["steps"]


def test_what_varies_is_found() -> None:
    """One setting of one rule with four values or more, where there is a goal; in rising order."""
    etas = [0.9, 0.0, 0.99, 0.5]
    found = varied_in(race(rules=[Momentum(0.3, eta) for eta in etas], steps=500))
    assert found is not None
    assert (found.setting, found.values.tolist()) == ("momentum", sorted(etas))
    assert found.at_goal[1:3].tolist() == [401, 92]
    assert np.isnan(found.at_goal[[0, 3]]).all()

    assert varied_in(race(rules=[Momentum(0.3, eta) for eta in etas[:3]], steps=5)) is None
    assert varied_in(race(rules=[*(Momentum(0.3, eta) for eta in etas), Adam()], steps=5)) is None
    both = [Momentum(0.1 + eta, eta) for eta in etas]
    assert varied_in(race(rules=both, steps=5)) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["momentum:learning_rate=0.3,momentum=0.9"], [Momentum(0.3, 0.9)]),
        (["momentum:momentum=0.5,adam,nesterov"], [Momentum(0.3, 0.5), Adam(), Nesterov()]),
        (["gradient-descent:learning-rate=10"], [GradientDescent(10.0)]),
        (["adam:age=3 rprop:first_step=0.3"], [Adam(age=3), Rprop(first_step=0.3)]),
        (["line_search:method=brent", "momentum"], [LineSearch(method="brent"), Momentum(0.3, 0.9)]),
    ],
)
def test_rules_as_words(words: list[str], expected: list[Any]) -> None:
    """What is not set is as it races by default, else as the rule has it."""
    assert parse_rules(words, SURFACES["six-points"]().racers) == tuple(expected)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("momentun", r"rule must be one of .*did you mean 'momentum'"),
        ("momentum:eta=0.9", "rule 'momentum' has no setting 'eta'; it has learning_rate, momentum"),
        ("momentum:momentm=0.9", r"no setting 'momentm' \(did you mean 'momentum'\?\)"),
        ("momentum:momentum", "written like name:setting=0.3"),
        ("momentum:", "written like name:setting=0.3"),
        ("momentum=0.9", "written like name:setting=0.3"),
        ("momentum:momentum=", "written like name:setting=0.3"),
        ("momentum:momentum=high", "momentum must be a number.*got 'high'"),
        ("momentum:momentum=2", r"momentum must lie in \[0, 1\]"),
        ("momentum:momentum=nan", r"momentum must lie in \[0, 1\]"),
    ],
)
def test_words_that_name_no_rule_are_refused(words: str, sentence: str) -> None:
    """In a sentence that says what is allowed."""
    with pytest.raises(SettingError, match=sentence):
        parse_rules([words], ())


def test_sweeps_as_words() -> None:
    """Rules without the setting race as they are; where none has it, that is said."""
    assert swept([Momentum(0.3), Adam()], "momentum=0,1") == (Momentum(0.3, 0.0), Momentum(0.3, 1.0), Adam())
    for words, sentence in (
        ("beta_3=1", r"no rule of this race has a setting 'beta_3' \(did you mean 'beta_"),
        ("momentum", "takes a setting and its values"),
        ("momentum=0,high", "--sweep momentum takes numbers; got 'high'"),
    ):
        with pytest.raises(SettingError, match=sentence):
            swept([Momentum(), Adam()], words)


def test_surfaces_as_words() -> None:
    """With settings where they have some."""
    assert "condition number 7, turned by -20°" in parse_surface("quadratic:condition=7,rotation=-20").words
    told = invoke_json("race", "quadratic:condition=9", "--rules", "gradient_descent", "--start", "-1,2")
    assert told["racers"][0]["rule"]["learning_rate"] == 0.2
    assert told["start"] == [-1, 2]
    for words, sentence in (
        ("quadratic:kappa=3", "surface 'quadratic' has no setting 'kappa'; it has condition, rotation"),
        ("beale:condition=3", "surface 'beale' has no setting 'condition'; it has none"),
        ("quadratic:condition=0", "condition must"),
        ("quadratic:condition=high", "quadratic:condition takes numbers; got 'high'"),
        ("quadratic:condition=3,beale", "a race is down one surface"),
    ):
        with pytest.raises(SettingError, match=sentence):
            parse_surface(words)


@pytest.mark.parametrize("width", [60, 140])
@pytest.mark.parametrize("name", ["six-points", "rosenbrock", "saddle"])
def test_the_still_fits_and_reads_without_colour(name: str, width: int) -> None:
    """Start, contours, the goal, and a letter for each trail with its end in a capital."""
    made = race(name, steps=300)
    console = Console(width=width, color_system=None, record=True, file=None, quiet=True)
    lines = still_of(made, width).plain.splitlines()
    letters = "abcdefg"[: len(made.racers)]

    assert max(map(len, lines)) <= width
    assert console.color_system is None
    body = "\n".join(lines[: -len(letters) - 1])
    assert set(body) >= SIGNS
    for letter, racer in zip(letters, made.racers, strict=True):
        assert letter in body
        assert f"{letter} {racer.name} {settings_of(racer.rule)}".rstrip() in lines
    assert sum(letter in body for letter in letters.upper()) >= len(letters) - 2  # ends may share a place


def test_the_still_comes_after_the_table() -> None:
    """By default, and not with --no-still."""
    short = invoke("race", "beale", "--steps", "20", "--no-still").out
    long = invoke("race", "beale", "--steps", "20").out

    assert rows(short)[0][0] == "conjugate"
    assert "@ start  A end" in long
    assert "@ start  A end" not in short


@pytest.mark.parametrize(("name", "first"), [("race.png", b"\x89PNG\r\n\x1a\n"), ("race.svg", b"<?xml")])
def test_the_picture(tmp_path: Path, name: str, first: bytes) -> None:
    """In the format that its ending says."""
    done = invoke("race", "saddle", "--steps", "60", "--no-still", "--plot", tmp_path / name)

    assert done.code == 0
    assert "picture written to" in done.err
    assert (tmp_path / name).read_bytes().startswith(first)


def svg(tmp_path: Path, made: Any) -> str:
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        return save_race(made, tmp_path / "race.svg").read_text()


def test_the_picture_says_what_it_shows(tmp_path: Path) -> None:
    """Surface, rules with their ends, axes, start, goal; a panel more for a sweep."""
    made = race(
        "rosenbrock", rules=[Momentum(0.001, 0.9), Momentum(0.001, 0.5), GradientDescent(9.0)], steps=400
    )
    plain = svg(tmp_path, made)
    for words in (
        *("rosenbrock: a curved valley", "first weight", "second weight", "steps", "loss", "start"),
        *("momentum α=0.001 η=0.9: 318 steps", "not at the goal", "gradient descent α=9: diverged"),
        "goal: loss 0.01",
    ):
        assert words in plain
    assert plain.count('id="axes_') == 2
    swept_race = race(rules=[Momentum(0.3, eta) for eta in (0.5, 0.9, 0.95, 0.99)], steps=450)
    told = svg(tmp_path, swept_race)
    assert told.count('id="axes_') == 3
    assert "steps to the goal" in told
    assert "momentum η" in told


@pytest.mark.parametrize("clock", ["evaluations", "time"])
def test_the_clock_is_drawn(tmp_path: Path, clock: str) -> None:
    """By its own name."""
    words = {"evaluations": "evaluations of gradient or loss", "time": "seconds"}[clock]
    drawn = svg(tmp_path, race(clock=clock))
    assert words in drawn
    assert ("line search: 31 evaluations" in drawn) == (clock == "evaluations")
    assert f"ranked by {clock}" in invoke("race", "--clock", clock, "--no-still").out


def test_a_race_that_is_over_at_once_is_drawn_too(tmp_path: Path) -> None:
    """At the goal from the start, with a loss of 0; and with one step by one rule."""
    for how in (["--start", "3,0.5"], ["--steps", "1", "--rules", "momentum"]):
        done = invoke("race", "beale", *how, "--plot", tmp_path / "race.png")
        assert done.code == 0
        assert "first weight" in done.out


def test_contours_are_where_they_tell_most() -> None:
    """Even in their logarithm for what is positive, plain for what is not; the finite alone count."""
    rising = levels_of(np.geomspace(0.01, 1.0, 200).reshape(10, 20), 0.02, 8)
    assert np.diff(np.log(rising)) == pytest.approx([np.log(rising[1] / rising[0])] * 7)
    assert rising[0] > 0.02
    signed = levels_of(np.linspace(-1, 1, 200).reshape(10, 20), None, 8)
    assert np.diff(signed) == pytest.approx([2 / 7] * 7)
    holed = np.linspace(1, 2, 200).reshape(10, 20)
    holed[0, 0], holed[1, 1] = np.nan, np.inf
    assert np.isfinite(levels_of(holed, None, 8)).all()


def test_a_table_is_raced_on(tmp_path: Path) -> None:
    """Full batches or not, from one seed, in float32; all rows take part."""
    data = write_csv(tmp_path / "t.csv")
    told = invoke_json("race", data, "--target", "kind", "--steps", "30", "--hidden", "5", "--seed", "3")
    again = invoke_json("race", data, "--target", "kind", "--steps", "30", "--hidden", "5", "--seed", "3")
    batches = invoke_json("race", data, "-t", "kind", "--steps", "30", "--batch-size", "10")

    assert told["name"] == "t.csv"
    assert [racer["rule"]["name"] for racer in told["racers"]] == [rule.name for rule in NETWORK_RACERS]
    assert [racer["losses"] for racer in told["racers"]] == [racer["losses"] for racer in again["racers"]]
    assert told["dtype"] == "float32"
    assert "on 60 samples, full batches" in told["words"]
    assert "batches of 10" in batches["words"]
    assert len({racer["losses"][0] for racer in told["racers"]}) == 1


def test_lbfgs_races_with_rules() -> None:
    """By name, with its setting, on a surface and on a network; elsewhere it is said where it is."""
    on_surface = invoke("race", "beale", "--rules", "lbfgs:pairs=3,momentum", "--no-still")
    assert rows(on_surface.out)[0][:2] == ["lbfgs", "pairs=3"]
    told = invoke_json("race", "iris", "--rules", "lbfgs,adam", "--steps", "20")
    assert told["racers"][0]["loss"] < told["racers"][1]["loss"]
    for args in (
        ("train", "iris", "--rule", "lbfgs"),
        ("train", "iris", "--rule", "lbfgs", "--schedule", "cosine"),
    ):
        refused = invoke(*args, "--no-record")
        assert refused.code == 2
        assert "solver='lbfgs', or race it: schuss race DATA --rules lbfgs" in refused.told


def test_rows_without_a_target_are_left_out_if_that_is_asked_for(tmp_path: Path) -> None:
    """Else refused, with the option's name."""
    data = write_csv(tmp_path / "t.csv")
    data.write_text(data.read_text() + "1.0,2.0,Bern,\n")
    args = ("race", data, "--target", "kind", "--steps", "3", "--no-still")

    refused = invoke(*args)
    assert refused.code == 1
    assert "--drop-missing-target" in refused.told
    assert "on 60 samples" in invoke(*args, "--drop-missing-target").out


def test_an_embedded_set_is_raced_on(tmp_path: Path) -> None:
    """With its still and its picture."""
    done = invoke("race", "iris", "--steps", "40", "--goal", "0.3", "--plot", tmp_path / "iris.png")

    assert done.code == 0, done.err
    assert "iris: Network(4-16-3" in done.out
    assert "principal component 1" in done.out
    assert len(rows(done.out)) == 4


def test_a_slice_is_raced_on() -> None:
    """Two weights by name."""
    pair = ("--weight", "hidden1[0] <- input[1]", "--weight", "output[2] <- bias")
    told = invoke_json("race", "iris", *pair, "--steps", "15", "--rules", "newton,line_search")

    assert "two weights of Network" in told["words"]
    assert len(told["racers"][0]["path"][0]) == 2
    done = invoke("race", "iris", "--weight", "output[2] <- bias")
    assert done.code == 2
    assert "a slice is of two weights: give --weight twice; got 1" in done.told


def test_a_model_is_where_a_race_may_begin(tmp_path: Path) -> None:
    """From its network and its weights, on data that it knows how to read."""
    path = tmp_path / "m"
    assert (
        invoke("train", "iris", "--epochs", "3", "--hidden", "6", "-q", "-o", path, "--no-record").code == 0
    )
    told = invoke_json("race", "iris", "--model", path, "--steps", "4")
    assert "Network(4-6-3" in told["words"]
    model = load_model(path)
    assert model.run.theta.size == 51
    refused = invoke("race", "iris", "--model", path, "--hidden", "4")
    assert refused.code == 2
    assert "a model has its own network and targets; leave out --hidden" in refused.told


def test_a_model_without_columns_is_refused(tmp_path: Path) -> None:
    """One made from arrays knows no table."""
    from schuss import save_model

    run = train(Network([4, 3]), np.zeros((5, 4)), np.zeros((5, 3)), epochs=1)
    done = invoke("race", "iris", "--model", save_model(run, tmp_path / "m"))
    assert done.code == 1
    assert "knows no columns" in done.told


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("rosenbroc",), "no surface, data set or file 'rosenbroc' (did you mean 'rosenbrock'?)"),
        (("nowhere.csv",), "no surface, data set or file 'nowhere.csv'. Surfaces: six-points,"),
        (("beale", "--start", "1"), "start must be two finite numbers"),
        (("beale", "--start", "-1,nan"), "start must be two finite numbers"),
        (("beale", "--start", "here"), "--start takes two numbers, as -4,-4; got 'here'"),
        (("beale", "--steps", "0"), "steps must be an integer of at least 1"),
        (("beale", "--goal", "nan"), "goal must"),
        (("beale", "--clock", "hours"), "clock must be one of steps, evaluations, time"),
        (("beale", "--dtype", "float16"), "dtype must be float32 or float64"),
        (("beale", "--hidden", "4"), "a surface has no network and no data; leave out --hidden"),
        (("beale", "--batch-size", "4"), "leave out --batch-size"),
        (("beale", "--seed", "4", "--threads", "2"), "leave out --seed, --threads"),
        (("beale", "--engine", "reference"), "leave out --engine"),
        (("beale", "--drop-missing-target"), "leave out --drop-missing-target"),
        (("beale", "--plot", "race.gif"), "a picture is one of .png, .svg, .pdf"),
        (("iris", "--start", "1,2"), "a network starts from theta="),
        (("iris", "--rules", "rprop", "--batch-size", "9"), "rule 'rprop' compares one step with the next"),
        (("iris", "--rules", "lbfgs", "--batch-size", "9"), "lbfgs compares one step with the next"),
        (("beale", "--rules", "lbfgs:memory=3"), "rule 'lbfgs' has no setting 'memory'; it has pairs"),
        (("beale", "--rules", "lbfgs:pairs=0"), "pairs must be an integer of at least 1; got 0"),
        (("iris", "--dtype", "int8"), "dtype must be"),
    ],
)
def test_bad_input_is_told_in_a_sentence(args: tuple[str, ...], sentence: str) -> None:
    """With the exit code for wrong usage, and nothing on stdout."""
    done = invoke("race", *args)

    assert done.code == 2
    assert sentence in done.told
    assert done.out == ""

"""`schuss show`: what a model is, with the effective rate and the memory by their formulas."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import invoke, invoke_json

from schedules import EACH
from schuss import (
    AggMo,
    Cosine,
    GradientDescent,
    Momentum,
    Nesterov,
    Network,
    OneCycle,
    QuasiHyperbolic,
    RMSprop,
    Step,
    save_model,
    train,
)
from schuss.interface.describe import (
    effective_rate,
    half_life,
    loss_picture,
    rate_pictures,
    rate_text,
    resampled,
)
from schuss.method.schedules import Span


def save(path: Path, rule: Any, **how: Any) -> Path:
    """Train two epochs on arrays with a rule and save the run."""
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
    network = Network([3, 5, 2], "tanh", output="identity", **how)
    return save_model(train(network, X, T, rule=rule, epochs=2, batch_size=4), path)


def facts_of(text: str) -> dict[str, str]:
    """Return the first block of lines as names and values."""
    rows = (line.split("  ", 1) for line in text.split("\n\n")[0].splitlines())
    return {name: value.strip() for name, value in rows}


@pytest.mark.parametrize(
    ("rule", "rate", "momentum"),
    [
        (Momentum(0.05, 0.9), 0.05, 0.9),
        (Momentum(0.001, 0.99), 0.001, 0.99),
        (Nesterov(0.02, 0.5), 0.02, 0.5),
        (Momentum(Cosine(0.04), 0.8), 0.04, 0.8),
    ],
)
def test_effective_rate_and_half_life_follow_the_formulas(
    tmp_path: Path, rule: Any, rate: float, momentum: float
) -> None:
    """α/(1−η), and ln ½ / ln η steps: after so many, η^n is a half."""
    path = save(tmp_path / "m", rule)
    told, facts = invoke_json("show", path), facts_of(invoke("show", path).out)

    assert told["effective_rate"] == pytest.approx(rate / (1 - momentum), rel=1e-12)
    assert momentum ** told["half_life_steps"] == pytest.approx(0.5, rel=1e-12)
    assert facts["effective rate"].startswith(f"{rate / (1 - momentum):.4g} = α/(1−η)")
    steps = f"{math.log(0.5) / math.log(momentum):.3g}"
    assert facts["memory"] == f"half of a push is forgotten after {steps} steps"


def test_a_rule_without_memory_has_none(tmp_path: Path) -> None:
    """Gradient descent, and momentum 0: no half-life; the effective rate is the rate."""
    for rule in (GradientDescent(0.3), Momentum(0.3, 0.0)):
        path = save(tmp_path / "m", rule)
        told = invoke_json("show", path)

        assert (told["half_life_steps"], told["effective_rate"]) == (None, 0.3)
        assert facts_of(invoke("show", path).out)["memory"] == "none"


def test_what_other_rules_say_of_memory_and_rate(tmp_path: Path) -> None:
    """No α/(1−η) where it is not that; the half-life of what keeps the memory, or the memory's names."""
    for rule, words, steps in (
        (QuasiHyperbolic(0.1, 0.5), "half of a push is forgotten after 1 steps", 1.0),
        (AggMo(0.1, 0.0, 0.0, 0.5), "half of a push is forgotten after 1 steps", 1.0),
        (RMSprop(0.01), "mean square", None),
    ):
        path = save(tmp_path / "m", rule)
        told, facts = invoke_json("show", path), facts_of(invoke("show", path).out)

        assert (told["half_life_steps"], told["effective_rate"]) == (steps, None)
        assert facts["memory"] == words
        assert "effective rate" not in facts


def test_a_momentum_of_one_never_forgets(tmp_path: Path) -> None:
    """Both are infinite: told as inf, and as null in JSON, which has no infinity."""
    path = save(tmp_path / "m", Momentum(1e-6, 1.0))
    run = SimpleNamespace(plan=SimpleNamespace(rule=Momentum(1e-6, 1.0)))

    assert effective_rate(run) == half_life(run) == math.inf  # type: ignore[arg-type]  # a stand-in for a run
    told = invoke_json("show", path)
    assert (told["half_life_steps"], told["effective_rate"]) == (None, None)
    assert facts_of(invoke("show", path).out)["effective rate"].startswith("inf")


def test_sizes_parameters_and_layers_are_printed(tmp_path: Path) -> None:
    """Counted here by hand: 3·5+5 + 5·2+2 = 32."""
    path = save(tmp_path / "m", Momentum(0.05, 0.9))
    out, told = invoke("show", path).out, invoke_json("show", path)

    table = [line.split() for line in out.split("\n\n")[1].splitlines()]
    assert table == [
        ["layer", "units", "activation", "weights", "biases"],
        ["input", "3"],
        ["hidden1", "5", "tanh", "15", "5"],
        ["output", "2", "identity", "10", "2"],
    ]
    facts = facts_of(out)
    assert facts["parameters"] == "32 float64"
    assert told["n_parameters"] == 32
    assert facts["trained"] == "2 epochs of 12 samples, 6 steps"
    assert facts["rates"] == "learning rate 0.05, momentum 0.9"
    assert facts["weights"] == f"sha256 {told['weights_sha256'][:16]}"
    assert facts["stopped"] == told["stopped"] == "epochs"
    bare = invoke("show", save(tmp_path / "b", Momentum(0.05, 0.9), biases=False)).out
    assert bare.split("\n\n")[1].splitlines()[2].split() == ["hidden1", "5", "tanh", "15", "0"]


@pytest.mark.parametrize(
    ("name", "target"), [("iris", "species: 3 classes: setosa"), ("diabetes", "a number, mean")]
)
def test_targets_and_scores_are_printed(tmp_path: Path, name: str, target: str) -> None:
    """As they were measured at training."""
    trained = invoke_json("train", name, "--epochs", "2", "-o", tmp_path / "m")
    out, told = invoke("show", tmp_path / "m").out, invoke_json("show", tmp_path / "m")

    assert target in facts_of(out)["target"]
    assert told["test"] == trained["test"]
    assert f"test ({trained['n_test']} rows)" in out
    for key in ("network", "plan", "rule", "loss", "weights_sha256", "engine", "targets"):
        assert told[key] == trained[key], key


def picture_of(losses: list[float], **size: int) -> list[str]:
    return loss_picture(SimpleNamespace(loss=np.array(losses)), **size)  # type: ignore[arg-type]  # as above


def test_the_picture_of_a_halving_loss() -> None:
    """A straight fall on the log scale: each column's height by the formula; a rise is another picture."""
    drawn = picture_of([2.0 ** (7 - i) for i in range(8)])

    assert drawn[0].startswith("      128 █")
    assert drawn[-2].startswith("        1 ████")
    assert drawn[-1] == "     loss epoch 1 8"
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row.ljust(20)[10 + i]) for row in drawn[:-1]) for i in range(8)]
    assert heights == [1 + round((7 - i) * 31 / 7) for i in range(8)]
    assert picture_of([2.0**i for i in range(8)]) != drawn


def test_a_golden_picture() -> None:
    """To the character; worked by hand: heights 1 + round(15·(1 − ln x / ln 0.05)) = 16 13 4 8 1 1."""
    assert picture_of([1.0, 0.5, 0.1, 0.2, 0.05, 0.05], height=2) == [
        "        1 █▅",
        "     0.05 ██▄█▁▁",
        "     loss epoch 1 6",
    ]


def test_the_picture_is_as_wide_as_it_may_be() -> None:
    """A thousand epochs share sixty columns, each the mean of its share."""
    drawn = picture_of(np.geomspace(10, 0.1, 1000).tolist())

    assert max(map(len, drawn[:-1])) == 10 + 60
    assert drawn[-1].endswith("1000")
    assert resampled([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]
    assert sum(resampled(list(range(100)), 10)) == pytest.approx(495.0)


@pytest.mark.parametrize("losses", [[], [1.0], [0.0, 0.0], [-1.0, -2.0]])
def test_a_picture_of_nothing_is_no_picture(losses: list[float]) -> None:
    """One epoch, or losses without a logarithm, are not drawn."""
    assert picture_of(losses) == []


def test_a_loss_that_stays_is_a_flat_line() -> None:
    """Equal losses do not divide by zero."""
    assert picture_of([0.5, 0.5, 0.5], height=1)[0].strip().endswith("▁▁▁")


def rates_of(rule: Any, steps: int = 100) -> list[list[str]]:
    plan = SimpleNamespace(rule=rule, span=lambda n: Span(steps, 10, n))
    return rate_pictures(SimpleNamespace(plan=plan, state=SimpleNamespace(step=steps), n_samples=75))  # type: ignore[arg-type]  # as above


def test_a_golden_picture_of_a_rate() -> None:
    """To the character; by hand: eighths of 16 are 16 in the first half and 1 in the second."""
    assert rates_of(Momentum(Step(0.2, 2.0, after=(2,), per="step"), 0.9), 4) == [
        ["learning rate", "      0.2 ██", "      0.1 ██▁▁", "          step 0 3"]
    ]
    assert rates_of(Momentum(Step(0.2, 2.0, after=(3,), per="step"), 0.9), 4)[0][1] == "      0.2 ███"


def test_each_rate_that_changes_is_drawn_and_no_other() -> None:
    """A number, a schedule that stays as it is over the run, and a run of no steps have no picture."""
    cycles = rates_of(Momentum(OneCycle(0.01, 0.1), OneCycle(0.95, 0.85)))
    assert [picture[0] for picture in cycles] == ["learning rate", "momentum"]
    assert all(len(line) <= 10 + 60 for picture in cycles for line in picture)
    assert cycles[1][1].startswith("     0.95 ███")
    assert [picture[0] for picture in rates_of(Momentum(0.01, OneCycle(0.95, 0.85)))] == ["momentum"]
    assert rates_of(Momentum(0.01, 0.9)) == rates_of(Momentum(Step(0.1, every=50), 0.9)) == []
    assert rates_of(Momentum(Cosine(0.1), 0.9), 0) == rates_of(Momentum(Cosine(0.1), 0.9), 1) == []


def test_show_draws_the_rates_of_a_saved_run(tmp_path: Path) -> None:
    """Under the loss, each under its name; and says both in words."""
    out = invoke("show", save(tmp_path / "m", Momentum(OneCycle(0.01, 0.1), OneCycle(0.95, 0.85)))).out

    assert "\nlearning rate\n" in out
    assert out.index("\nmomentum\n") > out.index("epoch 1")
    assert "one cycle from 0.95 to 0.85 and to 0.95" in facts_of(out)["rates"]
    assert "\nmomentum\n" not in invoke("show", save(tmp_path / "b", Momentum(Cosine(0.1), 0.9))).out


@pytest.mark.parametrize("schedule", EACH, ids=repr)
def test_every_schedule_is_said_in_words(schedule: Any) -> None:
    """The same words that the schedule has for itself; a number is said as a number."""
    assert rate_text(schedule) == schedule.words
    assert rate_text(0.25) == "0.25"

"""Schedules on the command line reach the plan, and what is wrong with one is said with what it takes."""

from pathlib import Path
from typing import Any

import pytest
from commands import invoke, invoke_json

from schuss import (
    Cosine,
    Demon,
    Exponential,
    Listed,
    Nesterov1983,
    OneCycle,
    Plateau,
    Restart,
    SettingError,
    Step,
    Sutskever,
    WarmUp,
    load_model,
)
from schuss.interface.cli.schedules import scheduled_momentum, scheduled_rate
from schuss.method.schedules import SCHEDULES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cosine", Cosine(0.2)),
        ("step,every=10", Step(0.2, every=10)),
        ("step,initial=0.5,factor=2,after=3:7,per=step", Step(0.5, 2.0, after=(3, 7), per="step")),
        ("step,after=3", Step(0.2, after=(3,))),
        ("exponential,factor=0.9", Exponential(0.2, 0.9)),
        ("plateau", Plateau(0.2)),
        ("one_cycle,first=0.01,last=1e-5,shape=linear", OneCycle(0.01, 0.2, 1e-5, shape="linear")),
        ("warm_up", WarmUp(0.2)),
        ("warm_up,then=0.1", WarmUp(0.1)),
        ("warm_up,length=2,then=cosine,final=0.01", WarmUp(Cosine(0.2, 0.01), 2)),
        ("warm_up,then=warm_up,length=3,then=step,every=4", WarmUp(WarmUp(Step(0.2, every=4), 3))),
        ("listed,values=0.3:0.1", Listed((0.3, 0.1))),
        ("listed,values=0.3", Listed((0.3,))),
    ],
)
def test_a_rate(text: str, expected: Any) -> None:
    """A name, settings, lists and what follows; the height is the learning rate."""
    if "0.2" in repr(expected):
        assert scheduled_rate(text, 0.2) == expected
    else:  # its values are all there
        assert scheduled_rate(text, None) == expected
    assert scheduled_rate(None, 0.2) == 0.2
    assert scheduled_rate(None, None) is None


def test_the_height_of_a_rate_is_that_of_the_rule() -> None:
    """Unless one is given; a rule without a learning rate takes no schedule."""
    assert scheduled_rate("cosine", None, "adam") == Cosine(0.01)
    assert scheduled_rate("cosine", 0.5, "adam") == Cosine(0.5)
    assert scheduled_rate("cosine", None, "nesterov") == Cosine(0.03)
    with pytest.raises(SettingError, match="'rprop' has no learning rate"):
        scheduled_rate("cosine", None, "rprop")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sutskever", Sutskever()),
        ("sutskever,highest=0.9,period=20", Sutskever(0.9, 20)),
        ("nesterov_1983,highest=0.99", Nesterov1983(0.99)),
        ("demon", Demon()),
        ("restart", Restart()),
        ("restart,when=gradient,then=0.95", Restart(0.95, "gradient")),
        ("restart,then=nesterov_1983,highest=0.9", Restart(Nesterov1983(0.9))),
        ("cosine,final=0.5", Cosine(0.8, 0.5)),
    ],
)
def test_a_momentum(text: str, expected: Any) -> None:
    """Its own schedules keep their defaults; of the others the height is the momentum."""
    assert scheduled_momentum(text, 0.8 if text.startswith("cosine") else None) == expected
    assert scheduled_momentum(None, 0.8) == 0.8


def test_every_schedule_of_the_table_is_there() -> None:
    """Each but Custom can be asked for by name, and the help names it."""
    told = invoke("train", "--help").out
    for name in set(SCHEDULES) - {"custom"}:
        assert name in told
        for option in ("--schedule", "--momentum-schedule"):
            done = invoke("train", "iris", option, f"{name},colour=1")
            assert "it has no 'colour'" in done.err or f"{option} {name}: that is for the " in done.err


def test_a_model_is_trained_with_them(tmp_path: Path) -> None:
    """They stand in its rule, with the patience that a plateau needs, and `show` says them."""
    out = tmp_path / "m.schuss"
    how = ("--epochs", 40, "--no-record", "-q", "--out", out)
    done = invoke(
        *("train", "iris", "--learning-rate", 0.05, "--schedule", "plateau"),
        *("--momentum-schedule", "restart,then=0.95", *how),
    )
    assert done.code == 0, done.err
    plan = load_model(out).run.plan

    assert (plan.rule.learning_rate.initial, plan.patience) == (0.05, 10)
    assert plan.rule.momentum.then == 0.95
    assert plan.rule.momentum.restarts
    assert "0.95, begun anew" in invoke("show", out).out
    told = invoke_json("train", "iris", "--epochs", 2, "--no-record", "--schedule", "step,every=1")
    assert told["rule"]["learning_rate"] | {"after": []} == {
        "schedule": "step",
        "initial": 0.03,
        "factor": 10.0,
        "every": 1,
        "after": [],
        "per": "epoch",
    }
    assert told["plan"]["patience"] is None


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--schedule", "stp", "it must be one of cosine, inverse_scaling, plateau, step"),
        ("--schedule", "stp", "(did you mean 'step'?)"),
        ("--schedule", "sutskever", "that is for the momentum alone"),
        ("--momentum-schedule", "plateau", "that is for the learning rate alone"),
        ("--schedule", "custom", "it takes a function, which the command line has not"),
        (
            "--schedule",
            "step,factor=0.5,every=9",
            "factor, which divides the value, must lie in (1, inf); got 0.5.",
        ),
        (
            "--schedule",
            "step,factr=2",
            "it has no 'factr' (did you mean 'factor'?); step has initial, factor=10.0",
        ),
        ("--schedule", "step", "step has initial, factor=10.0, every, after=a:b:…, per=epoch."),
        ("--schedule", "step,every", "takes a schedule as NAME,setting=value"),
        ("--schedule", "one_cycle", "first=… is missing; one_cycle has first, turn, last, share=0.3"),
        ("--schedule", "plateau,drops=3", "it has no 'drops'"),
        ("--schedule", "exponential,factor=fast", "factor must be a number in (0, 1]; got 'fast'."),
        ("--schedule", "listed,values=0.1:nan", "the value of step 1 must lie in [0, inf); got nan."),
        ("--schedule", "listed,per=epoch,values=0.1:0.1:nan", "the value of epoch 2 must lie in"),
        ("--schedule", "warm_up,then=plateau", "a Plateau cannot follow a WarmUp"),
        ("--momentum-schedule", "one_cycle,first=1.5", "momentum of OneCycle(first=1.5"),
        ("--momentum-schedule", "restart,when=gradient", "needs full batches"),
    ],
)
def test_bad_schedules(
    option: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence with what is allowed, exit code 2, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    done = invoke("train", "iris", "--epochs", 2, option, text)

    assert (done.code, done.out) == (2, "")
    assert message in done.err.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--momentum", 0.5, "--momentum-schedule", "demon"), "so --momentum has no effect; leave it out"),
        (("--momentum", 0.5, "--momentum-schedule", "restart,then=0.95"), "so --momentum has no effect"),
        (("--learning-rate", 0.5, "--schedule", "cosine,peak=0.2"), "so --learning-rate has no effect"),
        (("--learning-rate", 0.5, "--schedule", "warm_up,then=0.3"), "so --learning-rate has no effect"),
    ],
)
def test_a_height_that_has_no_place_is_refused(options: tuple[object, ...], sentence: str) -> None:
    """It would be passed over in silence; without it the schedule is taken."""
    done = invoke("train", "iris", "--epochs", 2, "--no-record", *options)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.told
    assert invoke("train", "iris", "--epochs", 2, "--no-record", "-q", *options[2:]).code == 0

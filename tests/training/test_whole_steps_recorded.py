"""Trainings by whole-step rules are recorded, found again, resumed, forked and swept as all others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import ALL, make_engine
from kinds_of_rules import WHOLE_RULES, batch_for
from problems import NETWORK, draw_data
from recorded import OFTEN, leave_some, same_runs
from schuss import DivergenceError, SettingError, TrainingInterrupted, load_run, train
from schuss.insight.sweep import sweep
from schuss.method.rules import NesterovLookAhead, Newton, Quickprop, Rprop, rule_to_dict
from schuss.training.run import Run

GENTLE: dict[str, Any] = {"newton": Newton(0.1, 1.0), "quickprop": Quickprop(0.05)}


def rule_for(name: str) -> Any:
    """Return a rule that goes down here."""
    return GENTLE.get(name) or WHOLE_RULES[name]()


def made(name: str, engine: str, **how: Any) -> Run:
    """Train the small problem for seven epochs."""
    X, T = draw_data()
    rule, what = rule_for(name), {"engine": make_engine(engine), "epochs": 7, "dropout": 0.1, **how}
    return train(NETWORK, X, T, rule=rule, batch_size=batch_for(rule, 11), **what)


@pytest.mark.parametrize("engine", ALL[:2])
@pytest.mark.parametrize("name", WHOLE_RULES)
def test_every_step_is_found_again(name: str, engine: str, tmp_path: Path) -> None:
    """Recording changes no bit; the folder leads back to every state; a fork goes on as the run did."""
    plain, run = made(name, engine), made(name, engine, record=tmp_path / "run", keep=OFTEN)
    leave_some(tmp_path / "run", 7)
    opened = load_run(tmp_path / "run")

    assert plain.engine.engine == engine.split("-")[0]
    assert same_runs(plain, run)
    assert same_runs(run, opened)
    assert rule_to_dict(opened.plan.rule) == rule_to_dict(rule_for(name))
    for step in (0, 1, 4, run.state.step):
        assert opened.at(step).digest() == plain.at(step).digest()
    assert opened.at(1).digest() != opened.at(0).digest()
    assert same_runs(opened.fork(4), run)
    assert not same_runs(opened.fork(4, l2=0.5), run)


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_a_run_that_was_stopped_goes_on(name: str, tmp_path: Path) -> None:
    """To the bits of one that never stopped."""

    def stop(epoch: Any) -> None:
        if epoch.number == 5:
            raise KeyboardInterrupt

    whole = made(name, ALL[-1])
    with pytest.raises(TrainingInterrupted):
        made(name, ALL[-1], record=tmp_path / "run", keep=OFTEN, callbacks=[stop])
    assert load_run(tmp_path / "run").state.step < whole.state.step
    assert same_runs(train(resume=tmp_path / "run"), whole)


def test_a_sweep_over_a_resilient_rules_own_rates() -> None:
    """Each network is what `train` makes of it alone; its step sizes begin where they should."""
    X, T = draw_data()
    how: dict[str, Any] = {"batch_size": None, "epochs": 9}
    found = sweep(NETWORK, X, T, rule=Rprop(), increase=[1.1, 1.3], decrease=[0.5, 0.7], **how)
    assert len(found) == 4
    for i, rule in enumerate((Rprop(1.1), Rprop(1.1, 0.7), Rprop(1.3), Rprop(1.3, 0.7))):
        alone = train(NETWORK, X, T, rule=rule, **how)
        assert found.theta[i].tobytes() == alone.theta.tobytes()
    assert found.theta[0].tobytes() != found.theta[1].tobytes()


def test_a_training_that_diverges_says_so() -> None:
    """With its rate where the rule has one, without where it has none."""
    X, T = draw_data()
    with pytest.raises(DivergenceError, match=r"learning rate 1e\+06") as told:
        train(NETWORK, X, T, rule=NesterovLookAhead(1e6), epochs=400)
    assert np.isfinite(told.value.state.theta).all()
    without = Rprop(first_step=1e300, largest=1e300)
    with pytest.raises(DivergenceError, match=r"non-finite\. Check") as told:
        train(NETWORK, X, T, rule=without, batch_size=None)
    assert told.value.learning_rate is None


def test_questions_that_need_one_gradient_say_so() -> None:
    """A story, causes of spikes and a derivation: with the name of the rule and of others."""
    run = made("rprop", "reference")
    for ask in (run.story, run.spikes, lambda: run.derive(3)):
        with pytest.raises(SettingError, match=r"weight by weight.*momentum.*'rprop'"):
            ask()

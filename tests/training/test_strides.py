"""Into how many strides a training is cut is nobody's business."""

from typing import Any

import pytest

from problems import NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from recorded import SETTINGS, same_runs
from schuss import Adam, Momentum, Plateau, Restart, train
from schuss.training import loop, strides

JUDGED: dict[str, dict[str, Any]] = {
    "goal": {"rule": RULE, "loss_goal": 0.05},
    "patience": {"rule": RULE, "patience": 5, "min_improvement": 1e-3},
    "validation": {"rule": RULE, "validation": draw_data(20), "patience": 20},
    "plateau": {"rule": Adam(Plateau(0.05, 1.5, 1e-4)), "patience": 3, "min_improvement": 1e-3},
    "restarts": {"rule": Momentum(0.1, Restart(0.95))},
}


@pytest.mark.parametrize("steps", [1, STEPS_PER_EPOCH - 1, STEPS_PER_EPOCH + 1])
@pytest.mark.parametrize("name", [*SETTINGS, *JUDGED])
def test_strides_within_epochs_change_nothing(name: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what is judged, averaged or scheduled by epochs; another seed does."""
    X, T = draw_data()
    how: dict[str, Any] = {"epochs": 60, "batch_size": 5, **{**SETTINGS, **JUDGED}[name]}
    whole = train(NETWORK, X, T, **how)
    monkeypatch.setattr(strides, "STEPS", steps)
    ends = list[int]()
    real = loop.Loop._keep

    def keep(self: loop.Loop, made: Any) -> None:
        ends.append(made.state.step)
        real(self, made)

    monkeypatch.setattr(loop.Loop, "_keep", keep)
    run = train(NETWORK, X, T, **how)

    assert same_runs(run, whole)
    assert (run.best is None) == (whole.best is None)
    assert run.best is None or whole.best is None or run.best.digest() == whole.best.digest()
    assert steps > STEPS_PER_EPOCH or any(end % STEPS_PER_EPOCH for end in ends)
    assert not same_runs(train(NETWORK, X, T, **how, seed=1), whole)


STOPPED = {name: how for name, how in JUDGED.items() if name != "validation"} | {
    "plateau, momentum": {"rule": Momentum(Plateau(0.1, 5.0, 1e-4)), "patience": 10, "min_improvement": 1e-3},
    "patience, late": {"rule": Momentum(0.01), "patience": 10, "min_improvement": 1e-4},
    "goal before patience": {"rule": RULE, "patience": 1000, "loss_goal": 0.05},
    "restarts before patience": {"rule": Momentum(0.1, Restart(0.95)), "patience": 300},
    "goal between plateaus": {
        "rule": Momentum(Plateau(0.1, 1.5, 1e-4)),
        "patience": 20,
        "min_improvement": 0.02,
        "loss_goal": 0.01,
    },
}


def made_and_kept(monkeypatch: pytest.MonkeyPatch, **how: Any) -> tuple[list[int], int]:
    """Return how many steps each call of the engine makes, and how many a training keeps."""
    made = list[int]()
    real = loop.Loop._advance

    def advance(self: loop.Loop, state: Any, stop: int) -> Any:
        made.append(stop - state.step)
        return real(self, state, stop)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_advance", advance)
        patch.setattr(strides, "SHORTEST", 0.0)  # or a fast machine makes more
        run = train(NETWORK, *draw_data(), **{"epochs": 2000, "batch_size": 5, **how})
    return made, len(run.step_loss)


def made_for_each_kept(monkeypatch: pytest.MonkeyPatch, **how: Any) -> float:
    made, kept = made_and_kept(monkeypatch, **how)
    return sum(made) / kept


@pytest.mark.parametrize("name", STOPPED)
def test_little_is_made_in_vain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where patience, a goal or a schedule ends a stride, what lies beyond is thrown away."""
    assert 1.0 <= made_for_each_kept(monkeypatch, **STOPPED[name]) < 1.5


def test_much_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count can fail: it sees strides that grow whatever may end them."""
    monkeypatch.setattr(strides, "SHARE", 100.0)
    assert made_for_each_kept(monkeypatch, **STOPPED["plateau"]) > 1.5
    assert made_for_each_kept(monkeypatch, **STOPPED["restarts"]) > 1.5


def test_slow_epochs_go_one_by_one_after_a_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many patience lets come: a call takes no longer than it may."""
    monkeypatch.setattr(strides, "LONGEST", 0.0)
    made, _ = made_and_kept(monkeypatch, **STOPPED["plateau, momentum"])
    assert set(made) == {STEPS_PER_EPOCH}

"""The ways into a map and out of it: who watches, who stops it, and what is refused."""

import numpy as np
import pytest
from maps import NETWORK, SMALL, draw_data, drawn

from schuss import (
    DataError,
    GradientDescent,
    Muon,
    Network,
    Plan,
    SettingError,
    StabilityMap,
    TrainingInterrupted,
    stability_map,
)
from schuss.insight.stability_map import cells, setup


def test_the_watcher_sees_every_stage() -> None:
    """Coarse first; the last is the result."""
    seen: list[StabilityMap] = []
    found = stability_map(NETWORK, *draw_data(), **SMALL, watch=seen.append)

    assert [each.level for each in seen] == sorted(each.level for each in seen)
    assert seen[0].loss.shape[:2] == (3, 3)
    assert found is seen[-1]
    assert found.stopped == "levels"


def test_ctrl_c_returns_the_finest_complete_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it comes, after the first level; before, it is raised."""
    sweep, allowed = cells.sweep, iter(())

    def interrupted(*args: object, **how: object) -> object:
        if next(allowed, None) is None:
            raise TrainingInterrupted(sweep(*args, **how))
        return sweep(*args, **how)

    monkeypatch.setattr(cells, "sweep", interrupted)
    for stages, side in ((1, 3), (2, 3), (3, 5), (4, 5)):
        allowed = iter(range(stages))
        found = stability_map(
            NETWORK, *draw_data(), coarse=3, levels=3, epochs=12, learning_rates=(0.01, 9.0)
        )
        assert (found.loss.shape[0], found.complete, found.stopped) == (side, True, "interrupted")
    with pytest.raises(KeyboardInterrupt):
        stability_map(NETWORK, *draw_data(), **SMALL)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rates": (0.0, 1.0)}, "lower end of learning_rates must lie in"),
        ({"learning_rates": (1.0, 0.1)}, "upper end of learning_rates must lie in"),
        ({"learning_rates": 0.1}, "learning_rates must be a lowest and a highest value; got 0.1"),
        ({"learning_rates": (0.1, "fast")}, "upper end of learning_rates must be a number"),
        ({"momenta": (0.0, 1.0)}, "upper end of momenta must lie in"),
        ({"momenta": (-0.1, 0.5)}, "lower end of momenta must lie in"),
        ({"momenta": (0.5, 0.5)}, "upper end of momenta must lie in"),
        ({"momenta": (0.1, 0.2, 0.3)}, "momenta must be a lowest and a highest"),
        ({"coarse": 2}, "coarse must be an integer of at least 3"),
        ({"levels": 0}, "levels must be an integer of at least 1"),
        ({"levels": 9}, "are more than 262,144 trainings; take fewer levels"),
        ({"levels": 10**6}, "take fewer levels"),
        ({"goal": 1e9}, "goal must lie below the loss of the first weights"),
        ({"goal": np.nan}, "goal must lie in"),
        ({"epochs": 4}, "at least 5 epochs; got epochs=4"),
        ({"loss_goal": 0.1}, "give goal= instead"),
        ({"patience": 3}, "patience is for `train`"),
        ({"rule": GradientDescent()}, "needs a rule with a momentum: momentum, nesterov, .*; got gradient_"),
        ({"rule": Muon()}, "a map needs a rule that turns one gradient into a change"),
        ({"learning_rate": 0.1}, "no setting 'learning_rate'"),
        ({"plan": Plan(), "epochs": 20}, "not both"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], words: str) -> None:
    """At once, with what is allowed; nothing is trained."""
    with pytest.raises(SettingError, match=words):
        stability_map(NETWORK, *draw_data(), **settings)


def test_a_bad_grid_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the curvature is looked at."""

    def worked(*_: object) -> None:
        raise AssertionError("work was done")

    monkeypatch.setattr(setup, "sharpness", worked)
    with pytest.raises(AssertionError, match="work was done"):
        stability_map(NETWORK, *draw_data())
    with pytest.raises(SettingError, match="upper end of momenta"):
        stability_map(NETWORK, *draw_data(), momenta=(0.0, 1.0))


def test_bad_data_and_cells_are_refused() -> None:
    """As by `train`; and a cell that is not on the map."""
    X, T = draw_data()
    with pytest.raises(DataError, match="loss of the first weights is not finite"):
        stability_map(NETWORK, X, 1e200 * T)
    with pytest.raises(DataError, match="X must have shape"):
        stability_map(NETWORK, X[:, :2], T)
    for cell in ((17, 0), (0, -1)):
        with pytest.raises(SettingError, match="17 × 17 has no cell"):
            drawn().plan_of(*cell)


def test_of_many_samples_some_are_drawn_for_the_curvature(monkeypatch: pytest.MonkeyPatch) -> None:
    """For that alone: the loss of the first weights, and the trainings, are of all."""
    how = {**SMALL, "learning_rates": (0.01, 0.1)}
    found = stability_map(NETWORK, *draw_data(), **how)
    monkeypatch.setattr(setup, "MOST_SAMPLES", 9)
    fewer = stability_map(NETWORK, *draw_data(), **how)

    assert (fewer.start, fewer.loss.tobytes()) == (found.start, found.loss.tobytes())
    assert fewer.sharpness.largest != pytest.approx(found.sharpness.largest, rel=1e-3)
    assert (found.sharpness.batches.count, fewer.sharpness.batches.count) == (4, 1)


def test_a_loss_without_curvature_has_no_bounds() -> None:
    """Inputs that are all zero: a default range of rates, no curves, and a sentence."""
    X, T = np.zeros((6, 3)), np.zeros((6, 1))
    found = stability_map(Network([3, 1], biases=False), X, T, coarse=3, levels=1, epochs=5)

    assert (found.sharpness, found.bounds, found.agreement) == (None, (), {})
    assert "theory has no bounds" in found.text()
    assert (found.learning_rate[0], found.learning_rate[-1]) == (1e-4, 10.0)

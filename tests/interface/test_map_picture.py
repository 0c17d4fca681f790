"""The pictures of the stability map and of the range test: what stands in them."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from schuss import Network, SettingError, StabilityMap, range_test, stability_map
from schuss.insight.stability_map.classes import CLASSES
from schuss.interface.map_picture import FACES, HATCHES, LINES, save_stability_map
from schuss.interface.range_picture import save_range_test

NETWORK = Network([3, 5, 1], "tanh", output="identity")


def draw_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((22, 3))
    return X, np.tanh(X[:, :1] - X[:, 1:2] * X[:, 2:])


@cache
def drawn() -> StabilityMap:
    return stability_map(NETWORK, *draw_data(), levels=2, epochs=20, batch_size=5)


def svg(save: object, of: object, path: Path) -> str:
    """Return a picture as SVG, with its words as words."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        return save(of, path).read_text()  # type: ignore[operator]  # one of the two savers


def test_the_map_says_what_it_shows(tmp_path: Path) -> None:
    """Axes, classes, theory's bounds and the best cell have their names."""
    text = svg(save_stability_map, drawn(), tmp_path / "map.svg")

    i, j = drawn().best
    best = f"best: α {drawn().learning_rate[i]:.3g}, η {drawn().momentum[j]:.4g}"
    bounds = [bound.told for bound in drawn().bounds]
    assert len(bounds) == 4
    for words in ("learning rate α", "momentum η, by log(1−η)", "3-5-1, momentum", best, *CLASSES, *bounds):
        assert words in text


def test_classes_and_curves_differ_without_colour() -> None:
    """Each class has a hatching of its own, each curve a style of line."""
    assert len({HATCHES[name] for name in CLASSES}) == len({FACES[name] for name in CLASSES}) == 4
    assert len({line["ls"] for line in LINES.values()}) == len(LINES)


def test_a_map_without_bounds_goal_or_best_is_drawn(tmp_path: Path) -> None:
    """Where every cell diverges: the classes stand alone."""
    found = stability_map(NETWORK, *draw_data(), levels=1, epochs=6, learning_rates=(1e20, 1e30))
    text = svg(save_stability_map, found, tmp_path / "map.svg")

    assert "diverges" in text
    assert "best:" not in text


def test_narrow_ranges_have_labels_too(tmp_path: Path) -> None:
    """Ends and middle, where no round number lies within; one number of steps for all is drawn as well."""
    how = {"levels": 1, "epochs": 6, "goal": drawn().start * 0.999, "coarse": 3}
    found = stability_map(*(NETWORK, *draw_data()), learning_rates=(0.02, 0.03), momenta=(0.91, 0.92), **how)
    text = svg(save_stability_map, found, tmp_path / "map.svg")

    assert len(np.unique(found.steps)) == 1
    for label in ("0.02", "0.03", "0.91", "0.92"):
        assert f">{label}<" in text


def test_the_range_test_says_what_it_shows(tmp_path: Path) -> None:
    """Both rates that it proposes, and the edge, with their values."""
    found = range_test(NETWORK, *draw_data(), high=100)
    text = svg(save_range_test, found, tmp_path / "range.svg")

    for words in (
        f"steepest fall, {found.steepest:.3g}",
        f"a tenth of the edge, {found.tenth:.3g}",
        "edge, ",
    ):
        assert words in text
    assert "edge, " not in svg(
        save_range_test, range_test(NETWORK, *draw_data(), high=1e-5), tmp_path / "b.svg"
    )


def test_other_formats_are_refused(tmp_path: Path) -> None:
    """Before anything is drawn."""
    for save, of in ((save_stability_map, drawn()), (save_range_test, None)):
        with pytest.raises(SettingError, match="a picture is one of"):
            save(of, tmp_path / "map.gif")

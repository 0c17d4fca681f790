"""Pictures of the loss: PNG, SVG and PDF, whole or not at all, and a sentence where matplotlib is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commands import invoke

from schuss import MissingExtraError, Momentum, Network, OneCycle, OutputError, Run, SettingError, train
from schuss.interface.plots import save_loss_curve

SENTENCE = 'drawing a picture needs an optional package: pip install "schuss[plot]"'


def run_of(**how: object) -> Run:
    X = np.linspace(-1, 1, 12).reshape(-1, 1)
    return train(Network([1, 3, 1], "tanh"), X, X**2, epochs=5, **how)  # type: ignore[arg-type]  # plan settings


@pytest.mark.parametrize(
    ("suffix", "first"), [(".png", b"\x89PNG\r\n\x1a\n"), (".svg", b"<?xml"), (".PDF", b"%PDF")]
)
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str, first: bytes) -> None:
    """The file begins as its format does."""
    path = save_loss_curve(run_of(), tmp_path / f"loss{suffix}")

    assert path.read_bytes().startswith(first)
    assert list(tmp_path.iterdir()) == [path]


def test_the_picture_says_what_it_shows(tmp_path: Path) -> None:
    """Axes, network and rule; the validation's line only where there is one."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        plain = save_loss_curve(run_of(), tmp_path / "a.svg").read_text()
        X = np.ones((3, 1))
        both = save_loss_curve(run_of(validation=(X, X)), tmp_path / "b.svg").read_text()

    for word in ("epoch", "loss (squared error)", "1-3-1, momentum"):
        assert word in plain
    assert "validation" in both
    assert "validation" not in plain


def test_rates_that_change_are_drawn_below(tmp_path: Path) -> None:
    """Each on axes of its own, with its name; constant ones are not drawn."""
    from matplotlib import rc_context

    def drawn(name: str, rule: Momentum) -> str:
        return save_loss_curve(run_of(rule=rule), tmp_path / name).read_text()

    with rc_context({"svg.fonttype": "none"}):
        plain = drawn("a.svg", Momentum(0.01, 0.9))
        one = drawn("b.svg", Momentum(0.01, OneCycle(0.95, 0.85)))
        both = drawn("c.svg", Momentum(OneCycle(0.01, 0.1), OneCycle(0.95, 0.85)))
    assert [text.count('id="axes_') for text in (plain, one, both)] == [1, 2, 3]
    assert "learning rate" in both
    assert "learning rate" not in one


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    """With the list of what is allowed; nothing is written."""
    for name in ("loss.gif", "loss"):
        with pytest.raises(SettingError, match=r"one of \.png, \.svg, \.pdf; got 'loss"):
            save_loss_curve(run_of(), tmp_path / name)
    with pytest.raises(OutputError, match="does not exist"):
        save_loss_curve(run_of(), tmp_path / "nope" / "loss.png")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_matplotlib_is_answered_by_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the extra, before any training, and nothing is written."""
    for name in [n for n in sys.modules if n.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError) as caught:
        save_loss_curve(run_of(), tmp_path / "loss.png")
    assert str(caught.value) == SENTENCE
    done = invoke("train", "iris", "--plot", tmp_path / "a.png", "-o", tmp_path / "m")

    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {SENTENCE}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "show"])
def test_the_commands_draw(tmp_path: Path, command: str) -> None:
    """`--plot` on both; the message says where."""
    model, picture = tmp_path / "m", tmp_path / "loss.png"
    assert invoke("train", "iris", "--epochs", "3", "-q", "-o", model).code == 0
    args = ("train", "iris", "--epochs", "3") if command == "train" else ("show", model)
    done = invoke(*args, "--plot", picture)

    assert done.code == 0
    assert f"picture written to {picture}" in done.err
    assert picture.read_bytes().startswith(b"\x89PNG")

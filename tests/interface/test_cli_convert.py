"""``schuss convert`` says what to write in the other system, and what differs."""

from pathlib import Path

import pytest
from commands import invoke, invoke_json

from schuss import convert
from schuss.interface.conversion_text import conversion_lines, notation_table
from schuss.method.conventions import CONVENTIONS

TORCH = ("--from", "pytorch", "lr=0.1", "momentum=0.9", "dampening=0.1")


def test_it_says_what_to_write_and_what_differs() -> None:
    """Mapped settings, the rule to paste, the first step, and the number for a change of rate."""
    done = invoke("convert", *TORCH, "--new-rate", "0.01")

    assert done.code == 0
    for said in (
        "learning_rate = 0.09\n",
        "    Momentum(learning_rate=Listed((0.1, 0.09)), momentum=0.9)\n",
        "effective rate α/(1−η) = 0.9; half of a push is forgotten after 6.57881 steps\n",
        "in pytorch the first gradient weighs 1.11111 times as much as a later one, for ever",
        "multiply schuss's velocity once by new rate / old rate = 0.1.\n",
        "carries the weights 8.1 × the last change further than in pytorch.\n",
    ):
        assert said in done.out
    assert "0.09" not in invoke("convert", "--from", "pytorch", "lr=0.1", "momentum=0.9").out


def test_what_is_pasted_is_python_that_does_it() -> None:
    """The line for schuss is the rule itself."""
    import schuss

    pasted = invoke_json("convert", *TORCH)["paste"]
    assert eval(pasted, vars(schuss)) == schuss.Momentum(schuss.Listed((0.1, 0.09)), 0.9)  # noqa: S307  # our own line


def test_json_holds_the_numbers_to_the_last_bit() -> None:
    """As the library returns them."""
    told = invoke_json("convert", *TORCH, "--to", "keras", "--new-rate", "0.02")
    found = convert("pytorch", "keras", lr=0.1, momentum=0.9, dampening=0.1)

    assert told["settings"] == found.settings
    assert told["first_gradient"] == {"from": found.classical.first, "to": 1.0}
    assert told["velocity_correction"] == found.velocity_correction(0.1, 0.02)
    assert told["half_life_steps"] == pytest.approx(6.5788, rel=1e-4)
    assert not told["is_exact"]


def test_another_batch_size() -> None:
    """Before and after are told apart."""
    done = invoke("convert", "learning_rate=.1", "momentum=.9", "--batch-size", 32, "--to-batch-size", 128)

    assert "learning_rate = 1.3756\n" in done.out
    assert "before: effective rate α/(1−η) = 1; " in done.out
    assert "after:  effective rate α/(1−η) = 4; half of a push is forgotten after 1.6447 steps" in done.out


def test_without_arguments_it_lists_the_systems() -> None:
    """All of the table, with their settings."""
    out = invoke("convert").out
    rows = invoke_json("convert")

    assert [row["system"] for row in rows] == list(CONVENTIONS)
    for name, convention in CONVENTIONS.items():
        assert f"\n{name} " in out
        assert convention.rule in out


@pytest.mark.parametrize("target", list(CONVENTIONS))
@pytest.mark.parametrize("source", list(CONVENTIONS))
def test_every_pair_has_its_words(source: str, target: str) -> None:
    """No line is empty of sense: all settings of both are there, and nothing is left to fill in."""
    found = convert(source, target, learning_rate=0.5, momentum=0.25, **_plain(source))
    text = "\n".join(conversion_lines(found, (0.5, 0.1)))

    for setting in (*found.source.settings, *found.target.settings):
        assert f"  {setting.name} = " in text
    assert "{" not in found.paste
    assert "0.25" in found.paste
    corrected = found.source.inside != found.target.inside
    assert ("multiply" in text) == corrected
    assert ("Multiply the first" in text) == (not found.is_exact and not found.target.inside)
    assert ("Make the first step" in text) == (not found.is_exact and found.target.inside)


def _plain(name: str) -> dict[str, bool]:
    return {"nesterov": False} if CONVENTIONS[name].setting("nesterov") else {}


def test_the_page_has_the_table() -> None:
    """docs/notation.md is written from the table of conventions."""
    page = (Path(__file__).parents[2] / "docs" / "notation.md").read_text("utf-8")
    assert notation_table() in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "torch", "lr=1"], "got 'torch' (did you mean 'pytorch'?)"),
        (["--from", "pdp", "eta=.1"], "pdp has no default for alpha; give alpha="),
        (["--from", "pytorch", "momentum"], "settings are given as name=value"),
        (["--from", "pytorch", "lr=fast"], "lr must be a number, true or false; got 'fast'"),
        (["--from", "pytorch", "lr=1", "lr=2"], "lr is given twice"),
        (["--from", "pytorch", "lr=nan"], "lr must lie in (0, inf); got nan"),
        (["--from", "pytorch", "momentum=true"], "momentum must be a number in [0, 1]; got True"),
        (["--from", "pytorch", "lr=1", "--new-rate", "-1"], "the rate after must lie in"),
        (["--from", "pytorch", "lr=1", "--batch-size", "8"], "give both --batch-size"),
        (
            ["--to", "pytorch", "learning_rate=1", "--new-rate", "0"],
            "rate after must lie in (0, inf); got 0",
        ),
        (["--batch-size", "8", "--to-batch-size", "16"], "there is nothing to convert; give settings"),
        (
            ["--from", "keras", "--to", "matlab", "momentum=.9", "nesterov=true"],
            "matlab has no form of",
        ),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    """A sentence, exit code 2, nothing on stdout."""
    done = invoke("convert", *arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.told

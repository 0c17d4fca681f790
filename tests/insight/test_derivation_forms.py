"""The forms of a derivation, text, LaTeX, Markdown, HTML and JSON: each shows every line."""

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from test_formulas import assert_katex

from schuss import (
    Adam,
    Derivation,
    Momentum,
    Nesterov,
    Network,
    Plan,
    SettingError,
    derive,
)
from schuss.insight.formulas.expressions import Number
from schuss.insight.formulas.latex import LATEX
from schuss.insight.formulas.mathml import MATHML
from schuss.insight.formulas.writer import TEXT


def some_derivations() -> list[Any]:
    network = Network([2, 2, 1], "logistic")
    wide = Network([12, 8, 3], "gelu", "focal")
    given = {
        "momentum": derive(network, [1, 0], [1], rule=Momentum(0.5, 0.9), steps=3),
        "bias, Nesterov": derive(
            network, [1, 0], [1], rule=Nesterov(1e-9), weight="output[0] <- bias", steps=2
        ),
        "wide, Adam": derive(wide, np.arange(12) - 6.0, 2, rule=Adam(), steps=8),
        "huber": derive(Network([2, 3], "elu", "huber"), [3.0, -1.0], [9.0, 0.1, 0.0]),
        "batch": derive(network, [[1, 0], [0, 1]], [1, 0], rule=Plan(l2=0.1, clip=1e-3)),
    }
    return [pytest.param(found, id=name) for name, found in given.items()]


@pytest.mark.parametrize("found", some_derivations())
def test_every_form_shows_every_line(found: Derivation) -> None:
    """Title, formula, numbers and result of each, in the order of the lines."""
    forms = [(found.text(), TEXT), (found.latex(), LATEX), (found.markdown(), LATEX), (found.html(), MATHML)]
    for form, writer in forms:
        at = 0
        for number, line in enumerate(found.lines, 1):
            at = form.find(f"{number}  {line.title}" if writer is TEXT else f"{number}. {line.title}", at)
            assert at >= 0, line.title
            for part in (line.general.main, line.filled, Number(line.result)):
                told = [writer.write(side) for side in getattr(part, "sides", (part,))]
                assert all(form.find(side, at) >= 0 for side in told), (told, line.title)
    twin = replace(found, lines=found.lines[:-1])
    assert TEXT.write(found.lines[-1].filled) not in twin.text()[-100:]


@pytest.mark.parametrize("found", some_derivations())
def test_plain_text_has_no_latex_and_markdown_only_such_as_katex_knows(found: Derivation) -> None:
    """No backslash for the terminal; between $$ a short list of commands."""
    assert not set("\\{}$<&") & set(found.text().replace("<-", ""))
    maths = re.findall(r"\$\$(.*?)\$\$", found.markdown(), re.DOTALL)
    assert len(maths) == len(found.lines)
    for tex in maths:
        assert_katex(tex)
    for tex in re.findall(r"\\\[(.*?)\\\]", found.latex(), re.DOTALL):
        assert_katex(tex)
    words = re.sub(r"\\\[.*?\\\]", "", found.latex(), flags=re.DOTALL)
    assert words.isascii()
    assert words.count("$") % 2 == 0
    assert not re.search(r"(?<![\\$])_", words)


@pytest.mark.parametrize("found", some_derivations())
def test_html_is_well_formed_and_asks_for_nothing_from_elsewhere(found: Derivation) -> None:
    """It can stand in a notebook: one element, no script, no address."""
    tree = ET.fromstring(found.html().replace("<-", "&lt;-"))  # noqa: S314  # our own

    assert tree.tag == "section"
    assert not {"script", "link", "img", "iframe"} & {element.tag for element in tree.iter()}
    assert "http" not in found.html()
    assert found._repr_html_() == found.html()


@pytest.mark.parametrize("found", some_derivations())
def test_json_holds_every_digit(found: Derivation) -> None:
    """Each line's number as it is, with formulas as text and as TeX."""
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))

    assert [line["result"] for line in told["lines"]] == [line.result for line in found.lines]
    assert told["agrees"] is True
    assert set(told["lines"][0]) == {
        *["section", "step", "title", "where", "general", "filled", "tex_general", "tex_filled"],
        *["result", "check"],
    }


def test_digits_are_a_choice() -> None:
    """Of what is shown; what is computed is the same."""
    found = derive(Network([2, 2, 1], "logistic"), [1, 0], [1])

    assert TEXT.value(found.lines[1].result, 12) in found.text(digits=12)
    assert TEXT.value(found.lines[1].result, 12) not in found.text()
    for digits in (1, 18, 2.5):
        with pytest.raises(SettingError, match="digits must be an integer of at least 2 and at most 17"):
            found.text(digits)  # type: ignore[arg-type]  # what is wrong is the point

"""Formulas as values: what the tables write is read, filled, and written in three scripts."""

import re
from fractions import Fraction
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from kinds_of_rules import KERNEL_RULES as RULES
from schuss.insight.formulas.expressions import (
    Formula,
    Letter,
    Number,
    Product,
    Quotient,
    Sum,
    evaluate,
    substituted,
)
from schuss.insight.formulas.filling import Numbers, Run, filled
from schuss.insight.formulas.latex import LATEX
from schuss.insight.formulas.mathml import MATHML
from schuss.insight.formulas.parser import parse, parse_expression
from schuss.insight.formulas.writer import TEXT, rounded
from schuss.method.functions import ACTIVATIONS, LOSSES

TABLES = [
    *[f for a in ACTIVATIONS.values() for f in (a.formula, a.slope_formula) if f],
    *[f for kind in LOSSES.values() for f in (kind.formula, kind.error_formula)],
    *[statement for rule in RULES.values() for statement in rule.in_steps.split(";")],
]

# What a page with KaTeX and a document with amsmath both know.
COMMANDS = {
    *["\\\\", "\\ ", "\\cdot", "\\frac", "\\tfrac", "\\sqrt", "\\sum", "\\left", "\\right", "\\partial"],
    *[
        "\\exp",
        "\\log",
        "\\tanh",
        "\\max",
        "\\operatorname",
        "\\mathrm",
        "\\text",
        "\\begin",
        "\\end",
        "\\le",
        "\\ge",
    ],
    *["\\alpha", "\\beta", "\\gamma", "\\delta", "\\varepsilon", "\\eta", "\\lambda", "\\mu", "\\pi"],
    *["\\kappa", "\\nu", "\\rho", "\\sigma", "\\tau", "\\varphi", "\\omega", "\\Delta"],
}


def assert_katex(tex: str) -> None:
    """Fail unless braces and environments balance and every command is one of `COMMANDS`."""
    depth = 0
    for mark in re.sub(r"\\[{}]", "", tex):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0, tex
    assert depth == 0, tex
    assert tex.count(r"\left") == tex.count(r"\right"), tex
    assert sorted(re.findall(r"\\begin\{(\w+)\}", tex)) == sorted(re.findall(r"\\end\{(\w+)\}", tex)), tex
    assert set(re.findall(r"\\(?:[a-zA-Z]+|.)", tex)) <= COMMANDS, tex
    assert tex.isascii(), tex


@pytest.mark.parametrize("text", TABLES)
def test_what_a_table_writes_is_read_and_written_again(text: str) -> None:
    """The plain script is the tables' own: read again, it is the same formula."""
    assert parse(TEXT.formula(parse(text))) == parse(text)


@pytest.mark.parametrize("text", TABLES)
def test_latex_is_such_as_katex_knows(text: str) -> None:
    """Braces balance, and every command is in a short list."""
    assert_katex(LATEX.formula(parse(text)))


@pytest.mark.parametrize("tex", [r"\frac{1}{x", r"x}{", r"\sfrac{1}{2}", r"\left(x", "δ", r"\begin{cases} x"])
def test_other_latex_is_noticed(tex: str) -> None:
    """The check above can fail."""
    with pytest.raises(AssertionError):
        assert_katex(tex)


@pytest.mark.parametrize("text", TABLES)
def test_mathml_is_well_formed(text: str) -> None:
    """Every element is closed, and only elements of MathML Core are used."""
    tree = ET.fromstring(f"<math>{MATHML.formula(parse(text))}</math>")  # noqa: S314  # our own

    assert {element.tag for element in tree.iter()} <= {
        *["math", "mrow", "mi", "mn", "mo", "mfrac", "msup", "msub", "msqrt", "munder", "mtext", "mspace"],
    }


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a/2·b", Product((Quotient(Letter("a"), Number(2.0)), Letter("b")))),
        ("w_kj(n)", Letter("w", "kj", Letter("n"))),
        ("1+x·2", Sum((Number(1.0), Product((Letter("x"), Number(2.0)))))),
    ],
)
def test_precedence(text: str, tree: object) -> None:
    """Products bind before sums, a fraction takes what stands next to its bar, letters take arguments."""
    assert parse_expression(text) == tree


@pytest.mark.parametrize("text", ["1+", "(x", "x y", "x if y", "|x", "#", "", "2·)", "x, y"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    """A slip in a table is told with the formula that it stands in."""
    with pytest.raises(ValueError, match="formula"):
        parse(text)


def test_a_sum_is_written_out_and_its_end_counted() -> None:
    """Shown terms stand in full; of the others their number, and what they add up to."""
    numbers = Numbers({"y": np.arange(10.0), "w": np.full((10, 2), 0.5), "b": np.array([0.0, 3.0])},
                      {"j": 1}, {"k": Run(range(10), [1, 7])})  # fmt: skip
    made = filled(parse("Σ_k y_k·w_kj + b_j"), numbers)

    assert TEXT.write(made) == "1·0.5 + 7·0.5 + [8 more: 18.5] + 3"
    assert evaluate(made) == 25.5


def test_abbreviations_are_worked_out_at_the_index_where_they_stand() -> None:
    """p_k is what stands behind p_j, with k in the place of j."""
    numbers = Numbers({"t": np.array([1.0, 5.0])}, {"j": 0}, {"k": Run(range(2), [0, 1])})

    assert TEXT.write(filled(parse("p_j − Σ_k p_k, p_j = 2·t_j"), numbers)) == "2 − (2 + 10)"


def test_a_letter_that_stands_for_nothing_is_an_error() -> None:
    """No number is made up."""
    with pytest.raises(KeyError):
        filled(parse("x·q"), Numbers({"x": 1.0}))


def test_two_minuses_make_a_plus() -> None:
    """G = −δ·y in −α·g is α·δ·y, at the same step."""
    put_in = substituted(parse_expression("−α·g(n) + η·v"), "g", parse_expression("−δ_j·y_k"))

    assert TEXT.write(put_in) == "α·δ_j(n)·y_k(n) + η·v"
    once = substituted(parse_expression("(1−a)·g(n)"), "g", parse_expression("−δ_j"))
    assert TEXT.write(once) == "−(1 − a)·δ_j(n)"


@pytest.mark.parametrize(
    ("text", "told"),
    [("a·b", "(−2)·3"), ("a + b", "−2 + 3"), ("b + a", "3 − 2"), ("b − a", "3 − (−2)"), ("a²", "(−2)²"),
     ("−a", "−(−2)"), ("exp(−a)", "exp(−(−2))"), ("b/a", "3/(−2)"), ("a^i", "(−2)⁴")],
)  # fmt: skip
def test_negative_numbers_have_parentheses_where_signs_would_meet(text: str, told: str) -> None:
    """Two signs never stand side by side."""
    assert TEXT.write(filled(parse(text), Numbers({"a": -2.0, "b": 3.0, "i": 4.0}))) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.1 + 0.2, ("0.3", "")), (-1.5e-7, ("−1.5", "−7")), (123456789.0, ("1.23457", "8")), (-0.0, ("0", ""))],
)
def test_numbers_are_rounded_for_reading(value: float, told: tuple[str, str]) -> None:
    """Six digits; a power of ten where it is shorter; zero has no sign."""
    assert rounded(value, 6) == told
    assert float(Fraction(rounded(1 / 3, 17)[0])) == 1 / 3


def test_zero_times_a_logarithm_of_zero_is_zero() -> None:
    """As the losses have it."""
    made = filled(parse("−t·log y"), Numbers({"t": 0.0, "y": 0.0}))

    assert evaluate(made) == 0.0
    assert evaluate(filled(Formula(parse_expression("log y")), Numbers({"y": 0.0}))) == -np.inf

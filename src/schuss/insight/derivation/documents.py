"""A derivation in four forms, all from the same lines: text, Markdown, LaTeX, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from schuss.insight.formulas.expressions import Formula, Relation
from schuss.insight.formulas.latex import GREEK, LATEX
from schuss.insight.formulas.mathml import MATHML
from schuss.insight.formulas.writer import TEXT, Writer

if TYPE_CHECKING:
    from schuss.insight.derivation.value import Check, Derivation, Line

__all__ = ["Piece", "html", "latex", "markdown", "page", "pieces", "text"]

CHECK_DIGITS = 12  # so that the eye finds where two numbers part
WIDE = 90


class Piece(NamedTuple):
    """A line of the plain form, and what it is, so that a terminal can colour it."""

    kind: str  # title, fact, section, line, where, formula, result, check or wrong
    text: str


class Sides(NamedTuple):
    """A line's left side, its general right sides, and those in numbers; the last is the result."""

    left: str
    general: list[str]
    numbers: list[str]


def sections(derivation: Derivation) -> Iterator[tuple[str, list[tuple[int, Line]]]]:
    """Yield headings with their lines, numbered from 1 throughout."""
    several = len({line.step for line in derivation.lines}) > 1
    numbered = enumerate(derivation.lines, 1)
    for (section, step), lines in groupby(numbered, lambda pair: (pair[1].section, pair[1].step)):
        of_step = several and not section.startswith("Where")
        yield (f"Step {step}: {section.lower()}" if of_step else section), list(lines)


def sides(line: Line, writer: Writer, digits: int) -> Sides:
    """Return the sides of a line in a script."""
    main, where = line.general.main, line.general.where
    numbers = [writer.write(line.filled, digits), writer.value(line.result, digits)]
    if numbers[0] == numbers[1]:  # the number itself, or a product with one factor
        numbers = numbers[1:]
    if not isinstance(main, Relation):
        return Sides(writer.formula(line.general, digits), [], numbers)
    *firsts, last = main.sides
    general = [
        *(writer.write(side, digits) for side in firsts[1:]),
        writer.formula(Formula(last, where), digits),
    ]
    if len(TEXT.formula(line.general)) <= WIDE:  # all in one row
        general = [writer.join(general, writer.sign("="))]
    return Sides(writer.write(firsts[0], digits), general, numbers)


def in_words(check: Check) -> str:
    """Return what a second way to the result has given, and how near the two come."""
    value, apart = TEXT.value(check.value, CHECK_DIGITS), TEXT.value(check.difference, 2)
    told = f"relative difference {apart}" if check.difference else "no difference"
    return f"check: {value} by {check.by}, {told}{'' if check.agrees else ': they do NOT agree'}"


# --- plain text ---


def pieces(derivation: Derivation, digits: int = 6) -> Iterator[Piece]:
    """Yield the plain form line by line."""
    yield Piece("title", f"Back-propagation for {derivation.weight}")
    widest = max(len(name) for name, _ in derivation.facts)
    for name, value in derivation.facts:
        yield Piece("fact", f"  {name:<{widest}}  {value}")
    for title, lines in sections(derivation):
        yield Piece("section", "")
        yield Piece("section", title)
        for number, line in lines:
            yield Piece("line", f"{number:>3}  {line.title}")
            yield from _plain(line, digits)


def _plain(line: Line, digits: int) -> Iterator[Piece]:
    if line.where:
        yield Piece("where", f"     {line.where}")
    left, general, numbers = sides(line, TEXT, digits)
    rows = [*general, *numbers]
    margin = " " * 7
    gap = margin + " " * len(left)
    if len(left) > WIDE // 2:  # a long left side has a line of its own
        yield Piece("formula", margin + left)
        left, gap = "", margin
    for i, row in enumerate(rows):
        kind = "result" if i == len(rows) - 1 else "formula"
        yield Piece(kind, f"{margin + left if i == 0 else gap} = {row}")
    if (check := line.check) is not None:
        yield Piece("check" if check.agrees else "wrong", margin + in_words(check))


def text(derivation: Derivation, digits: int) -> str:
    """Return the plain form."""
    return "\n".join(piece.text for piece in pieces(derivation, digits)) + "\n"


# --- LaTeX and Markdown ---


def _aligned(line: Line, digits: int) -> str:
    left, general, numbers = sides(line, LATEX, digits)
    rows = [f"= {row}" for row in (*general, *numbers)]
    lines = [f"{left} &{rows[0]}", *(f"&{row}" for row in rows[1:])]
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


_GREEK = {**{c: f"$\\{name}$" for c, name in GREEK.items()}, "∂": r"$\partial$", "−": "$-$"}
_WORDS = {
    "<-": r"$\leftarrow$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "′": "$'$",
    "…": r"\ldots{}",
    "₁": "$_1$",
    "₂": "$_2$",
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    **_GREEK,
}
_WORD = re.compile("|".join(map(re.escape, sorted(_WORDS, key=len, reverse=True))))
_RAISED = re.compile("[⁻⁰¹²³⁴-⁹]+")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _words(text: str) -> str:
    """Return plain words as LaTeX: what has a meaning there is written so that it has none."""
    words = _WORD.sub(lambda match: _WORDS[match[0]], text)
    return _RAISED.sub(lambda match: f"$^{{{match[0].translate(_LOWERED)}}}$", words)


def latex(derivation: Derivation, digits: int) -> str:
    """Return the body of a LaTeX document that uses amsmath."""
    rows = [rf"\section*{{{_words(f'Back-propagation for {derivation.weight}')}}}"]
    rows += [r"\begin{itemize}"]
    rows += [rf"\item {_words(name)}: {_words(value)}" for name, value in derivation.facts]
    rows += [r"\end{itemize}"]
    for title, lines in sections(derivation):
        rows += ["", rf"\subsection*{{{_words(title)}}}"]
        for number, line in lines:
            rows += ["", rf"\paragraph{{{number}. {_words(line.title)}}} {_words(line.where)}"]
            rows += [rf"\[{_aligned(line, digits)}\]"]
            if line.check is not None:
                rows += [f"{_words(in_words(line.check))}."]
    return "\n".join(rows) + "\n"


def markdown(derivation: Derivation, digits: int) -> str:
    """Return Markdown with formulas between $$."""
    rows = [f"# Back-propagation for `{derivation.weight}`", ""]
    rows += [f"- {name}: `{value}`" for name, value in derivation.facts]
    for title, lines in sections(derivation):
        rows += ["", f"## {title.replace('<-', '←')}"]
        for number, line in lines:
            rows += ["", f"**{number}. {line.title}**", *([f"<br>{line.where}"] if line.where else [])]
            rows += ["", f"$$\n{_aligned(line, digits)}\n$$"]
            if line.check is not None:
                rows += ["", f"{in_words(line.check)}."]
    return "\n".join(rows) + "\n"


# --- HTML ---

STYLE = """
.schuss-derivation { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; }
.schuss-derivation h2 { font-size: 1.35em; margin: .6em 0 .3em; }
.schuss-derivation h3 { font-size: 1.1em; margin: 1.8em 0 .4em; border-bottom: 1px solid #8886; }
.schuss-derivation dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em; margin: 0; }
.schuss-derivation dt, .schuss-derivation .where { opacity: .7; }
.schuss-derivation dd { margin: 0; }
.schuss-derivation .line { margin: .9em 0; overflow-x: auto; }
.schuss-derivation .line > b { margin-right: .6em; }
.schuss-derivation table { border: 0; border-collapse: collapse; margin: .2em 0 0 1.6em; font-size: 1.1em; }
.schuss-derivation td { border: 0; padding: .1em .15em; text-align: left; vertical-align: baseline;
  background: none; }
.schuss-derivation tr { background: none; }
.schuss-derivation td:first-child { text-align: right; white-space: nowrap; }
.schuss-derivation .result td:last-child { color: light-dark(#1450a0, #8ab4f8); }
.schuss-derivation .check { margin: .2em 0 0 1.8em; color: light-dark(#1a7f4b, #5fd195); }
.schuss-derivation .wrong { margin: .2em 0 0 1.8em; color: light-dark(#c0321f, #ff8a75); font-weight: 600; }
"""


EQUALS = '<mo form="infix">=</mo>'


def html(derivation: Derivation, digits: int) -> str:
    """Return a piece of HTML that stands for itself: no script, no font, nothing from elsewhere."""
    rows = [f'<section class="schuss-derivation"><style>{STYLE}</style>']
    rows += [f"<h2>Back-propagation for {escape(derivation.weight)}</h2>", "<dl>"]
    rows += [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in derivation.facts]
    rows += ["</dl>"]
    for title, lines in sections(derivation):
        rows += [f"<h3>{escape(title)}</h3>"]
        for number, line in lines:
            rows += [f'<div class="line"><b>{number}. {escape(line.title)}</b>']
            rows += [f'<span class="where">{escape(line.where)}</span>', *_table(line, digits), "</div>"]
    return "\n".join([*rows, "</section>"]) + "\n"


def _table(line: Line, digits: int) -> Iterator[str]:
    left, general, numbers = sides(line, MATHML, digits)
    rows = [*general, *numbers]
    yield "<table>"
    for i, row in enumerate(rows):
        kind = ' class="result"' if i == len(rows) - 1 else ""
        first = _math(left) if i == 0 else ""
        yield f"<tr{kind}><td>{first}</td><td>{_math(EQUALS + row)}</td></tr>"
    yield "</table>"
    if (check := line.check) is not None:
        kind = "check" if check.agrees else "wrong"
        yield f'<p class="{kind}">{escape(in_words(check))}</p>'


def _math(content: str) -> str:
    return f'<math displaystyle="true">{content}</math>'


def page(derivation: Derivation, digits: int) -> str:
    """Return a whole page of HTML."""
    head = f'<meta charset="utf-8"><title>{escape(derivation.weight)}</title>'
    scheme = "<style>:root { color-scheme: light dark; } body { margin: 1.5rem; }</style>"
    body = html(derivation, digits)
    return f'<!doctype html>\n<html lang="en"><head>{head}{scheme}</head><body>\n{body}</body></html>\n'

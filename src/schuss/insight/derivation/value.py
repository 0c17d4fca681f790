"""A derivation as a value: lines, each a general formula, the same with numbers, and a result.

Its four forms for reading (`schuss.insight.derivation.documents`) are made from the same lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from schuss.insight.derivation import documents
from schuss.insight.formulas.expressions import Expression, Formula
from schuss.insight.formulas.latex import LATEX
from schuss.insight.formulas.writer import TEXT
from schuss.method.checks import check_integer

__all__ = ["Check", "Derivation", "Line"]


@dataclass(frozen=True)
class Check:
    """A second way to a line's result.

    Attributes
    ----------
    by : str
        What it is, such as ``"central difference"``.
    value : float
    difference : float
        Between the two, relative to the larger.
    agrees : bool
        Whether that is no more than rounding, and the cutting off of the series, explain.
    """

    by: str
    value: float
    difference: float
    agrees: bool

    @classmethod
    def of(cls, by: str, result: float, value: float, tolerance: float, noise: float = 0.0) -> Check:
        """Compare `result` with `value`: they may differ by `tolerance` of the larger, and by `noise`."""
        apart, larger = abs(result - value), max(abs(result), abs(value))
        agrees = apart <= tolerance * larger + noise  # not so for NaN
        return cls(by, value, apart / larger if larger else 0.0, agrees)


@dataclass(frozen=True)
class Line:
    """One line of a derivation.

    Attributes
    ----------
    section : str
    step : int
        The step to which its numbers belong.
    title : str
    general : Formula
        A relation, such as x_j = Σ_k y_k·w_kj + b_j; its last side is what is filled.
    filled : Expression
        The last side with numbers in the place of letters.
    result : float
        What the readable engine has found; the filled side comes to it, but for rounding.
    where : str
        Which units and steps the indices mean.
    check : Check or None
    """

    section: str
    step: int
    title: str
    general: Formula
    filled: Expression
    result: float
    where: str = ""
    check: Check | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the line as plain JSON values; a number that is not finite is null."""
        check = self.check
        return {
            "section": self.section,
            "step": self.step,
            "title": self.title,
            "where": self.where,
            "general": TEXT.formula(self.general),
            "filled": TEXT.write(self.filled),
            "tex_general": LATEX.formula(self.general),
            "tex_filled": LATEX.write(self.filled),
            "result": _finite(self.result),
            "check": check
            and {
                "by": check.by,
                "value": _finite(check.value),
                "relative_difference": _finite(check.difference),
                "agrees": check.agrees,
            },
        }


@dataclass(frozen=True)
class Derivation:
    """Back-propagation for one weight, line by line, with the numbers of one sample in it.

    Attributes
    ----------
    weight : str
        Its name, such as ``"hidden1[0] <- input[1]"``.
    facts : tuple of (str, str)
        What was given: network, sample, rule, weight.
    lines : tuple of Line
    """

    weight: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]

    @property
    def agrees(self) -> bool:
        """Whether every line that was checked agrees with the second way to its result."""
        return all(line.check.agrees for line in self.lines if line.check is not None)

    def text(self, digits: int = 6) -> str:
        """Return it as plain text; `digits` of each number, 2 to 17."""
        return documents.text(self, _digits(digits))

    def latex(self, digits: int = 6) -> str:
        """Return it as the body of a LaTeX document; the formulas are such as KaTeX knows too."""
        return documents.latex(self, _digits(digits))

    def markdown(self, digits: int = 6) -> str:
        """Return it as Markdown with formulas between $$."""
        return documents.markdown(self, _digits(digits))

    def html(self, digits: int = 6) -> str:
        """Return it as a piece of HTML with its own style and formulas in MathML; no script, no font."""
        return documents.html(self, _digits(digits))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "weight": self.weight,
            "facts": dict(self.facts),
            "agrees": self.agrees,
            "lines": [line.to_dict() for line in self.lines],
        }

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        checks = sum(line.check is not None for line in self.lines)
        found = "all checks agree" if self.agrees else "NOT all checks agree"
        return f"Derivation({self.weight!r}, {len(self.lines)} lines, {checks} checked: {found})"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _digits(digits: int) -> int:
    return check_integer("digits", digits, low=2, high=17)

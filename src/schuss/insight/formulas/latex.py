"""An expression in LaTeX: commands that KaTeX knows too, none from packages beyond amsmath."""

from __future__ import annotations

from schuss.insight.formulas.expressions import Choice, Expression, Letter
from schuss.insight.formulas.writer import ATOM, NAME, SUBSCRIPTS, Writer

__all__ = ["GREEK", "LATEX", "Latex"]

GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "η": "eta",
    "θ": "theta",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "varphi",
    "ω": "omega",
    "Δ": "Delta",
}
_LATEX_SIGNS = {"·": r" \cdot ", "←": r" \leftarrow ", "≤": r" \le ", "≈": r" \approx ", "−": " - "}


class Latex(Writer):
    """Writes LaTeX."""

    def sign(self, sign: str, *, prefix: bool = False, gap_after: bool = False) -> str:
        """Return an operator."""
        if prefix:
            return sign.replace("−", "-")
        return r",\ " if gap_after else _LATEX_SIGNS.get(sign, f" {sign} ")

    def parentheses(self, text: str) -> str:
        """Return something in parentheses as high as it is."""
        return rf"\left({text}\right)" if r"\frac" in text else f"({text})"

    def number(self, mantissa: str, exponent: str) -> str:
        """Return a number."""
        plain = mantissa.replace("−", "-")
        return rf"{plain} \cdot 10^{{{exponent.replace('−', '-')}}}" if exponent else plain

    def letter(self, letter: Letter, digits: int) -> str:
        """Return a letter: Greek by its command, words upright."""
        at = "" if letter.at is None else self.parentheses(self.closely(letter.at, digits))
        if letter.name == "½":
            return r"\tfrac{1}{2}"
        if letter.name.startswith("∂"):
            above, below = letter.name.split("/")
            return rf"\frac{{{self._partial(above)}}}{{{self._partial(below)}}}"
        return self._named(letter.name, letter.index) + at

    def _partial(self, text: str) -> str:
        name, _, index = text[1:].partition("_")
        return rf"\partial {self._named(name, index)}"

    @staticmethod
    def _named(name: str, index: str) -> str:
        change, stem, number, prime = NAME.match(name).groups()  # type: ignore[union-attr]  # any word fits
        stem = f"\\{GREEK[stem]}" if stem in GREEK else stem if len(stem) < 2 else rf"\mathrm{{{stem}}}"
        below = number.translate(SUBSCRIPTS) + index
        below = f"_{{{below}}}" if below else ""
        return (r"\Delta " if change else "") + stem + ("'" if prime else "") + below

    def closely(self, expression: Expression, digits: int) -> str:
        """Return an argument or exponent; LaTeX sets its gaps itself."""
        return self.write(expression, digits)

    def quotient(self, above: Expression, below: Expression, digits: int) -> str:
        """Return a fraction."""
        return rf"\frac{{{self.write(above, digits)}}}{{{self.write(below, digits)}}}"

    def power(self, base: Expression, exponent: Expression, digits: int) -> str:
        """Return a power."""
        return f"{self._within(base, ATOM, digits)}^{{{self.write(exponent, digits)}}}"

    def call(self, name: str, arguments: tuple[Expression, ...], digits: int) -> str:
        """Return a function of its arguments."""
        inner = self.listed(arguments, digits)
        if name == "√":
            return rf"\sqrt{{{inner}}}"
        if name == "abs":
            return rf"\left|{inner}\right|"
        command = rf"\operatorname{{{name}}}" if name == "sign" else f"\\{name}"
        if isinstance(arguments[0], Letter) and arguments[0].at is None and name in ("log", "tanh"):
            return f"{command} {inner}"
        return command + self.parentheses(inner)

    def series(self, index: str, low: str) -> str:
        """Return the sign of a sum."""
        return rf"\sum_{{{index} \ge {low}}} " if low else rf"\sum_{{{index}}} "

    def choice(self, choice: Choice, digits: int) -> str:
        """Return the cases one above the other."""
        rows, left = list[str](), choice.otherwise
        chosen: Choice | None = choice
        while chosen is not None:
            value, condition = self.write(chosen.value, digits), self.write(chosen.condition, digits)
            rows.append(rf"{value} & \text{{if }} {condition}")
            left = chosen.otherwise
            chosen = left if isinstance(left, Choice) else None
        rows.append(rf"{self.write(left, digits)} & \text{{else}}")
        cases = r" \\ ".join(rows)
        return rf"\begin{{cases}} {cases} \end{{cases}}"

    def rest(self, count: str, total: str) -> str:
        """Return what stands for the terms that are not written out."""
        return rf"[\text{{{count} more: }} {total}]"


LATEX = Latex()

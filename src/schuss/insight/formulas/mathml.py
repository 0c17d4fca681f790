"""An expression in MathML Core, which browsers draw without a script."""

from __future__ import annotations

from html import escape

from schuss.insight.formulas.expressions import Choice, Expression, Letter
from schuss.insight.formulas.writer import ATOM, NAME, SUBSCRIPTS, Writer

__all__ = ["MATHML", "MathML"]


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


class MathML(Writer):
    """Writes elements of MathML, to stand in a ``math`` element."""

    def sign(self, sign: str, *, prefix: bool = False, gap_after: bool = False) -> str:
        """Return an operator."""
        form = ' form="prefix"' if prefix else ""
        return f'<mo separator="true">{sign}</mo><mspace width="0.5em"></mspace>' if gap_after else (
            f"<mo{form}>{escape(sign)}</mo>"
        )  # fmt: skip

    def parentheses(self, text: str) -> str:
        """Return something in parentheses as high as it is."""
        return _row("<mo>(</mo>", text, "<mo>)</mo>")

    def number(self, mantissa: str, exponent: str) -> str:
        """Return a number."""
        minus = '<mo form="prefix">−</mo>' if mantissa.startswith("−") else ""
        plain = f"{minus}<mn>{mantissa.lstrip('−')}</mn>"
        if not exponent:
            return plain
        return _row(plain, "<mo>·</mo>", f"<msup><mn>10</mn><mn>{exponent}</mn></msup>")

    def letter(self, letter: Letter, digits: int) -> str:
        """Return a letter."""
        if letter.name == "½":
            return "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
        if letter.name.startswith("∂"):
            above, below = letter.name.split("/")
            return f"<mfrac>{self._partial(above)}{self._partial(below)}</mfrac>"
        named = self._named(letter.name, letter.index)
        if letter.at is None:
            return named
        return _row(named, self.parentheses(self.write(letter.at, digits)))

    def _partial(self, text: str) -> str:
        name, _, index = text[1:].partition("_")
        return _row('<mo form="prefix">∂</mo>', self._named(name, index))

    @staticmethod
    def _named(name: str, index: str) -> str:
        change, stem, number, prime = NAME.match(name).groups()  # type: ignore[union-attr]  # any word fits
        below = "".join(f"<mi>{c}</mi>" for c in number.translate(SUBSCRIPTS) + index)
        letter = f"<msup><mi>{stem}</mi><mo>′</mo></msup>" if prime else f"<mi>{stem}</mi>"
        letter = f"<msub>{letter}{_row(below)}</msub>" if below else letter
        return _row("<mi>Δ</mi>", letter) if change else letter

    def quotient(self, above: Expression, below: Expression, digits: int) -> str:
        """Return a fraction."""
        return f"<mfrac>{_row(self.write(above, digits))}{_row(self.write(below, digits))}</mfrac>"

    def power(self, base: Expression, exponent: Expression, digits: int) -> str:
        """Return a power."""
        stem = _row(self._within(base, ATOM, digits))
        return f"<msup>{stem}{_row(self.write(exponent, digits))}</msup>"

    def call(self, name: str, arguments: tuple[Expression, ...], digits: int) -> str:
        """Return a function of its arguments."""
        inner = self.listed(arguments, digits)
        if name == "√":
            return f"<msqrt>{_row(inner)}</msqrt>"
        if name == "abs":
            return _row("<mo>|</mo>", inner, "<mo>|</mo>")
        if isinstance(arguments[0], Letter) and arguments[0].at is None and name in ("log", "tanh"):
            return _row(f"<mi>{name}</mi><mspace width='0.17em'></mspace>", inner)
        return _row(f"<mi>{name}</mi>", self.parentheses(inner))

    def series(self, index: str, low: str) -> str:
        """Return the sign of a sum."""
        start = f"<mo>≥</mo><mn>{low}</mn>" if low else ""
        return f"<munder><mo>∑</mo>{_row(f'<mi>{index}</mi>', start)}</munder>"

    def choice(self, choice: Choice, digits: int) -> str:
        """Return a value, its condition, and what holds otherwise."""
        value, otherwise = self.write(choice.value, digits), self.write(choice.otherwise, digits)
        condition = self.write(choice.condition, digits)
        return _row(value, "<mtext> if </mtext>", condition, "<mtext> else </mtext>", otherwise)

    def rest(self, count: str, total: str) -> str:
        """Return what stands for the terms that are not written out."""
        return _row(f"<mtext>[{count} more:\u00a0</mtext>", total, "<mtext>]</mtext>")


MATHML = MathML()

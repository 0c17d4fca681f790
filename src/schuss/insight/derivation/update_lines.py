"""The lines of a derivation from the gradient to the new weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schuss.insight.derivation.backward_lines import line
from schuss.insight.derivation.update import BEFORE, NOW, Update, has, key_of
from schuss.insight.derivation.value import Line
from schuss.insight.formulas.expressions import Formula, Letter, Relation
from schuss.insight.formulas.filling import Numbers
from schuss.insight.formulas.parser import parse_expression
from schuss.insight.formulas.writer import TEXT

__all__ = ["update_lines"]

TITLES = {
    "v": "Velocity",
    "v₁": "First velocity",
    "v₂": "Second velocity",
    "v₃": "Third velocity",
    "m": "Mean of the gradients",
    "s": "Mean of their squares",
    "d": "Distance",
    "α": "Corrected rate",
}


def update_lines(update: Update) -> Iterator[Line]:
    """Yield what the rule makes of the gradient, and the new weight."""
    scene, numbers = update.scene, Numbers(update.letters)
    n = scene.state.step
    for letter, meaning in update.statements:
        last = letter == update.statements[-1][0]
        title = "Change of the weight" if last else TITLES.get(letter.name, letter.name)
        where = f"n = {n}" + ("; u counts the updates, this one included" if letter.name == "α" else "")
        if has(meaning, Letter("g", "", NOW)):
            where += "; g is the gradient above"
        own = [
            number for number in update.of_step if has(meaning, Letter(number.removesuffix("(n)"), "", NOW))
        ]
        if own:
            where += f"; the rule sets {', '.join(own)} for this step"
        if letter in update.remembered and not scene.state.memory.any():
            before = TEXT.write(replace(letter, at=BEFORE))
            where += f"; nothing is remembered yet, {before} = 0"
        general = Formula(Relation(("=",), (letter, meaning)))
        yield line("Update", scene, title, general, numbers, update.letters[key_of(letter, letter.at)], where)
    yield _new_weight(update)


def _new_weight(update: Update) -> Line:
    scene = update.scene
    w, change = ("w_kj", "Δw_kj") if scene.place.k is not None else ("b_j", "Δb_j")
    old = f"{w}(n)" if update.keep == 1.0 else f"(1 − α·λ)·{w}(n)"
    where = f"n = {scene.state.step}" + ("" if update.keep == 1.0 else "; λ is the weight decay")
    letters = {
        **update.letters,
        f"{w[0]}(n)": float(scene.state.theta[scene.place.index]),
        "λ": scene.plan.weight_decay,
    }
    general = Formula(parse_expression(f"{w}(n+1) = {old} + {change}(n)"))
    result = float(update.after.theta[scene.place.index])
    return line("Update", scene, "New weight", general, Numbers(letters), result, where)

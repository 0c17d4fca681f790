"""Conventions and conversions in words: lines for the terminal, and the table of docs/notation.md.

The table is written by ``python -m schuss.interface.conversion_text``; a test holds the page to it.
"""

from __future__ import annotations

import sys
from itertools import zip_longest

from schuss.method.conventions import CONVENTIONS, Classical, Convention, Setting, Settings
from schuss.method.convert import Conversion, shown_value
from schuss.method.memory import effective_rate, half_life

__all__ = ["conversion_lines", "notation_table", "system_rows"]


def conversion_lines(conversion: Conversion, rates: tuple[float, float] | None = None) -> list[str]:
    """Return a conversion in lines: settings, what to paste, and what differs.

    `rates` are the source's before and after a change that is asked about.
    """
    source, target = conversion.source, conversion.target
    lines = [*_side_by_side(conversion), "", *_memory(conversion), ""]
    lines += [f"for {target.name}:", *(f"    {line}" for line in conversion.paste.splitlines()), ""]
    lines += [f"First step: {_first(conversion)}"]
    lines += [f"When the rate changes: {_rate_changes(conversion)}", *_correction(conversion, rates)]
    lines += _momentum_changes(source, target)
    if source.by_sample != target.by_sample:
        one, other = (source, target) if source.by_sample else (target, source)
        lines += [f"Steps: {one.name} makes one after each sample; give {other.name} batches of one sample."]
    remarks = {c.name: c.remark for c in (source, target) if c.remark}
    return lines + [f"Note on {name}: {remark}" for name, remark in remarks.items()]


def _side_by_side(conversion: Conversion) -> list[str]:
    left = _settings(conversion.source, conversion.given)
    right = _settings(conversion.target, conversion.settings)
    width = max(map(len, left)) + 4
    return [f"{a:<{width}}{b}".rstrip() for a, b in zip_longest(left, right, fillvalue="")]


def _settings(convention: Convention, values: Settings) -> list[str]:
    shown = [f"  {name} = {shown_value(value)}" for name, value in values.items()]
    return [convention.name, *shown, f"  {convention.rule}"]


def _memory(conversion: Conversion) -> list[str]:
    """Return effective rate and half-life: the same on both sides unless the batch size changes."""
    if conversion.before == conversion.classical:
        return [f"both: {_remembered(conversion.classical)}"]
    return [
        f"before: {_remembered(conversion.before)}",
        f"after:  {_remembered(conversion.classical)}; per sample the same",
    ]


def _remembered(classical: Classical) -> str:
    rate, steps = effective_rate(classical.learning_rate, classical.momentum), half_life(classical.momentum)
    forgotten = "no memory" if steps is None else f"half of a push is forgotten after {steps:.6g} steps"
    return f"effective rate α/(1−η) = {rate:.6g}; {forgotten}"


def _first(conversion: Conversion) -> str:
    here, there = conversion.classical.first, conversion.first
    if here == there:
        return "the same on both sides."
    source, target = conversion.source, conversion.target
    weight = f"{there:.6g} times" if there != 1.0 else "as much as any"
    said = (
        f"in {source.name} the first gradient weighs {here:.6g} times as much as a later one, for ever; "
        f"in {target.name} {weight}."
    )
    if target.paste_first:
        return f"{said} The rate of the first step above makes up for it exactly."
    if target.inside:
        first = here * conversion.settings[target.rate_name] / there
        return f"{said} Make the first step with the rate {first:.15g}, and all are the same."
    return f"{said} Multiply the first gradient by {here / there:.6g}, and all steps are the same."


def _rate_changes(conversion: Conversion) -> str:
    if conversion.classical.momentum == 0.0:
        return "nothing is remembered, so both do the same."
    if conversion.is_exact_when_rate_changes:
        return "both do the same."
    said = {True: "leaves old pushes as they are", False: "rescales all old pushes"}
    source, target = conversion.source, conversion.target
    return f"{source.name} {said[source.inside]}, {target.name} {said[target.inside]}."


def _correction(conversion: Conversion, rates: tuple[float, float] | None) -> list[str]:
    """Return what to do at a change of rate, in numbers where `rates` says from what to what."""
    if conversion.is_exact_when_rate_changes:
        return []
    source, target, momentum = conversion.source, conversion.target, conversion.classical.momentum
    what = "velocity" if target.inside else "buffer"
    factor = "new rate / old rate" if target.inside else "old rate / new rate"
    if rates is not None:
        factor += f" = {conversion.velocity_correction(*rates):.15g}"
    lines = [f"    To imitate {source.name}, multiply {target.name}'s {what} once by {factor}."]
    if rates is not None and momentum < 1.0:
        far = (1.0 - rates[1] / rates[0]) * momentum / (1.0 - momentum) * (1.0 if target.inside else -1.0)
        where = (
            f"{abs(far):.6g} × the last change {'further' if far > 0 else 'less far'} than in {source.name}"
        )
        lines += [f"    Otherwise what is remembered carries the weights {where}."]
    return lines


def _momentum_changes(source: Convention, target: Convention) -> list[str]:
    """Return a line where one of the two weighs pushes by 1 − momentum and the other does not."""
    shared = [convention for convention in (source, target) if convention.shared_with == "momentum"]
    if len(shared) != 1:
        return []
    (one,), other = shared, target if shared[0] is source else source
    return [
        f"When the momentum changes: {one.name} weighs pushes by 1 − it; {other.name}'s rate must follow."
    ]


def system_rows() -> list[tuple[str, str, str]]:
    """Return each convention's name, settings with defaults, and rule."""
    return [(c.name, ", ".join(_with_default(s) for s in c.settings), c.rule) for c in CONVENTIONS.values()]


def _with_default(setting: Setting) -> str:
    return setting.name if setting.default is None else f"{setting.name}={setting.default}"


def notation_table() -> str:
    """Return the table of docs/notation.md."""
    head = (
        "| system | its words | its rule | rate is | our α | our η |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(f"| {' | '.join(_cells(c))} |\n" for c in CONVENTIONS.values())


def _cells(convention: Convention) -> list[str]:
    theirs = "" if convention.name == "schuss" else "their "
    letters = {s.means: (theirs if s.letter in "αη" else "") + s.letter for s in convention.settings}
    shared = convention.shared_with
    alpha = letters["learning_rate"] + (f"·(1 − {letters[shared]})" if shared else "")
    words = ", ".join(_word(s) for s in convention.settings)
    return [
        convention.title,
        words,
        convention.rule + (", sample by sample" if convention.by_sample else ""),
        "inside" if convention.inside else "outside",
        alpha,
        letters["momentum"],
    ]


def _word(setting: Setting) -> str:
    return f"`{setting.name}`" + ("" if setting.default is None else f" ({setting.default})")


if __name__ == "__main__":
    sys.stdout.write(notation_table())

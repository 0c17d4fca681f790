"""What a search found, in lines for people and as JSON. It draws nothing and prints nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from schuss.interface.describe import NAMES, described

if TYPE_CHECKING:
    from schuss.adapters.tuning import Tuned
    from schuss.insight.tuning.found import Found, Standing

__all__ = ["as_json", "evidence", "mattered", "plain", "summary", "value_text"]

SHOWN = 5
LEAST_EFFECT = 0.03
ENDS = {
    "trials": "all trials were made",
    "budget": "the time was up",
    "interrupted": "interrupted",
}
WORDS = {"visits": "epochs", "decay": "l2"}


def summary(found: Found) -> list[str]:
    """Return how much was tried and how it ended."""
    trouble = f", {found.diverged} of them diverged" if found.diverged else ""
    number = f"{found.tried} setting{'s' if found.tried != 1 else ''}"
    return [f"{number} tried in {found.seconds:.1f} s{trouble}; {ENDS[found.stopped]}"]


def evidence(found: Found) -> tuple[list[str], list[list[str]]]:
    """Return the head and the lines of a table: a column for each of the best few settings, and the start."""
    shown = _shown(found)
    names = ["best", *map(str, range(2, len(shown) + 1))]
    if found.best.setting == found.start.setting:
        names[0] = "start"
    else:
        shown, names = [*shown, found.start], [*names, "start"]
    lines = [
        [NAMES[found.measure], *(f"{each.score:.5g}" for each in shown)],
        ["less than start", *(_number(-each.gap, "+.3g") for each in shown)],
        ["  ±", *(_number(each.error, ".2g") for each in shown)],
        ["folds", *(str(len(each.scores)) for each in shown)],
    ]
    settings = [each.setting.to_dict() for each in shown]
    lines += [
        [name.replace("_", " "), *(value_text(each[name]) for each in settings)] for name in settings[0]
    ]
    return ["", *names], lines


def _shown(found: Found) -> list[Standing]:
    """Return the best and those after it, the start left out."""
    ends = (found.best.setting, found.start.setting)
    return [found.best, *(each for each in found.whole if each.setting not in ends)][:SHOWN]


def _number(value: float, form: str) -> str:
    """Return a difference as text; nothing where it is none or not known."""
    return "" if math.isnan(value) or value == 0.0 else f"{value:{form}}"


def value_text(value: Any) -> str:
    """Return a value of a setting as it is shown."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or "0"
    return f"{value:g}" if isinstance(value, float) else str(value)


def mattered(found: Found) -> list[str]:
    """Return which settings went with the score, the most telling first; no line if too little was tried."""
    ordered = sorted(found.effects.items(), key=lambda item: -item[1])
    words = [(WORDS.get(name, name).replace("_", " "), share) for name, share in ordered]
    told = [f"{word} {share:.0%}" for word, share in words if share >= LEAST_EFFECT]
    return [f"what mattered (share of the scores' variance): {', '.join(told)}"] if told else []


def as_json(tuned: Tuned) -> dict[str, Any]:
    """Return a search and the model it ended in as plain JSON values; what is not finite is null."""
    found = tuned.found
    return {
        "measure": found.measure,
        "tried": found.tried,
        "diverged": found.diverged,
        "stopped": found.stopped,
        "seconds": found.seconds,
        "best": plain(found.best),
        "start": plain(found.start),
        "standings": [plain(each) for each in found.whole[:50]],
        "effects": found.effects,
        "start_test": tuned.start_scores,
        "study": None if tuned.folder is None else str(tuned.folder),
        "run": None if tuned.model.run.folder is None else str(tuned.model.run.folder),
        "model": described(tuned.model),
    }


def plain(standing: Standing) -> dict[str, Any]:
    """Return how a setting did as plain JSON values; what is not finite is null."""
    numbers = {name: getattr(standing, name) for name in ("score", "spread", "gap", "error")}
    return {
        "setting": standing.setting.to_dict(),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "folds": len(standing.scores),
    }

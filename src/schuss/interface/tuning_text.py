"""What a search found, in lines for people and as JSON. It draws nothing and prints nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from schuss.interface.cli.describe import NAMES, described

if TYPE_CHECKING:
    from schuss.adapters.tuning import Tuned
    from schuss.insight.tuning.found import Found, Standing

__all__ = ["as_json", "evidence", "mattered", "summary"]

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
    """Return the head and the lines of a table: the best few settings, and the start."""
    fields = list(found.start.setting.to_dict())
    head = ["", NAMES[found.measure], "less than start", "folds"]
    head += [name.replace("_", " ") for name in fields]
    rows = [_line(str(i), each) for i, each in enumerate(_shown(found), start=1)]
    rows[0][0] = "best"
    if found.best.setting == found.start.setting:
        rows[0][0] = "best, start"
    else:
        rows.append(_line("start", found.start))
    return head, rows


def _shown(found: Found) -> list[Standing]:
    """Return the best and those after it, the start left out."""
    others = [each for each in found.whole if each.setting not in (found.best.setting, found.start.setting)]
    return [found.best, *others][:SHOWN]


def _line(name: str, standing: Standing) -> list[str]:
    setting = standing.setting.to_dict()
    values = [_value(value) for value in setting.values()]
    return [name, f"{standing.score:.5g}", _gap(standing), str(len(standing.scores)), *values]


def _gap(standing: Standing) -> str:
    """Return by how much the score is lower than the start's, with its standard error."""
    if math.isnan(standing.gap) or standing.gap == 0.0:
        return ""
    error = "" if math.isnan(standing.error) else f" ± {standing.error:.2g}"
    return f"{-standing.gap:+.3g}{error}"


def _value(value: Any) -> str:
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
        "best": _plain(found.best),
        "start": _plain(found.start),
        "standings": [_plain(each) for each in found.whole[:50]],
        "effects": found.effects,
        "study": None if tuned.folder is None else str(tuned.folder),
        "run": None if tuned.model.run.folder is None else str(tuned.model.run.folder),
        "model": described(tuned.model),
    }


def _plain(standing: Standing) -> dict[str, Any]:
    numbers = {name: getattr(standing, name) for name in ("score", "spread", "gap", "error")}
    return {
        "setting": standing.setting.to_dict(),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "folds": len(standing.scores),
    }

"""The trials of a study as a table for people and as JSON. It prints nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from schuss.interface.describe import NAMES
from schuss.interface.tuning_text import plain, value_text

if TYPE_CHECKING:
    from schuss.adapters.study import Study
    from schuss.insight.tuning.trial import Trial

__all__ = ["as_json", "key", "table_of"]

SHORT = {"learning_rate": "rate", "batch_size": "batch"}


def table_of(study: Study) -> tuple[list[str], list[list[str]]]:
    """Return the head and the lines of a table of the trials, by number."""
    settings = [each.setting.to_dict() for each in study.trials]
    names = list(settings[0]) if settings else []
    head = ["trial", "place", "folds", NAMES[study.about["measure"]], *(SHORT.get(n, n) for n in names)]
    return head, [
        [
            str(each.number),
            str(each.place or ""),
            _folds(each),
            _score(each),
            *map(value_text, setting.values()),
        ]
        for each, setting in zip(study.trials, settings, strict=True)
    ]


def key(study: Study) -> list[str]:
    """Return what must be said to read the table."""
    told = [
        f"{len(study.trials)} trials in {study.folder}; place: of whole repeats, most folds first, then score"
    ]
    if any(each.standing is None for each in study.trials):
        told.append("look: seen on one fold alone, with a part of the epochs; its score stands in brackets")
    return told


def _folds(trial: Trial) -> str:
    return "look" if trial.standing is None else str(len(trial.standing.scores))


def _score(trial: Trial) -> str:
    if trial.standing is not None:
        return _number(trial.standing.score)
    text = "" if trial.look is None else _number(trial.look.score)
    return f"({text})"


def _number(score: float) -> str:
    return f"{score:.5g}" if math.isfinite(score) else "diverged"


def as_json(study: Study) -> dict[str, Any]:
    """Return the trials as plain JSON values; what is not finite or not known is null."""
    return {
        "study": str(study.folder),
        "measure": study.about["measure"],
        "folds_of_a_repeat": study.about["folds"],
        "trials": [_plain_trial(each) for each in study.trials],
    }


def _plain_trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "place": trial.place,
        "setting": trial.setting.to_dict(),
        **(dict[str, Any](folds=0, score=None) if trial.standing is None else plain(trial.standing)),
        "look": None if trial.look is None else trial.look.to_dict()["score"],
        "diverged_at": trial.diverged_at,
    }

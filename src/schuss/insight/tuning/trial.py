"""The trials of a search by number: each setting in the order of trying, its scores, its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schuss.insight.tuning.found import Standing, standings
from schuss.insight.tuning.journal import Measured
from schuss.insight.tuning.setting import Setting

__all__ = ["Trial", "trials_of"]


@dataclass(frozen=True)
class Trial:
    """A setting that was tried.

    Attributes
    ----------
    number : int
        From 1, in the order of trying; 1 is the start. It stays when a study is gone on with.
    setting : Setting
    standing : Standing or None
        How it did on folds with all of its epochs; None where it was given up before.
    look : Measured or None
        The first look: on one fold, with a part of the epochs; None where there was none.
    place : int or None
        Among those that were measured on a whole repeat at least: most folds first, among those the lowest
        score first. None of others, whose scores cannot be compared.
    diverged_at : int or None
        The step at which a training of it diverged first, if one did.
    """

    number: int
    setting: Setting
    standing: Standing | None
    look: Measured | None
    place: int | None
    diverged_at: int | None


def trials_of(measured: Iterable[Measured], folds: int) -> tuple[Trial, ...]:
    """Return the trials that measurements are of, in the order of trying.

    Parameters
    ----------
    measured : iterable of Measured
        In the order in which they were made.
    folds : int
        Of a repeat.
    """
    by_setting: dict[Setting, list[Measured]] = {}
    for each in measured:
        by_setting.setdefault(each.setting, []).append(each)
    if not by_setting:
        return ()
    every = (each for own in by_setting.values() for each in own)
    standing = {s: each for s, each in standings(every, next(iter(by_setting))).items() if each.scores}
    placed = [each.setting for each in standing.values() if len(each.scores) >= folds]
    places = {setting: place for place, setting in enumerate(placed, start=1)}
    return tuple(
        Trial(
            number,
            setting,
            standing.get(setting),
            next((each for each in own if each.unit.share < 1.0), None),
            places.get(setting),
            next((each.diverged_at for each in own if each.diverged_at is not None), None),
        )
        for number, (setting, own) in enumerate(by_setting.items(), start=1)
    )

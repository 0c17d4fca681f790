"""Settings of momentum, carried over exactly from one convention to another.

It says what cannot be carried over: the weight of the first gradient, and what a change of rate does to the
memory. It does not map penalties, losses or schedules; docs/notation.md does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schuss.errors import SettingError, did_you_mean
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.conventions import CONVENTIONS, Classical, Convention, Setting, Settings
from schuss.method.rules.rule import LIMITS as RATE_LIMITS

__all__ = ["Conversion", "change_batch_size", "convert", "shown_value", "velocity_correction"]

LIMITS: dict[str, dict[str, Any]] = RATE_LIMITS | {"dampening": {"low": 0.0, "high": 1.0, "open_high": True}}


@dataclass(frozen=True)
class Conversion:
    """Settings of one convention as those of another; what `convert` returns.

    Attributes
    ----------
    source, target : Convention
    given, settings : dict
        All settings of each, by their own names.
    classical : Classical
        What both do, written as schuss writes it; `classical.rule` is the rule to train with.
    before : Classical
        The same for the batch size that the settings were meant for, where that changes.
    first : float
        The weight of the first gradient in the target; `classical.first` is that in the source.
    """

    source: Convention
    target: Convention
    given: Settings
    settings: Settings
    classical: Classical
    before: Classical
    first: float

    @property
    def paste(self) -> str:
        """What to write in the target system."""
        target = self.target
        values = {s.means: shown_value(self.settings[s.name]) for s in target.settings}
        form = target.paste
        if self.classical.first != 1.0 and target.paste_first:
            form = target.paste_first
        first = shown_value(self.classical.learning_rate * self.classical.first)
        return form.format(kind=target.kinds[self.classical.nesterov], first=first, **values)

    @property
    def is_exact(self) -> bool:
        """Whether what is to be pasted makes the same steps, as long as the rate stays what it is."""
        return self.classical.first == self.first or bool(self.target.paste_first)

    @property
    def is_exact_when_rate_changes(self) -> bool:
        """Whether both treat their memory alike when the rate changes, or there is none."""
        return self.source.inside == self.target.inside or self.classical.momentum == 0.0

    def velocity_correction(self, before: float, after: float) -> float:
        """Return by what to multiply the target's memory once, when the rate goes from `before` to `after`.

        Rates of either convention, as only their ratio counts.
        """
        if self.is_exact_when_rate_changes:
            velocity_correction(before, after)  # are they rates?
            return 1.0
        if self.target.inside:
            return velocity_correction(before, after)
        return velocity_correction(check_number("the rate after", after, low=0.0, open_low=True), before)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "from": self.source.name,
            "given": dict(self.given),
            "to": self.target.name,
            "settings": dict(self.settings),
            "paste": self.paste,
            "first_gradient": {"from": self.classical.first, "to": self.first},
            "is_exact": self.is_exact,
            "is_exact_when_rate_changes": self.is_exact_when_rate_changes,
        }


def convert(
    source: str, target: str, /, *, batch_sizes: tuple[int, int] | None = None, **settings: Any
) -> Conversion:
    """Carry settings of momentum over from one system to another.

    Parameters
    ----------
    source, target : str
        Names of `CONVENTIONS`, such as ``"pytorch"`` and ``"schuss"``.
    batch_sizes : tuple of two int, optional
        The batch size that the settings were meant for, and that they are to be used with; see
        `change_batch_size`.
    **settings
        By the names of the source, or as ``learning_rate``, ``momentum``, ``dampening`` and ``nesterov``.
        Those left out are the source's defaults.

    Returns
    -------
    Conversion

    Raises
    ------
    SettingError
        An unknown system or setting, a value outside what is allowed, a setting without a default that is
        missing, or Nesterov where the target has none.

    Examples
    --------
    >>> convert("pytorch", "schuss", lr=0.1, momentum=0.9).settings
    {'learning_rate': 0.1, 'momentum': 0.9, 'nesterov': False}
    """
    here = CONVENTIONS[check_choice("the system to convert from", source, CONVENTIONS)]
    there = CONVENTIONS[check_choice("the system to convert to", target, CONVENTIONS)]
    values = _read(here, settings)
    before = classical = here.to_classical(values)
    if batch_sizes is not None:
        rate, momentum = change_batch_size(classical.learning_rate, classical.momentum, *batch_sizes)
        classical = replace(classical, learning_rate=rate, momentum=momentum)
    if classical.momentum == 0.0:  # there is nothing to look ahead by, and PyTorch refuses it
        classical = replace(classical, nesterov=False)
    _check_possible(there, classical)
    mapped = there.from_classical(classical)
    check_number(f"the rate for {target}", mapped["learning_rate"], **LIMITS["learning_rate"])
    return Conversion(
        source=here,
        target=there,
        given=_named(here, values),
        settings=_named(there, mapped),
        classical=classical,
        before=before,
        first=there.to_classical(mapped).first,
    )


def velocity_correction(before: float, after: float) -> float:
    """Return the factor for the velocity at a change of rate: α_after/α_before.

    With the rate inside, as here, in scikit-learn and in Keras, a push keeps the rate that it was given.
    Multiply the velocity once by this factor, before the first step with the new rate, and the steps are
    those of PyTorch, TensorFlow and Optax, where the rate stands outside. To go the other way, divide their
    buffer by it.

    Source: Goyal et al., "Accurate, large minibatch SGD", 2017, remark 2.
    """
    check_number("the rate before", before, low=0.0, open_low=True)
    return check_number("the rate after", after, low=0.0) / before


def change_batch_size(
    learning_rate: float, momentum: float, batch_size: int, to: int, reduction: str = "mean"
) -> tuple[float, float]:
    """Return rate and momentum for another batch size, so that memory and movement per sample stay.

    η′ = η^(B′/B),  α′ = α·(B′/B)·(1−η′)/(1−η);  without the factor B′/B where gradients are summed.

    So half of a push is forgotten after as many samples as before, and a lasting push moves a weight as far
    per sample. It is exact for gradients that do not change, and a good start elsewhere.

    Parameters
    ----------
    learning_rate, momentum : float
        α and η < 1 of the classical rule.
    batch_size, to : int
        Before and after.
    reduction : {"mean", "sum"}, default "mean"
    """
    check_number("learning_rate", learning_rate, **LIMITS["learning_rate"])
    check_number("momentum", momentum, low=0.0, high=1.0, open_high=True)
    ratio = check_integer("to", to, low=1) / check_integer("batch_size", batch_size, low=1)
    check_choice("reduction", reduction, ("mean", "sum"))
    lost = -math.expm1(ratio * math.log(momentum)) if momentum else 1.0  # 1 − η′ without cancellation
    rate = learning_rate * lost / (1.0 - momentum)
    return rate * (ratio if reduction == "mean" else 1.0), 1.0 - lost


def _read(convention: Convention, given: Mapping[str, Any]) -> dict[str, float | bool]:
    """Return all settings by meaning: those that are given, checked, and defaults for the others."""
    names = {setting.name: setting for setting in convention.settings}
    names |= {s.means: s for s in convention.settings if s.means not in names}
    found = dict[str, Any]()
    for name, value in given.items():
        if name not in names:
            own = ", ".join(setting.name for setting in convention.settings)
            hint = did_you_mean(name, names)
            raise SettingError(f"{convention.name} has the settings {own}; got {name!r}{hint}.")
        setting = names[name]
        if setting.means in found:
            raise SettingError(f"{setting.name} and {setting.means} are one setting; give it once.")
        found[setting.means] = _check(name, setting, value)
    for setting in convention.settings:
        if setting.means not in found and setting.default is None:
            raise SettingError(f"{convention.name} has no default for {setting.name}; give {setting.name}=….")
        found.setdefault(setting.means, setting.default)
    _check_together(convention, found)
    return found


def _check(name: str, setting: Setting, value: Any) -> float | bool:
    if setting.means != "nesterov":
        return check_number(name, value, **LIMITS[setting.means])
    if not isinstance(value, bool):
        raise SettingError(f"{name} must be True or False; got {value!r}.")
    return value


def _check_together(convention: Convention, values: Settings) -> None:
    if convention.shared_with == "momentum":
        name = next(s.name for s in convention.settings if s.means == "momentum")
        check_number(name, values["momentum"], low=0.0, high=1.0, open_high=True)
    if values.get("dampening", 0.0) and values.get("nesterov", False):
        raise SettingError(f"{convention.name} takes no dampening with nesterov; leave one of them out.")


def _check_possible(target: Convention, classical: Classical) -> None:
    if classical.nesterov and target.setting("nesterov") is None:
        able = ", ".join(c.name for c in CONVENTIONS.values() if c.setting("nesterov"))
        raise SettingError(f"{target.name} has no form of Nesterov's momentum; these have: {able}.")
    if classical.momentum == 1.0 and target.shared_with == "momentum":
        raise SettingError(f"{target.name} weighs gradients by 1 − momentum, so momentum must be below 1.")


def _named(convention: Convention, values: Settings) -> dict[str, float | bool]:
    return {setting.name: values[setting.means] for setting in convention.settings}


def shown_value(value: float | bool) -> str:
    """Return a value in at most 15 digits: 0.1·0.9 is 0.09; 0 stays a float, as Keras wants it."""
    return str(value) if isinstance(value, bool) else str(float(f"{value:.15g}"))

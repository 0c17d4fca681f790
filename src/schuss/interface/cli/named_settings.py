"""Rules and surfaces as words of a command line: ``momentum:learning_rate=0.3,momentum=0.9``.

Commas may also stand between rules, since a setting has a ``=`` and a name has none before its colon.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, fields, replace
from typing import Any

from schuss.errors import SettingError, did_you_mean
from schuss.method.checks import check_choice
from schuss.method.rules import RULES, Rule, WholeStep
from schuss.method.surfaces import SURFACES, Surface

__all__ = ["parse_rules", "parse_surface", "swept"]

LIKE = "name:setting=0.3,setting=0.9"


def parse_rules(texts: Sequence[str], usual: Iterable[Rule | WholeStep]) -> tuple[Rule | WholeStep, ...]:
    """Return the rules that ``--rules`` names.

    What is not set is as in the first of the `usual` rules of that name, else as the rule has it by itself.
    """
    known = {rule.name: rule for rule in reversed(tuple(usual))}
    return tuple(_rule(name, settings, known) for text in texts for name, settings in _named(text, "--rules"))


def _rule(name: str, settings: dict[str, str], usual: dict[str, Rule | WholeStep]) -> Rule | WholeStep:
    kind = RULES[check_choice("rule", name.replace("-", "_"), RULES)]
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    given = {key: _value(f"{name}:{key}", text, defaults.get(key, 0.0)) for key, text in settings.items()}
    _refuse_unknown(f"rule {name!r}", given, defaults)
    if kind.name in usual:
        return replace(usual[kind.name], **given)  # type: ignore[type-var]  # rules are dataclasses
    rule: Rule | WholeStep = kind(**given)
    return rule


def swept(rules: Sequence[Rule | WholeStep], text: str) -> tuple[Rule | WholeStep, ...]:
    """Return the rules, each that has the setting of ``momentum=0,0.5,0.9`` once for every value of it.

    Raises
    ------
    SettingError
        None of them has it.
    """
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name:
        raise SettingError(f"--sweep takes a setting and its values, as momentum=0,0.5,0.9; got {text!r}.")
    has = [name in {f.name for f in fields(rule)} for rule in rules]  # type: ignore[arg-type]  # rules are
    if not any(has):
        there = sorted({f.name for rule in rules for f in fields(rule)})  # type: ignore[arg-type]  # rules are
        raise SettingError(f"no rule of this race has a setting {name!r}{did_you_mean(name, there)}.")
    numbers = [_value(f"--sweep {name}", value, 0.0) for value in values.split(",")]
    found: list[Rule | WholeStep] = []
    for rule, has_it in zip(rules, has, strict=True):
        found += [replace(rule, **{name: v}) for v in numbers] if has_it else [rule]  # type: ignore[type-var]  # rules are
    return tuple(found)


def parse_surface(text: str) -> Surface:
    """Return the surface that ``quadratic:condition=100,rotation=20`` names."""
    name, settings = (_named(text, "a surface") or [(text, dict[str, str]())])[0]
    make: Callable[..., Surface] = SURFACES[check_choice("surface", name, SURFACES)]
    allowed = inspect.signature(make).parameters
    given = {key: _value(f"{name}:{key}", value, 0.0) for key, value in settings.items()}
    _refuse_unknown(f"surface {name!r}", given, allowed)
    return make(**given)


def _named(text: str, what: str) -> list[tuple[str, dict[str, str]]]:
    """Return names with their settings, all still words."""
    found: list[tuple[str, dict[str, str]]] = []
    for word in text.replace(",", " ").replace(";", " ").split():
        name, colon, setting = word.partition(":")
        if "=" in name:  # a setting more of the name before
            colon, setting = ":", word
        else:
            found.append((name, {}))
        key, equals, value = setting.partition("=")
        if colon and not (found and equals and key and value):
            raise SettingError(f"{what} is written like {LIKE}; got {text!r}.")
        if colon:
            found[-1][1][key.replace("-", "_")] = value
    return found


def _value(name: str, text: str, default: Any) -> Any:
    """Return a setting's value as what its default is: True or False, a whole number, else a number."""
    if isinstance(default, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if isinstance(default, str):
        return text
    try:
        number = float(text)
    except ValueError:
        raise SettingError(f"{name} takes a number; got {text!r}.") from None
    return int(number) if isinstance(default, int) and number.is_integer() else number


def _refuse_unknown(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    for key in given:
        if key not in allowed:
            names = ", ".join(allowed) or "none"
            raise SettingError(f"{what} has no setting {key!r}{did_you_mean(key, allowed)}; it has {names}.")

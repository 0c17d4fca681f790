"""Rules and surfaces as words of a command line: ``momentum:learning_rate=0.3,momentum=0.9``.

Commas may also stand between rules, since a setting has a ``=`` and a name has none before its colon.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from schuss.errors import SettingError, did_you_mean
from schuss.method.checks import check_choice
from schuss.method.racers import RACERS, OnCourse
from schuss.method.surfaces import SURFACES, Surface

__all__ = ["parse_rules", "parse_surface", "parse_value", "swept"]

LIKE = "name:setting=0.3,setting=0.9"


def parse_rules(texts: Sequence[str], usual: Iterable[OnCourse]) -> tuple[OnCourse, ...]:
    """Return the rules that ``--rules`` names.

    What is not set is as in the first of the `usual` rules of that name, else as the rule has it by itself.
    """
    known = {rule.name: rule for rule in reversed(tuple(usual))}
    return tuple(_rule(name, settings, known) for text in texts for name, settings in _named(text, "--rules"))


def _rule(name: str, settings: dict[str, str], usual: dict[str, OnCourse]) -> OnCourse:
    kind = RACERS[check_choice("rule", name.replace("-", "_"), RACERS)]
    given = {key: parse_value(text) for key, text in settings.items()}
    _refuse_unknown(f"rule {kind.name!r}", given, [field.name for field in fields(kind)])
    if kind.name in usual:
        return replace(usual[kind.name], **given)  # type: ignore[type-var]  # rules are dataclasses
    rule: OnCourse = kind(**given)
    return rule


def swept(rules: Sequence[OnCourse], text: str) -> tuple[OnCourse, ...]:
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
    numbers = [_number(f"--sweep {name}", value) for value in values.split(",")]
    found: list[OnCourse] = []
    for rule, has_it in zip(rules, has, strict=True):
        found += [replace(rule, **{name: v}) for v in numbers] if has_it else [rule]  # type: ignore[type-var]  # rules are
    return tuple(found)


def parse_surface(text: str) -> Surface:
    """Return the surface that ``quadratic:condition=100,rotation=20`` names."""
    named = _named(text, "a surface")
    if len(named) != 1:
        raise SettingError(f"a race is down one surface, written like {LIKE}; got {text!r}.")
    ((name, settings),) = named
    make: Callable[..., Surface] = SURFACES[check_choice("surface", name, SURFACES)]
    allowed = inspect.signature(make).parameters
    given = {key: _number(f"{name}:{key}", value) for key, value in settings.items()}
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


def parse_value(text: str) -> Any:
    """Return a setting's value: true or false, a number, a word; None where it is none of these."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text if text.isidentifier() else None


def _number(name: str, text: str) -> float:
    value = parse_value(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise SettingError(f"{name} takes numbers; got {text!r}.")


def _refuse_unknown(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    for key in given:
        if key not in allowed:
            names = ", ".join(allowed) or "none"
            raise SettingError(f"{what} has no setting {key!r}{did_you_mean(key, allowed)}; it has {names}.")

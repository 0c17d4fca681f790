"""Update rules, one file each. `RULES` is the table from which forms, docs and tests are built."""

from __future__ import annotations

from typing import Any

from schuss.method.checks import check_choice
from schuss.method.rules.gradient_descent import GradientDescent
from schuss.method.rules.momentum import Momentum
from schuss.method.rules.nesterov import Nesterov
from schuss.method.rules.rule import Rule
from schuss.method.schedules import rate_from_json, rate_to_json

__all__ = [
    "RULES",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Rule",
    "rule_from_dict",
    "rule_to_dict",
]

RULES: dict[str, type[Any]] = {rule.name: rule for rule in (GradientDescent, Momentum, Nesterov)}


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """Return a rule as plain JSON values."""
    return {"name": rule.name, **{name: rate_to_json(getattr(rule, name)) for name in rule.rates}}


def rule_from_dict(value: dict[str, Any]) -> Rule:
    """Return the rule that `rule_to_dict` described."""
    kind = RULES[check_choice("rule", value["name"], RULES)]
    rule: Rule = kind(**{name: rate_from_json(value[name]) for name in kind.rates})
    return rule

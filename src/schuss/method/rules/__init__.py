"""Update rules, one file each. `RULES` is the table from which forms, docs and tests are built."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from schuss.errors import SettingError
from schuss.method.checks import check_choice
from schuss.method.rules.adagrad import Adagrad
from schuss.method.rules.adam import Adam
from schuss.method.rules.aggmo import AggMo
from schuss.method.rules.averaged_momentum import AveragedMomentum
from schuss.method.rules.conjugate_gradients import ConjugateGradients
from schuss.method.rules.gradient_descent import GradientDescent
from schuss.method.rules.irprop_minus import IRpropMinus
from schuss.method.rules.irprop_plus import IRpropPlus
from schuss.method.rules.line_search import LineSearch
from schuss.method.rules.lion import Lion
from schuss.method.rules.lookahead import Lookahead
from schuss.method.rules.momentum import Momentum
from schuss.method.rules.muon import Muon
from schuss.method.rules.nesterov import Nesterov
from schuss.method.rules.nesterov_look_ahead import NesterovLookAhead
from schuss.method.rules.newton import Newton
from schuss.method.rules.outer_momentum import OuterMomentum
from schuss.method.rules.quasi_hyperbolic import QuasiHyperbolic
from schuss.method.rules.quickprop import Quickprop
from schuss.method.rules.rmsprop import RMSprop
from schuss.method.rules.rprop import Rprop
from schuss.method.rules.rule import Named, Rule, WholeStep, result_of
from schuss.method.rules.schedule_free import ScheduleFree
from schuss.method.schedules import rate_from_json, rate_to_json

__all__ = [
    "ELEMENT_WISE",
    "RULES",
    "WHOLE_STEPS",
    "Adagrad",
    "Adam",
    "AggMo",
    "AveragedMomentum",
    "ConjugateGradients",
    "GradientDescent",
    "IRpropMinus",
    "IRpropPlus",
    "LineSearch",
    "Lion",
    "Lookahead",
    "Momentum",
    "Muon",
    "Nesterov",
    "NesterovLookAhead",
    "Newton",
    "OuterMomentum",
    "QuasiHyperbolic",
    "Quickprop",
    "RMSprop",
    "Rprop",
    "Rule",
    "ScheduleFree",
    "WholeStep",
    "check_rule",
    "result_of",
    "rule_from_dict",
    "rule_named",
    "rule_to_dict",
]

# By these each weight moves by its own numbers alone, so that the kernel knows them, in this order.
ELEMENT_WISE: tuple[type[Any], ...] = (
    GradientDescent,
    Momentum,
    Nesterov,
    Adam,
    OuterMomentum,
    AveragedMomentum,
    QuasiHyperbolic,
    RMSprop,
    Adagrad,
    AggMo,
    Lion,
    Lookahead,
    ScheduleFree,
)

# These look at more than one gradient of each weight; engines make their steps one by one.
WHOLE_STEPS: tuple[type[Any], ...] = (
    Rprop,
    IRpropPlus,
    IRpropMinus,
    Quickprop,
    LineSearch,
    ConjugateGradients,
    Newton,
    Muon,
    NesterovLookAhead,
)

RULES: dict[str, type[Any]] = {rule.name: rule for rule in (*ELEMENT_WISE, *WHOLE_STEPS)}


def rule_named(name: Any) -> type[Any]:
    """Return the rule of that name.

    Raises
    ------
    SettingError
        There is none; of L-BFGS, whose steps SciPy makes, where it is instead.
    """
    if name == "lbfgs":
        raise SettingError(
            "lbfgs is no update rule: SciPy makes its steps, so they cannot be recorded or replayed. Use "
            "MLPClassifier or MLPRegressor with solver='lbfgs', or race it: schuss race DATA --rules lbfgs."
        )
    return RULES[check_choice("rule", name, RULES)]


def check_rule(rule: Any) -> None:
    """Raise SettingError unless it is a rule of the table."""
    if type(rule) not in RULES.values():
        if str(getattr(rule, "name", rule)) == "lbfgs":
            rule_named("lbfgs")
        words = f"the name {rule!r}" if isinstance(rule, str) else repr(rule)
        what = f"the class {rule!r}, of which one is made" if isinstance(rule, type) else words
        raise SettingError(
            f"rule must be a rule, such as Momentum(0.1, 0.9), of these: {', '.join(RULES)}; got {what}."
        )


def rule_to_dict(rule: Named) -> dict[str, Any]:
    """Return a rule as plain JSON values."""
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}  # type: ignore[arg-type]  # all are
    return {
        "name": rule.name,
        **{name: rate_to_json(v) if name in rule.rates else v for name, v in values.items()},
    }


def rule_from_dict(value: dict[str, Any]) -> Rule | WholeStep:
    """Return the rule that `rule_to_dict` described."""
    settings = dict(value)
    kind = rule_named(settings.pop("name"))
    values = {name: rate_from_json(v) if name in kind.rates else v for name, v in settings.items()}
    try:
        rule: Rule | WholeStep = kind(**values)
    except TypeError as error:
        raise SettingError(f"rule {kind.name!r} does not take these settings: {value}.") from error
    return rule

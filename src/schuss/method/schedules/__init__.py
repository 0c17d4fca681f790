"""Learning rate and momentum as functions of the step. Values only; nothing here keeps state.

`SCHEDULES` is the table from which forms, docs and tests are built; a file holds a family.
"""

from __future__ import annotations

from schuss.method.schedules.cosine import Cosine
from schuss.method.schedules.falling import Exponential, Inverse, InverseScaling, Step
from schuss.method.schedules.given import Custom, Listed
from schuss.method.schedules.momenta import Demon, Nesterov1983, Sutskever
from schuss.method.schedules.one_cycle import OneCycle
from schuss.method.schedules.plateau import Plateau
from schuss.method.schedules.rates import SCHEDULES, check_rate, rate_from_json, rate_to_json
from schuss.method.schedules.restart import FUNCTION, GRADIENT, Restart
from schuss.method.schedules.schedule import Rate, Schedule, Span, Steps, Values, at_steps, highest
from schuss.method.schedules.warm_up import WarmUp

__all__ = [
    "FUNCTION",
    "GRADIENT",
    "SCHEDULES",
    "Cosine",
    "Custom",
    "Demon",
    "Exponential",
    "Inverse",
    "InverseScaling",
    "Nesterov1983",
    "OneCycle",
    "Plateau",
    "Rate",
    "Restart",
    "Schedule",
    "Span",
    "Step",
    "Steps",
    "Sutskever",
    "Listed",
    "Values",
    "WarmUp",
    "at_steps",
    "check_rate",
    "highest",
    "rate_from_json",
    "rate_to_json",
]

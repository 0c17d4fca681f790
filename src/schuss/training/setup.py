"""What a training starts from: a plan that fits the data, the first state, and what judges its epochs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from schuss.engine.engine import Engine
from schuss.errors import DataError, SchussWarning, SettingError, did_you_mean
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import RULES
from schuss.method.rules.rule import first_memory
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["Judge", "check_callbacks", "check_weighs", "first_state", "fitting_plan", "judge_of", "judged_by"]

Judge = Callable[[State], float]  # lower is better


def fitting_plan(plan: Plan | None, settings: dict[str, Any], n: int) -> Plan:
    """Return the plan from `plan` or from its fields as `settings`, its batch no larger than the data."""
    if plan is not None and settings:
        raise SettingError(f"give a plan or its settings, not both; got {', '.join(settings)} as well.")
    unknown = [name for name in settings if name not in Plan.__dataclass_fields__]
    if unknown:
        hint = did_you_mean(unknown[0], Plan.__dataclass_fields__)
        if any(unknown[0] in rule.rates for rule in RULES.values()):
            hint = f"; it belongs to the rule: rule=Momentum({unknown[0]}=…), or another"
        raise SettingError(f"a plan has no setting {unknown[0]!r}{hint}.")
    if plan is not None and not isinstance(plan, Plan):
        what = "a rule alone; give it as rule=…" if hasattr(plan, "rates") else f"{plan!r:.80}"
        raise SettingError(f"plan must be a Plan, such as Plan(Momentum(0.1), epochs=50); got {what}.")
    plan = plan or Plan(**settings)
    if plan.batch_size is not None and plan.batch_size > n:
        if "batch_size" in settings or plan.batch_size != Plan.batch_size:  # the default may be larger
            warnings.warn(
                f"batch_size={plan.batch_size} is larger than the data; {n} samples make one batch.",
                SchussWarning,
                stacklevel=3,
            )
        plan = plan.replace(batch_size=n)
    return plan


def check_weighs(samples: Samples) -> None:
    """Raise DataError where no sample counts."""
    if samples.weights is not None and not samples.weights.any():
        raise DataError("all weights are 0, so no sample counts; give at least one that is above 0.")


def first_state(
    network: Network, plan: Plan, dtype: Any, theta: Array | None, memory: Array | None = None
) -> State:
    """Return the state before the first step: drawn weights, or checked copies of `theta` and `memory`."""
    theta = network.initial(plan.seed, dtype) if theta is None else _numbers("theta", theta, dtype)
    network.check_theta(theta)
    given, shape = memory is not None, (len(plan.rule.memory), theta.size)
    # zeros that nobody has looked at take no room yet
    memory = _numbers("memory", memory, dtype) if given else np.asarray(first_memory(plan.rule, theta), dtype)
    if memory.shape != shape:
        raise DataError(f"the memory of rule {plan.rule.name!r} has shape {shape}; got {memory.shape}.")
    if not np.isfinite(theta).all() or (given and not np.isfinite(memory).all()):
        raise DataError("theta or memory holds NaN or infinity; training must start from finite numbers.")
    return State(theta, memory)


def _numbers(name: str, values: Any, dtype: Any) -> Array:
    try:
        return np.array(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of numbers: {error}.") from error


def check_callbacks(callbacks: Any) -> None:
    """Raise SettingError for what is no sequence of functions."""
    if callable(callbacks) or not all(callable(each) for each in callbacks):
        raise SettingError(f"callbacks must be a list of functions of an Epoch; got {callbacks!r:.80}.")


def judged_by(network: Network, given: tuple[Any, Any] | Judge | None, dtype: Any) -> Samples | Judge | None:
    """Return what the epochs are judged by: checked samples, the given function, or nothing."""
    if given is None or callable(given):
        return given
    if not isinstance(given, Sequence) or len(given) != 2:
        raise SettingError("validation must be inputs and targets, (X, T), or a function of the state.")
    X, T = given
    return Samples.check(network, X, T, dtype)


def judge_of(network: Network, plan: Plan, engine: Engine, by: Samples | Judge | None) -> Judge | None:
    """Return what judges a state: the given function, or the loss on the given samples."""
    if not isinstance(by, Samples):
        return by
    return lambda state: engine.loss(network, plan.result(state), by, plan.objective)

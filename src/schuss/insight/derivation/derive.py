"""The derivation of back-propagation and of the update with the numbers of one sample in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from schuss.errors import DivergenceError, SettingError
from schuss.insight.derivation.backward_lines import (
    backward_lines,
    error_line,
    forward_lines,
    gradient_lines,
    signal_line,
)
from schuss.insight.derivation.memory_lines import memory_lines
from schuss.insight.derivation.scene import Place, Scene
from schuss.insight.derivation.update import Past, Update
from schuss.insight.derivation.update_lines import update_lines
from schuss.insight.derivation.value import Derivation, Line
from schuss.insight.formulas.writer import TEXT
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import ELEMENT_WISE, RULES, Rule
from schuss.method.rules.rule import LETTERS, element_wise
from schuss.method.samples import Samples, is_sparse
from schuss.method.state import State
from schuss.training.divergence import first_bad_layer
from schuss.training.setup import first_state

__all__ = ["derive", "refuse_lbfgs"]

MOST_STEPS = 100_000
SHOWN_STEPS = 4
DERIVABLE = ", ".join(kind.name for kind in ELEMENT_WISE)


def derive(
    network: Network,
    x: Any,
    t: Any,
    *,
    rule: Rule | Plan | None = None,
    theta: Array | None = None,
    memory: Array | None = None,
    weight: str | int | None = None,
    steps: int = 1,
    seed: int | None = None,
    step: int = 0,
    sample: int = 0,
    weights: Any = None,
    n_samples: int | None = None,
) -> Derivation:
    """Return every line of back-propagation for one weight, with the numbers of a sample in it.

    Each line has a general formula, the same with numbers, and the result. The gradient is compared with a
    central difference of E, and the memory, unrolled over the steps, with what the rule computed. All of
    it in float64, by the readable engine.

    Parameters
    ----------
    network : Network
    x : array_like, shape (n_in,), or (n, n_in) for a batch
    t : array_like, shape (n_out,), or (n, n_out); or (n,) class indices, as for `train`
    rule : Rule or Plan, default Momentum()
        A plan also brings its reduction, penalties, clipping, weight decay and dropout.
    theta : array_like, shape (n_parameters,), optional
        Weights before the step; by default what the network's init draws for `seed`.
    memory : array_like, shape (slots, n_parameters), optional
        What the rule remembers before the step; by default nothing.
    weight : str or int, optional
        Name or index; by default the first weight of the first layer.
    steps : int, default 1
        Steps to follow, all on the same samples; more than one unroll the memory.
    seed : int, optional
        Of the first weights, unless `theta` is given; by default the plan's, or 0.
    step : int, default 0
        Number of the first step, for schedules, dropout and Adam's corrections.
    sample : int, default 0
        Which sample of a batch is shown in full.
    weights : array_like, shape (n,), optional
        How often each sample counts.
    n_samples : int, optional
        Samples of the training that a plan is for; by default those of `x`.

    Returns
    -------
    Derivation

    Raises
    ------
    SettingError
        A weight that does not exist, or a number outside what is allowed.
    DataError
        Shapes that do not fit, NaN or infinity, or a target that the output can never reach.
    DivergenceError
        The weights became infinite within the steps.

    Notes
    -----
    Source: Rumelhart, Hinton & Williams, Parallel Distributed Processing, vol. 1, ch. 8 (1986);
    docs/the-rule.md goes through the general formulas.
    """
    batch = _batch(network, x, t, weights)
    steps = check_integer("steps", steps, low=1, high=MOST_STEPS)
    step = check_integer("step", step, low=0)
    sample = check_integer("sample", sample, low=0, high=len(batch) - 1)
    plan = _plan(rule, step + steps)
    seed = plan.seed if seed is None else seed
    n_samples = len(batch) if n_samples is None else check_integer("n_samples", n_samples, low=1)
    start = first_state(network, plan.replace(seed=seed), np.float64, theta, memory)
    place = Place.of(network, _index(network, weight))
    state = State(start.theta, start.memory, step)
    updates, past = list[Update](), list[Past]()
    with np.errstate(all="ignore"):  # what is not finite is told below
        for _ in range(steps):
            dropout = plan.dropout_at(state.step, network.depth - 1)
            update = Update(Scene(network, state, batch, plan, place, sample, dropout, step), n_samples)
            state = update.after
            if not state.finite:
                raise _diverged(update, state)
            past.append(update.past)
            updates.append(update)
            if len(updates) > SHOWN_STEPS:  # the first stays, and the last ones
                del updates[1]
        lines = tuple(_lines(updates, past))
    return Derivation(network.weight_name(place.index), tuple(_facts(updates[0], seed, theta)), lines)


def _diverged(update: Update, after: State) -> DivergenceError:
    scene, rates = update.scene, update.rates
    layer = first_bad_layer(scene.network, after)
    return DivergenceError(scene.state.step, layer, rates["α"], rates.get("η", 0.0), scene.state)


def _batch(network: Network, x: Any, t: Any, weights: Any) -> Samples:
    x = x.toarray() if is_sparse(x) else x
    if _is_flat(x):
        x, t = [x], [t]
    return Samples.check(network, x, t, np.float64, weights)


def _is_flat(x: Any) -> bool:
    try:
        return np.ndim(x) == 1
    except ValueError:  # rows of several lengths; the samples' own check says it better
        return False


def refuse_lbfgs(rule: Any) -> None:
    """Raise SettingError for L-BFGS, or its name: its steps cannot be derived."""
    if getattr(rule, "name", rule) == "lbfgs":
        raise SettingError(
            "the steps of lbfgs are SciPy's: their lengths, and the gradients that it remembers, stay inside "
            f"it, so no line of them can be derived. Rules that can be derived: {DERIVABLE}."
        )


def _plan(rule: Rule | Plan | None, steps: int) -> Plan:
    if rule is None:
        return Plan(epochs=steps, batch_size=None)
    refuse_lbfgs(rule)
    if not isinstance(rule, Plan) and type(rule) not in RULES.values():
        raise SettingError(f"rule must be a Plan or one of {DERIVABLE}; got {rule!r}.")
    plan = rule if isinstance(rule, Plan) else Plan(rule, epochs=steps, batch_size=None)
    element_wise(plan.rule, "a derivation")
    return plan


def _index(network: Network, weight: str | int | None) -> int:
    if isinstance(weight, str):
        return network.weight_index(weight)
    last = network.n_parameters - 1
    return 0 if weight is None else check_integer("weight", weight, low=0, high=last)


def _lines(updates: list[Update], past: list[Past]) -> Iterator[Line]:
    """Yield the first step in full, of later ones what concerns the weight, then the memory."""
    first = updates[0].scene
    yield from forward_lines(first)
    yield error_line(first)
    yield from backward_lines(first)
    shown = first.state.step
    for update in updates:
        scene = update.scene
        if scene is not first:
            yield _after_others(error_line(scene), shown)
            yield signal_line(scene, scene.place.layer, scene.place.j)
        yield from gradient_lines(scene)
        yield from update_lines(update)
        shown = scene.state.step
    if len(past) > 1:
        yield from memory_lines(updates[-1], past)


def _after_others(line: Line, shown: int) -> Line:
    """Say which steps since the one `shown` last are left out."""
    if line.step == shown + 1:
        return line
    return replace(line, where=f"{line.where}; steps {shown + 1} to {line.step - 1} likewise, not shown")


def _facts(update: Update, seed: int, theta: Array | None) -> Iterator[tuple[str, str]]:
    scene = update.scene
    network, plan, batch = scene.network, scene.plan, scene.batch
    functions = ", ".join(dict.fromkeys(network.activation))
    yield "network", f"{'-'.join(map(str, network.layers))}, {functions}, {network.loss.name}"
    which = f"sample {scene.sample} of {len(batch):,}: " if len(batch) > 1 else ""
    yield (
        "sample",
        f"{which}input {_listed(batch.X[scene.sample])} → target {_listed(scene.targets[scene.sample])}",
    )
    rates = ", ".join(f"{letter} = {TEXT.value(v, 6)}" for letter, v in update.rates.items())
    yield "rule", f"{plan.rule.name}, {rates}"
    if len(batch) > 1:
        yield "batch", f"{plan.reduction} over {len(batch):,} samples"
    penalties = {"l2": plan.l2, "l1": plan.l1, "clip": plan.clip, "weight decay": plan.weight_decay}
    given = ", ".join(f"{name} {value:g}" for name, value in penalties.items() if value)
    if given:
        yield "besides", given
    value = TEXT.value(float(scene.state.theta[scene.place.index]), 6)
    origin = f"drawn by {network.init.name} from seed {seed}" if theta is None else "given"
    yield "weight", f"{network.weight_name(scene.place.index)} = {value}; all weights {origin}"
    rates = ", ".join(f"{LETTERS[name]} {name.replace('_', ' ')}" for name in ("learning_rate", "momentum"))
    yield "letters", f"x net input, y output, t target, δ error signal −∂E/∂x, {rates}, n step"


def _listed(values: Array) -> str:
    shown = ", ".join(TEXT.value(float(v), 6) for v in values[:8])
    return f"({shown}{f', … {len(values) - 8:,} more' if len(values) > 8 else ''})"

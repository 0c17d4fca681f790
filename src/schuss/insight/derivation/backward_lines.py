"""The lines of a derivation from the net inputs to the gradient of one weight, for one sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from schuss.insight.derivation.scene import Scene
from schuss.insight.derivation.value import Check, Line
from schuss.insight.formulas.expressions import (
    Choice,
    Expression,
    Formula,
    Letter,
    Product,
    Relation,
    evaluate,
    mapped,
)
from schuss.insight.formulas.filling import Numbers, filled
from schuss.insight.formulas.parser import parse, parse_expression

__all__ = ["backward_lines", "error_line", "forward_lines", "gradient_lines", "signal_line"]

# Relative. Cutting off the series costs h²/6·E‴ = 6e−12·E‴; a wrong formula misses by a tenth or more.
TOLERANCE = 1e-6


def line(
    section: str,
    scene: Scene,
    title: str,
    general: str | Formula,
    numbers: Numbers,
    result: float,
    where: str,
) -> Line:
    """Return a line whose general formula is filled with `numbers`."""
    formula = parse(general) if isinstance(general, str) else general
    right = formula.main.sides[-1] if isinstance(formula.main, Relation) else formula.main
    made = filled(Formula(right, formula.where), numbers)
    return Line(section, scene.state.step, title, formula, made, float(result), where)


def continued(left: str, formula: Formula) -> Formula:
    """Return ``left = formula``, where `left` may be a chain of equations itself."""
    chain = parse_expression(left)
    signs, sides = (chain.signs, chain.sides) if isinstance(chain, Relation) else ((), (chain,))
    return Formula(Relation((*signs, "="), (*sides, formula.main)), formula.where)


def indexed(formula: Formula, index: str) -> Formula:
    """Return an activation's formula, whose x and y have no index, with one."""

    def change(part: Expression) -> Expression:
        if isinstance(part, Letter) and part.name in ("x", "y") and not part.index:
            return replace(part, index=index)
        return mapped(part, change)

    where = tuple(Relation(side.signs, tuple(map(change, side.sides))) for side in formula.where)
    return Formula(change(formula.main), where)


# --- forward ---


def forward_lines(scene: Scene) -> Iterator[Line]:
    """Yield net input and output of every unit that is shown."""
    for layer in range(1, scene.network.depth + 1):
        shown = scene.units(layer)
        for unit in shown:
            yield _net_input(scene, layer, unit)
            yield _output(scene, layer, unit)


def _others(scene: Scene, layer: int) -> str:
    others = scene.network.layers[layer] - len(scene.units(layer))
    return f"; the other {others:,} units of {scene.network.layer_names[layer]} likewise" if others else ""


def _net_input(scene: Scene, layer: int, unit: int) -> Line:
    w, b = scene.layers[layer - 1]
    general = "x_j = Σ_k y_k·w_kj" + ("" if b is None else " + b_j")
    letters = {"y": scene.y(layer - 1), "w": w, "b": b}
    numbers = Numbers(letters, {"j": unit}, {"k": scene.run(layer - 1)})
    where = f"j = {scene.name(layer, unit)}; k runs over {scene.network.layer_names[layer - 1]}"
    title = f"Net input of {scene.name(layer, unit)}"
    return line("Forward", scene, title, general, numbers, scene.x(layer)[unit], where)


def _output(scene: Scene, layer: int, unit: int) -> Line:
    f, last = scene.network.activations()[layer - 1], layer == scene.network.depth
    formula, mask = indexed(parse(f.formula), "j"), scene.mask(layer)
    left = "y_j = f(x_j)" if mask is None else "y_j = μ_j·f(x_j)"
    where = f"j = {scene.name(layer, unit)}, {f.name}"
    if f.name == "softmax":
        left, where = "y_j", f"{where}; k runs over output" + " in its group" * bool(scene.network.groups)
    if mask is not None:
        formula = Formula(Product((Letter("μ", "j"), formula.main)), formula.where)
        where += "; μ is what dropout multiplies by"
    letters = {"x": scene.x(layer), "μ": mask}
    over = {"k": scene.run(layer, scene.group(unit))} if last else {}
    numbers, where = Numbers(letters, {"j": unit}, over), where + _others(scene, layer)
    title = f"Output of {scene.name(layer, unit)}"
    return line("Forward", scene, title, continued(left, formula), numbers, scene.y(layer)[unit], where)


def error_line(scene: Scene) -> Line:
    """Return the error of the sample."""
    loss, last = scene.network.loss, scene.network.depth
    rows = (scene.x(last)[None], scene.y(last)[None], scene.targets[scene.sample][None])
    groups = scene.network.group_slices
    result = sum(float(loss.value(*(row[:, g] for row in rows))[0]) for g in groups)
    where = f"{loss.name}; j runs over output, t is the target"
    if loss.parameter is not None:
        letter = next((c for c in ("γ", "q_j", "d") if c in loss.kind.formula), "parameter")
        where += f"; {letter} = {loss.parameter}"
    if scene.state.step > scene.first:
        where += "; net inputs and outputs as above, from the weights of this step"
    general = continued("E", parse(loss.kind.formula))
    return line("Error", scene, "Error of the sample", general, scene.outputs_numbers(), result, where)


# --- backward ---

SIGNALS = "Error signals"


def backward_lines(scene: Scene) -> Iterator[Line]:
    """Yield slopes and error signals from the outputs back to the unit that the weight feeds."""
    for layer in range(scene.network.depth, scene.place.layer - 1, -1):
        for unit in [scene.place.j] if layer == scene.place.layer else scene.units(layer):
            yield from _before_the_signal(scene, layer, unit)
            yield signal_line(scene, layer, unit)


def _before_the_signal(scene: Scene, layer: int, unit: int) -> Iterator[Line]:
    """Yield −∂E/∂y_j, where it takes a line of its own, and f′(x)."""
    loss, f = scene.network.loss, scene.network.activations()[layer - 1]
    output = layer == scene.network.depth
    if output and loss.kind.partner is not None:
        return
    if output and _own_line(scene):
        yield _outer_slope(scene, unit)
    if f.name != "softmax":
        index = "j" if output else "k"
        general = continued(f"f′(x_{index})", indexed(parse(f.slope_formula), index))
        numbers = Numbers({"x": scene.x(layer), "y": scene.bare(layer)}, {index: unit})
        name = scene.name(layer, unit)
        where = f"{index} = {name}, {f.name}"
        yield line(SIGNALS, scene, f"Slope of {name}", general, numbers, scene.slope(layer)[unit], where)


def _own_line(scene: Scene) -> bool:
    """Whether −∂E/∂y_j needs a line, since there are cases in it or it is used more than once."""
    formula = parse(scene.network.loss.kind.error_formula)
    return (
        isinstance(formula.main, Choice) or bool(formula.where) or scene.network.activation[-1] == "softmax"
    )


def _outer(scene: Scene) -> np.ndarray:
    """Return −∂E/∂y of the outputs, shape (n_out,)."""
    last, loss = scene.network.depth, scene.network.loss
    return np.asarray(loss.error(scene.y(last)[None], scene.targets[scene.sample][None])[0])


def _outer_slope(scene: Scene, unit: int) -> Line:
    name = scene.name(scene.network.depth, unit)
    general = continued("r_j = −∂E/∂y_j", parse(scene.network.loss.kind.error_formula))
    title, where = f"How E falls with the output of {name}", f"j = {name}; r is short for −∂E/∂y"
    return line(SIGNALS, scene, title, general, scene.outputs_numbers(unit), _outer(scene)[unit], where)


def signal_line(scene: Scene, layer: int, unit: int) -> Line:
    """Return δ of a unit."""
    if layer < scene.network.depth:
        return _hidden_signal(scene, layer, unit)
    loss, name = scene.network.loss, scene.name(layer, unit)
    numbers, where = scene.outputs_numbers(unit), f"j = {name}"
    if loss.kind.partner is not None:
        formula = parse(loss.kind.error_formula)
        where += f"; {loss.kind.partner} and {loss.name} together: the slope cancels"
    elif scene.network.activation[-1] == "softmax":
        formula = parse("y_j·(r_j − Σ_k r_k·y_k)")
        where += "; softmax: every output depends on x_j"
    elif _own_line(scene):
        formula = parse("r_j·f′(x_j)")
    else:
        formula = _times_slope(parse_expression(loss.kind.error_formula))
    letters = {**numbers.letters, "r": _outer(scene), "f′": scene.slope(layer)}
    numbers = replace(numbers, letters=letters)
    general = continued("δ_j = −∂E/∂x_j", formula)
    where += _others(scene, layer)
    return line(SIGNALS, scene, f"Error signal of {name}", general, numbers, scene.delta(layer)[unit], where)


def _times_slope(error: Expression) -> Formula:
    factors = error.factors if isinstance(error, Product) else (error,)
    return Formula(Product((*factors, parse_expression("f′(x_j)"))))


def _hidden_signal(scene: Scene, layer: int, unit: int) -> Line:
    name, mask, names = scene.name(layer, unit), scene.mask(layer), scene.network.layer_names
    general = "δ_k = −∂E/∂x_k = " + ("" if mask is None else "μ_k·") + "f′(x_k)·Σ_j w_kj·δ_j"
    letters = {
        "f′": scene.slope(layer),
        "w": scene.layers[layer].w,
        "δ": scene.delta(layer + 1),
        "μ": mask,
    }
    numbers = Numbers(letters, {"k": unit}, {"j": scene.run(layer + 1)})
    where = f"k = {name}; j runs over {names[layer + 1]}, which {names[layer]} feeds"
    if mask is not None:
        where += "; μ is what dropout multiplies by"
    if layer > scene.place.layer:
        where += _others(scene, layer)
    title = f"Error signal of {name}"
    return line(SIGNALS, scene, title, general, numbers, scene.delta(layer)[unit], where)


# --- gradient ---


def is_plain(scene: Scene) -> bool:
    """Whether the gradient of the batch is −δ_j·y_k: one sample, no penalty."""
    weighed = scene.batch.weights is not None
    return len(scene.batch) == 1 and not weighed and not scene.plan.l2 and not scene.plan.l1


def gradient_lines(scene: Scene) -> Iterator[Line]:
    """Yield ∂E/∂w of the sample, and of the batch where that is more, checked by differences."""
    place, target = scene.place, _partial(scene)
    pushed = "−δ_j" if place.k is None else "−δ_j·y_k"
    j = scene.name(place.layer, place.j)
    k = "" if place.k is None else f", k = {scene.name(place.layer - 1, place.k)}"
    letters = {"δ": scene.delta(place.layer), "y": scene.y(place.layer - 1)}
    at = {"j": place.j} | ({} if place.k is None else {"k": place.k})
    result = evaluate(filled(parse(pushed), Numbers(letters, at)))
    title = "Gradient" if is_plain(scene) else "Gradient of the sample"
    where = f"j = {j}{k}" + ("; a bias is a weight from a unit whose output is 1" if place.k is None else "")
    own = line("Gradient", scene, title, f"{target} = {pushed}", Numbers(letters, at), result, where)
    yield own if not is_plain(scene) else replace(own, check=_checked(scene, result))
    if not is_plain(scene):
        yield _batch_gradient(scene)
    if scene.plan.clip is not None and np.linalg.norm(scene.gradient) > scene.plan.clip:
        yield _clipped(scene)


def _partial(scene: Scene) -> str:
    return "∂E/∂b_j" if scene.place.k is None else "∂E/∂w_kj"


def _checked(scene: Scene, result: float) -> Check:
    value, noise = scene.slope_by_differences()
    return Check.of("central difference (E(w+h) − E(w−h))/2h", result, value, TOLERANCE, noise)


def _batch_gradient(scene: Scene) -> Line:
    place, plan, weights = scene.place, scene.plan, scene.batch.weights
    term = ("" if weights is None else "ω_p·") + "δ_j(p)" + ("" if place.k is None else "·y_k(p)")
    bracket, where = f"−Σ_p {term}", f"p runs over the {len(scene.batch):,} samples"
    if place.k is not None:
        bracket += " + l2·w_kj" * bool(plan.l2) + " + l1·sign(w_kj)" * bool(plan.l1)
    if plan.reduction == "mean":
        bracket = f"1/B·({bracket})"
        where += ", which weigh B together" if weights is not None else ", B of them"
    inputs = None if place.k is None else scene.trace.y[place.layer - 1][:, place.k]
    letters = {
        "l2": plan.l2,
        "l1": plan.l1,
        "w": float(scene.state.theta[place.index]),
        "δ(p)": scene.deltas[place.layer - 1][:, place.j],
        "y(p)": inputs,
        "ω": weights,
        "B": scene.total_weight,
    }
    numbers = Numbers(letters, {}, {"p": scene.samples_run()})
    general = f"{_partial(scene)} = {bracket}"
    result = float(scene.gradient[place.index])
    made = line("Gradient", scene, "Gradient of the batch", general, numbers, result, where)
    return replace(made, check=_checked(scene, result))


def _clipped(scene: Scene) -> Line:
    norm, own = float(np.linalg.norm(scene.gradient)), float(scene.gradient[scene.place.index])
    letters = {_partial(scene): own, "c": scene.plan.clip, "G": norm}
    where = "G is the length of the whole gradient, longer than c, to which it is clipped"
    general = f"g = {_partial(scene)}·c/G"
    result = own * float(scene.plan.clip or 0.0) / norm
    return line("Gradient", scene, "Clipped gradient", general, Numbers(letters), result, where)

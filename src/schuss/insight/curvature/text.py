"""A curvature in plain words: a screenful for a terminal, a notebook, a report."""

from __future__ import annotations

import math

from schuss.insight.curvature.lanczos import Eigenvalue
from schuss.insight.curvature.motion import (
    ALTERNATING,
    CRITICAL,
    FLAT,
    OVER,
    UNDER,
    UNSTABLE,
    Motion,
)
from schuss.insight.curvature.value import Curvature
from schuss.insight.shown import columns, number

__all__ = ["text_of"]

IN_WORDS = {
    FLAT: "the loss does not bend upwards there, so nothing holds the weights",
    OVER: "over-damped: it creeps towards the bottom without overshooting",
    CRITICAL: "critically damped: as fast as can be without overshooting",
    UNDER: "under-damped: it swings through the bottom",
    ALTERNATING: "it overshoots the bottom in every step, less each time",
    UNSTABLE: "unstable: each swing is larger than the one before",
}


def text_of(c: Curvature) -> str:
    """Return the lines of a curvature."""
    parts = [_head(c), _eigenvalues(c), _rates(c), _motions(c), _noise(c), _best(c)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(c: Curvature) -> list[str]:
    sizes, loss = "-".join(map(str, c.network.layers)), c.network.loss.name.replace("_", " ")
    drawn = f" drawn of {c.of_samples:,}" if c.of_samples > c.n_samples else ""
    rates = {name: rate for name, rate in c.rates_by_name.items() if name != "learning_rate"}
    own = [f"learning rate {c.learning_rate:.4g}"] if "learning_rate" in c.rule.rates else []
    own += [f"{n.replace('_', ' ')} {r:.4g}" for n, r in rates.items()]
    lines = [
        f"curvature of the loss at step {c.step:,}: {sizes}, {loss}, {c.n_samples:,} samples{drawn}",
        f"rule {', '.join([_rule(c), *own])}, batches of {c.batch:,}",
    ]
    if c.half_life is not None and c.effective_rate is not None:
        memory = f"half of a push is forgotten after {number(c.half_life, 3)} steps"
        lines.append(f"effective rate {number(c.effective_rate)}; {memory}")
    return lines


def _rule(c: Curvature) -> str:
    return c.rule.name.replace("_", " ")


def _eigenvalues(c: Curvature) -> list[str]:
    rows = [("highest", *_told(c.highest)), ("lowest", *_told(c.lowest))]
    if c.least_positive is not None:
        rows.append(("lowest above 0" + ("" if c.complete else " found"), *_told(c.least_positive)))
    if c.along is not None:
        rows.append(("along the next step", number(c.along), ""))
    many = "all of them" if c.complete else f"{len(c.values)} products"
    lines = [line.rstrip() for line in columns((f"eigenvalues of the Hessian, {many}", "", "within"), rows)]
    if c.least_positive is not None:
        at_least = "" if c.complete else "at least "
        lines.append(f"condition number of the part above 0: {at_least}{number(c.condition)}")
    return lines


def _told(eigenvalue: Eigenvalue) -> tuple[str, str]:
    return number(eigenvalue.value), f"{eigenvalue.bound:.1e}"


def _rates(c: Curvature) -> list[str]:
    if not c.highest.value > 0:
        return ["the loss bends upwards in no direction: no learning rate is too large for it here"]
    at = f"at momentum {c.momentum:g}" if c.momentum else "without momentum"
    at += "" if c.batches is None else ", on all samples at once"
    rows = [(name.replace("_", " "), number(rate)) for name, rate in c.stable_rates.items()]
    lines = [line.rstrip() for line in columns((f"largest stable learning rate {at}", ""), rows)]
    if c.element_wise is None:
        left_out = "its own threshold, motion and batch rate are left out"
        return [*lines, f"{_rule(c)} looks at a whole step: {left_out}"]
    if c.ratio is None or c.sharpness is None or c.threshold is None:
        return [*lines, f"that of {_rule(c)} depends on its memory, which is empty before the first step"]
    measure = " in its own measure" if c.rule.reads_memory else ""
    lines.append(
        f"sharpness{measure} {number(c.sharpness)}, threshold {number(c.threshold)}, ratio {c.ratio:.3g}: "
        f"{_verdict(c)}"
    )
    if c.highest_rate > 1.01 * c.learning_rate:
        ratio = c.ratio * c.highest_rate / c.learning_rate
        lines.append(
            f"at {c.highest_rate:.4g}, the highest rate of its schedule, that ratio would be {ratio:.3g}"
        )
    return lines + _batch_lines(c)


def _batch_lines(c: Curvature) -> list[str]:
    if c.batches is None or c.batch_rate is None:
        return []
    bend = f"{number(c.batches.mean, 3)} ± {number(c.batches.deviation, 3)}"
    times = number(c.batch_rate / c.learning_rate, 3)
    return [
        f"batches of {c.batch:,} bend that direction by {bend}: stable in the mean square up to a learning",
        f"rate of {number(c.batch_rate, 3)}, {times} times this one",
    ]


def _verdict(c: Curvature) -> str:
    ratio = c.ratio or 0.0
    if ratio > 1.0:
        return "beyond what a parabola allows"
    if ratio > 0.9:
        return "at the edge of stability"
    on_all = "" if c.batches is None else "on all samples "
    return f"{on_all}stable up to {number(1 / ratio, 3)} times this learning rate"


def _motions(c: Curvature) -> list[str]:
    lines = []
    for name, motion in (("sharpest", c.sharpest), ("flattest known", c.flattest)):
        if motion is not None:
            lines += [f"along the {name} direction, {number(motion.curvature)}:", f"  {_moves(motion)}"]
    return lines


def _moves(motion: Motion) -> str:
    words = IN_WORDS[motion.damping]
    if motion.damping == UNDER:
        words += f" every {number(motion.period / 2, 3)} steps"
    if 0 < motion.half_life < math.inf:
        words += f"; half the way is left after {number(motion.half_life, 3)} steps"
    return words


def _noise(c: Curvature) -> list[str]:
    lines = []
    if c.noise_amplification is not None and c.momentum and c.batches is not None:
        times = number(c.noise_amplification, 3)
        lines.append(
            f"noise of the gradient shakes the sharpest direction with {times} times the variance that"
        )
        lines.append("gradient descent has at this rate")
    if c.noise is not None and c.noise.scale < math.inf:
        lines.append(
            f"gradient noise scale {number(c.noise.scale, 3)} samples: much smaller batches are mostly noise,"
            " much larger ones gain little"
        )
    elif c.noise is not None:
        lines.append("the mean gradient is lost in the noise of these batches: no noise scale")
    return lines


def _best(c: Curvature) -> list[str]:
    best = c.best.get("momentum")
    if best is None or c.flattest is None:
        return []
    rate, momentum = number(best.learning_rate), number(best.momentum)
    lines = [
        f"best on a parabola of just these curvatures: learning rate {rate}, momentum {momentum}",
        f"  (a step leaves {best.factor:.4g} of the error; with these settings {c.flattest.factor:.4g})",
        "  That is local advice: elsewhere the loss bends otherwise, batches are noisy, and even on a convex",
        "  loss momentum can circle with such settings. Try it in a fork before you believe it.",
    ]
    if c.best_batch_rate is not None and c.best_batch_rate < best.learning_rate:
        allowed = number(c.best_batch_rate, 3)
        lines.append(f"  Batches of {c.batch:,} do not allow it: at that momentum no rate above {allowed}.")
    return lines

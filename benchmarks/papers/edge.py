"""The edge of stability: sharpness rises until the rule would no longer be stable, and hovers there."""

from __future__ import annotations

from benchmarks.edge_of_stability import PROMISED, RANGE, RULES, STEPS, trained
from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss.method.rules.rule import LETTERS

__all__ = ["EDGE"]


def compare(_trials: int) -> list[Claim]:
    """Compare the sharpness of the last quarter of the steps with the threshold of each rule."""
    lines = []
    for i, rule in enumerate(RULES):
        found = trained(rule)
        rates = ", ".join(f"{LETTERS[name]} = {getattr(rule, name):g}" for name in rule.rates)
        what = f"{rule.name.replace('_', ' ')}, {rates}: sharpness / threshold"
        accepted = Range(*RANGE) if i < PROMISED else None
        rises = f"(loss rises in {found.rises:.0%} of the steps)"
        lines.append(Claim(what, 1, found.last_quarter, accepted, rises, digits=3))
    return lines


EDGE = Paper(
    "edge",
    "The edge of stability",
    "Cohen and others, Gradient descent on neural networks typically occurs at the edge of "
    "stability, ICLR 2021: 2/α, (2+2η)/α with momentum, (2+2η)/(α(1+2η)) with Nesterov's.",
    f"200 digits, 64-30-30-10, tanh, squared error, full batches, {STEPS:,} steps; the highest eigenvalue of "
    "the Hessian over what the rule bears, mean of the last quarter. The last has not arrived there yet.",
    1,
    compare,
    "theory",
)

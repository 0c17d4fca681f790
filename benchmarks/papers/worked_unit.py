"""Three steps of one unit that can be checked by hand, and the block of the question's second answer."""

from __future__ import annotations

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss import Momentum, Network, Plan
from schuss.engine.choice import engine_named
from schuss.engine.engine import Observed
from schuss.method.functions import Array
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["BLOCK", "WORKED_UNIT"]

DELTAS = (0.11845881, 0.10899716, 0.09058464)
CHANGES = (0.05922940, 0.10780504, 0.14231686)
LAST = {"w₁": 0.50935131, "w₂": -0.24532435, "b": 0.40935131}
LAST_DIGIT = 5.0e-9
ANSWER = (10.0, -10.0, -12.0)
MIXED = "the answer's −10 is −20 + .1·100: it takes a first push of 100, though it says 10."
BEFORE = "the answer's −12 is −10 + .1·(−20): it keeps a share of the push before, not of the speed before."
WANTED = 1e9  # targets so far off that |t − y| has the same slope in every step


def observed(network: Network, theta: Array, X: Array, T: Array, rule: Momentum) -> Observed:
    """Return every weight, velocity and error signal of one step for each sample in turn."""
    plan = Plan(rule, 1, 1, order="sequential")
    samples, state = Samples.check(network, X, T), State.start(theta, 1)
    return engine_named("native").observe(network, state, samples, plan, len(X), range(len(theta)))


def unit(_trials: int) -> list[Claim]:
    """Compare error signals, changes and last weights."""
    network = Network([2, 1], "logistic")
    theta = network.pack([[[0.2], [-0.4]]], [[0.1]])
    seen = observed(network, theta, np.tile([1.0, 0.5], (3, 1)), np.ones((3, 1)), Momentum(0.5, 0.9))
    velocities = np.vstack([seen.memory[1:, 0], seen.state.memory])
    found = [(f"δ, step {n + 1}", DELTAS[n], seen.delta[n, 0, 0]) for n in range(3)]
    found += [(f"Δw₁, step {n + 1}", CHANGES[n], velocities[n, 0]) for n in range(3)]
    ends = zip(LAST.items(), seen.state.theta, strict=True)
    found += [(f"{name} after 3 steps", value, ours) for (name, value), ours in ends]
    return [
        Claim(what, value, float(ours), Range.around(value, LAST_DIGIT), digits=8)
        for what, value, ours in found
    ]


def speeds(pushes: tuple[float, ...], kept: float) -> list[float]:
    """Return a block's speed after each push, as the velocity of a weight that feels them.

    With E = |t − y| and a target far off, the push is the sample's input, with the sign of the target.
    """
    network = Network([1, 1], "identity", "absolute", biases=False)
    strengths = np.array(pushes)[:, None]
    seen = observed(network, np.zeros(1), np.abs(strengths), np.sign(strengths) * WANTED, Momentum(1.0, kept))
    return [float(v) for v in (*seen.memory[1:, 0, 0], seen.state.memory[0, 0])]


def block(_trials: int) -> list[Claim]:
    """Compare the answer's speeds with those of its own rule."""
    ours, hundred = speeds((10.0, -20.0, -10.0), 0.1), speeds((100.0, -20.0, -10.0), 0.1)
    lines = [
        Claim(f"pushes 10, −20, −10: speed {k}", said, v, _printed(said), words=words)
        for k, (said, v, words) in enumerate(zip(ANSWER, ours, ("", MIXED, BEFORE), strict=True), 1)
    ]
    lines += [
        Claim(f"pushes 100, −20, −10: speed {k}", said, v, _printed(said), words=words)
        for k, (said, v, words) in enumerate(
            zip((100.0, *ANSWER[1:]), hundred, ("", "", BEFORE), strict=True), 1
        )
    ]
    for pushes in ((10.0, -20.0, -20.0), (100.0, -20.0, -20.0), (10.0, -20.0, 0.0)):
        name = f"pushes {', '.join(f'{p:g}' for p in pushes)}: last speed".replace("-", "−")
        lines.append(Claim(name, "", speeds(pushes, 0.1)[-1]))
    return lines


def _printed(value: float) -> Range:
    return Range.around(value, 1e-6)


WORKED_UNIT = Paper(
    "worked-unit",
    "Three steps of one unit, to check by hand",
    "Δw(n) = α·δ·y + η·Δw(n−1), δ = (t − y)·y·(1 − y), worked out to eight digits.",
    "w = (.2, −.4), b = .1, logistic; x = (1, .5), t = 1, the same sample three times; α = .5, η = .9.",
    0,
    unit,
    "formula",
)

BLOCK = Paper(
    "block",
    "The block that is pushed, of the question's second answer",
    "The second answer to the Stack Exchange question about the equation at the head of docs/the-rule.md.",
    "Speed = push + .1 · speed before; the answer calls the .1 friction, but it is the share that is kept.",
    0,
    block,
)

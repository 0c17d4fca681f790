"""Where the best momentum for a quadratic goes round for ever: Lessard, Recht and Packard's counter-example."""

from __future__ import annotations

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Momentum
from schuss.method.rules import Rule
from schuss.method.state import State

__all__ = ["THREE_CYCLE"]

START, STEPS = 3.3, 600
CYCLE = (-2208 / 1225, 792 / 1225, 2592 / 1225)


def slope(x: float) -> float:
    """Return f′(x) of a convex function whose curvature lies between 1 and 25."""
    if x < 1.0:
        return 25.0 * x
    return x + 24.0 if x < 2.0 else 25.0 * x - 24.0


def last_places(rule: Rule, rates: tuple[float, ...]) -> list[float]:
    """Return the last three places of a rule going down f, in ascending order."""
    state, places = State.start(np.array([START]), len(rule.memory)), []
    for _ in range(STEPS):
        theta, memory = rule.update(state.theta, state.memory, np.array([slope(state.theta[0])]), rates)
        state = State(theta, memory)
        places.append(float(theta[0]))
    return sorted(places[-3:])


def compare(_trials: int) -> list[Claim]:
    """Compare the cycle, and where gradient descent ends."""
    ball, plain = (1 / 9, 4 / 9), (2 / 26,)
    cycle = last_places(Momentum(*ball), ball)
    end = max(map(abs, last_places(GradientDescent(*plain), plain)))
    return [
        *(
            Claim(f"heavy ball, place {k} of the cycle", p, x, Range.around(p, 1e-12), digits=10)
            for k, (p, x) in enumerate(zip(CYCLE, cycle, strict=True), 1)
        ),
        Claim("gradient descent, α = 2/26: |x| at the end", 0, end, Range(high=1e-9), digits=2),
    ]


THREE_CYCLE = Paper(
    "three-cycle",
    "Heavy ball tuned for a quadratic, on a function that is none",
    "Lessard, Recht and Packard, Analysis and design of optimization algorithms via integral quadratic "
    "constraints, SIAM J. Optim. 26 (2016), section 4.6.",
    f"f′ = 25x, x + 24, 25x − 24 below 1, below 2, above; α = 1/9, η = 4/9, best for curvatures from 1 to 25; "
    f"from {START} at rest, {STEPS} steps of schuss's rules.",
    0,
    compare,
)

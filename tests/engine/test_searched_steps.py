"""Line searches, conjugate gradients and Newton's rule on a network, over 300 steps, against plain ones.

The plain ones have a forward and a backward pass, second derivatives and searches of their own
(`plain_network`, `plain_rules`, `plain_searches`), and SciPy's bracket and search besides.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import plain_rules as plain
from engines import ALL, make_engine
from kinds_of_rules import SEARCHED
from plain_network import PlainNetwork
from plain_searches import SEARCHES
from problems import NETWORK, draw_data
from runs import one_call
from schuss.method.plan import Plan
from schuss.method.rules import ConjugateGradients, LineSearch, Newton
from schuss.method.samples import Samples

STEPS = 300
EPSILON = 2.0**-52
X, T = draw_data()
PLAIN = PlainNetwork(X, T, hidden=7)
SAMPLES = Samples.check(NETWORK, X, T)
BOTH = ALL[:2]  # the readable engine and a compiled one, whose fused sets have the same bits


def ask(theta: Any) -> tuple[float, list[float]]:
    place = np.array(theta)
    return float(PLAIN.loss(place)), PLAIN.gradient(place).tolist()


def hessian(_ask: Any, theta: Any) -> Any:
    return PLAIN.hessian(np.array(theta))


def without_second_slopes(_ask: Any, theta: Any) -> Any:
    """Gauss and Newton's matrix: JᵀJ/P, J the slopes of the outputs, by complex steps."""
    place = np.array(theta)
    shifts = 1j * 1e-30 * np.eye(place.size)
    J = PLAIN.outputs(place + shifts).imag.reshape(place.size, -1) / 1e-30
    return J @ J.T / len(X)


# --- how near a step must be, of its largest change; `share` is what the loss falls by, of itself ---


def rounding(share: float) -> float:  # noqa: ARG001  # as the others
    """Golden sections are multiples of the first length, so both have the same; gradients round apart.

    A gradient errs by some ε of its terms, which at the bottom of a valley are 10³ times what is left.
    """
    return 1e-11


def parabolas(tolerance: float, share: float) -> float:
    """Three looks a `tolerance` apart differ by that part of what the loss falls by, and each errs by ε·E.

    So their vertex is uncertain by ε·E/fall/tolerance of the length, and three looks err.
    """
    return max(1e-9, 100 * EPSILON / share / tolerance)


def seen_in_losses(share: float) -> float:
    """At its lowest point a loss rises with the square of the way, so ε·E hides √(ε·E/fall) of the length."""
    return 30 * float(np.sqrt(EPSILON / share))


class Case(NamedTuple):
    """A rule, its plain twin, how near a step of it is, and over how many steps the whole way is the twin's.

    Among some thousand comparisons of losses a few are of losses that agree to rounding, where `tolerance` is
    small. They may come out either way, and the length is then another one within the tolerance: in so many
    steps at most.
    """

    rule: Any
    twin: Any
    near: Callable[[float], float]
    way: int = 0
    either: int = 0


def searched(name: str, tolerance: float = 0.1) -> Any:
    return partial(SEARCHES[name], tolerance=tolerance)


def along_momentum(method: str, tolerance: float = 0.1) -> LineSearch:
    return LineSearch(0.9, "momentum", method, tolerance)


CASES: dict[str, Case] = {
    "golden": Case(LineSearch(), plain.line_search(0, searched("golden")), rounding, STEPS),
    "brent": Case(
        LineSearch(method="brent"), plain.line_search(0, searched("brent")), partial(parabolas, 0.1), 40
    ),
    "momentum, golden": Case(
        along_momentum("golden"), plain.line_search(0.9, searched("golden")), rounding, STEPS
    ),
    "momentum, brent": Case(
        along_momentum("brent"), plain.line_search(0.9, searched("brent")), partial(parabolas, 0.1), 40
    ),
    "conjugate gradients": Case(
        ConjugateGradients(),
        plain.conjugate_gradients(searched("brent", 1e-4)),
        partial(parabolas, 1e-4),
        way=40,
        either=3,
    ),
    "newton": Case(Newton(), plain.newton(1.0, 0.01, hessian), rounding, STEPS),
    "newton, slow": Case(Newton(0.1, 1.0), plain.newton(0.1, 1.0, hessian), rounding),
    "golden, SciPy": Case(LineSearch(tolerance=1e-8), plain.line_search(0), seen_in_losses),
    "momentum, SciPy": Case(along_momentum("brent", 1e-8), plain.line_search(0.9), seen_in_losses),
    "conjugate gradients, SciPy": Case(ConjugateGradients(1e-8), plain.conjugate_gradients(), seen_in_losses),
}
BROKEN: dict[str, tuple[str, Any]] = {
    "stops early": ("golden", plain.line_search(0, searched("golden", 0.2))),
    "stops late": ("brent", plain.line_search(0, searched("brent", 0.05))),
    "the other search": ("momentum, brent", plain.line_search(0.9, searched("golden"))),
    "less momentum": ("momentum, golden", plain.line_search(0.899, searched("golden"))),
    "momentum turned round": ("momentum, SciPy", plain.line_search(-0.9)),
    "no momentum": ("momentum, SciPy", plain.line_search(0)),
    "momentum where none is": ("golden, SciPy", plain.line_search(0.9)),
    "Fletcher and Reeves": (
        "conjugate gradients",
        plain.conjugate_gradients(searched("brent", 1e-4), plain.fletcher_reeves),
    ),
    "not conjugate": ("conjugate gradients, SciPy", plain.line_search(0)),
    "no ridge": ("newton", plain.newton(1.0, 1e-9, hessian)),
    "a ridge that stays": ("newton", plain.newton(1.0, 0.01, hessian, most=0.01)),
    "half the ridge": ("newton, slow", plain.newton(0.1, 0.5, hessian)),
    "Gauss and Newton": ("newton, slow", plain.newton(0.1, 1.0, without_second_slopes)),
}


@cache
def run_of(case: str, name: str) -> Any:
    """Return the weights before each step of an engine's run and after the last, (STEPS + 1, n)."""
    engine, rule = make_engine(name), CASES[case].rule
    assert engine.info.engine == name.split("-")[0]
    plan = Plan(rule, batch_size=None, epochs=STEPS, order="sequential")
    state = plan.start(NETWORK.initial(3, "float64"))
    thetas = [state.theta]
    with threadpool_limits(1):  # matrices so small are slower on more threads
        for n in range(STEPS):
            state = one_call(engine, NETWORK, state, SAMPLES, plan, n + 1).state
            thetas.append(state.theta)
    return np.array(thetas)


def check_each_step(thetas: Any, twin: Any, case: Case) -> None:
    """Fail unless the twin, which remembers for itself, makes of each θ of the rule the next one."""
    known, either = dict[str, Any](), case.either
    losses = [float(PLAIN.loss(theta)) for theta in thetas]
    for n in range(len(thetas) - 1):
        found, expected = thetas[n + 1] - thetas[n], np.array(twin(ask, thetas[n].tolist(), known))
        share = (losses[n] - losses[n + 1]) / losses[n]
        assert share > 1e-6, f"step {n} does not go down"
        worst, near = float(np.abs(found - expected).max() / np.abs(expected).max()), case.near(share)
        if worst > near and either:
            either, near = either - 1, case.rule.tolerance
        assert worst <= near, f"step {n} differs by {worst:.3g}, {near:.3g} allowed"


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("case", CASES)
def test_each_of_300_steps_is_the_plain_one(case: str, name: str) -> None:
    """To rounding, where both look at the same lengths; as near as losses can tell, where SciPy looks."""
    check_each_step(run_of(case, name), CASES[case].twin, CASES[case])


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_twin_is_rejected(fault: str) -> None:
    """By the same comparison, within a dozen steps."""
    case, twin = BROKEN[fault]
    with pytest.raises(AssertionError, match=r"step \d+ differs"):
        check_each_step(run_of(case, BOTH[-1])[:13], twin, CASES[case])


def way_of(twin: Any, theta: Any) -> Any:
    """Return where a twin is before each of its own steps and after the last, (STEPS + 1, n)."""
    known, thetas = dict[str, Any](), [theta]
    for _ in range(STEPS):
        thetas.append(thetas[-1] + np.array(twin(ask, thetas[-1].tolist(), known)))
    return np.array(thetas)


@cache
def plain_way(case: str) -> Any:
    return way_of(CASES[case].twin, NETWORK.initial(3, "float64"))


def parted(one: Any, other: Any) -> Any:
    """Return how far two ways are from each other, relative to the largest weight, after each step so far."""
    return np.maximum.accumulate(np.abs(one - other).max(axis=1) / np.abs(one).max(axis=1))


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.way])
def test_the_whole_way_is_the_plain_one(case: str, name: str) -> None:
    """All 300 steps by golden sections and by Newton's rule, without meeting in between.

    By parabolas 40 steps. There roundings grow from step to step, as the test below shows of the twin alone,
    and once in a while one decides whether a parabola is followed.
    """
    way = slice(0, CASES[case].way + 1)
    found, expected = run_of(case, name)[way].copy(), plain_way(case)[way]
    assert parted(expected, found)[-1] < 1e-9
    found[5] += 1e-8
    assert parted(expected, found)[-1] > 1e-9


@pytest.mark.parametrize("case", ["momentum, brent", "conjugate gradients"])
def test_no_two_ways_by_parabolas_are_the_same(case: str) -> None:
    """The plain twin, begun one rounding away, is elsewhere after 300 steps; by golden sections it is not."""
    start = NETWORK.initial(3, "float64")
    nudged = way_of(CASES[case].twin, np.nextafter(start, 1.0))
    assert parted(plain_way(case), nudged)[-1] > 1e-6
    steady = way_of(CASES["golden"].twin, np.nextafter(start, 1.0))
    assert parted(plain_way("golden"), steady)[-1] < 1e-9


def test_every_rule_that_searches_is_here() -> None:
    """A rule that is added to them without a plain twin is missed."""
    assert {case.rule.name for case in CASES.values()} == set(SEARCHED)

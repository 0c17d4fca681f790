"""Every convention, run plainly in its own letters, makes the steps of every other with mapped settings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import twins
from schuss import SettingError, change_batch_size, convert, velocity_correction
from schuss.method.conventions import CONVENTIONS
from schuss.method.convert import Conversion
from schuss.method.memory import effective_rate, half_life
from schuss.method.schedules import Span
from twins import STEPS, TWINS, far, quadratic

ROUNDING = 1e-12  # three hundred steps of a few roundings each, on a surface where they fade
SEEN = 1e-3  # what a wrong rule differs by at the least
DROPS = (1.0, 0.3, 1.7)  # the rate in each third, as a multiple of the first

# Settings of every convention that are not its defaults, and nobody's neutral ones.
CASES: dict[str, list[dict[str, Any]]] = {
    name: [{"learning_rate": 0.2, "momentum": 0.8}] for name in CONVENTIONS
}
CASES["pytorch"] += [{"learning_rate": 0.2, "momentum": 0.8, "dampening": 0.6}]
CASES["pytorch"] += [{"learning_rate": 0.2, "momentum": 0.0, "dampening": 0.6}]
for _name, _convention in CONVENTIONS.items():
    if _convention.setting("nesterov"):
        CASES[_name] = [case | {"nesterov": False} for case in CASES[_name]]
        CASES[_name] += [{"learning_rate": 0.2, "momentum": 0.8, "nesterov": True}]
EACH = [(name, case) for name, cases in CASES.items() for case in cases]
PAIRS = [
    (name, case, other)
    for name, case in EACH
    for other, convention in CONVENTIONS.items()
    if not case.get("nesterov") or convention.setting("nesterov")
]


def rates_from(first: float, *, changing: bool) -> list[float]:
    """Return a rate for each of the steps."""
    return [first * (DROPS[k * 3 // STEPS] if changing else 1.0) for k in range(STEPS)]


def run(name: str, settings: Any, rates: list[float], gradient: Any = quadratic) -> Any:
    """Run a convention's twin with settings by its own names, but for the rate."""
    others = dict(settings)
    others.pop(CONVENTIONS[name].rate_name)
    return TWINS[name](gradient, rates, **others)


def run_classical(found: Conversion, rates: list[float], *, correct: bool = True) -> Any:
    """Run our own rule, its velocity corrected at each change of `rates`, the source's."""
    rule, share = found.classical.rule, found.classical.learning_rate / rates[0]
    theta, memory, made = twins.START, np.zeros((1, 3)), [twins.START]
    first = float(rule.at(np.array([0]), Span(STEPS))[0, 0])
    for k, rate in enumerate(rates):
        if k and correct:
            memory = memory * found.velocity_correction(rates[k - 1], rate)
        alpha = first if k == 0 else rate * share
        theta, memory = rule.update(theta, memory, quadratic(k, theta), (alpha, found.classical.momentum))
        made.append(theta)
    return np.array(made)


def test_every_convention_has_a_twin() -> None:
    """Whoever adds a row adds the rule, written plainly."""
    assert set(TWINS) == set(CONVENTIONS)


@pytest.mark.parametrize("changing", [False, True], ids=["constant", "changing"])
@pytest.mark.parametrize(("name", "case"), EACH)
def test_a_twin_makes_the_steps_of_our_rule(name: str, case: dict[str, Any], changing: bool) -> None:
    """With `classical.rule`, and with the velocity corrected where the convention asks for it."""
    found = convert(name, "schuss", **case)
    rates = rates_from(case["learning_rate"], changing=changing)

    assert far(run(name, found.given, rates), run_classical(found, rates)) < ROUNDING
    if changing and not found.is_exact_when_rate_changes:
        assert far(run(name, found.given, rates), run_classical(found, rates, correct=False)) > SEEN


@pytest.mark.parametrize(("name", "case", "other"), PAIRS)
def test_a_twin_makes_the_steps_of_every_other(name: str, case: dict[str, Any], other: str) -> None:
    """With converted settings, after the first gradient has been given its weight."""
    found = convert(name, other, **case)
    weight = found.classical.first / found.first

    def gradient(k: int, w: Any) -> Any:
        return quadratic(k, w) * (weight if k == 0 else 1.0)

    there = float(found.settings[CONVENTIONS[other].rate_name])
    expected = run(name, found.given, rates_from(case["learning_rate"], changing=False))
    assert far(expected, run(other, found.settings, rates_from(there, changing=False), gradient)) < ROUNDING
    if weight != 1.0:
        assert far(expected, run(other, found.settings, rates_from(there, changing=False))) > SEEN


@pytest.mark.parametrize("other", [name for name, c in CONVENTIONS.items() if c.inside and name != "matlab"])
def test_a_first_rate_makes_up_for_the_first_gradient(other: str) -> None:
    """Where the rate stands inside: one larger rate, for one step, is PyTorch's undamped first step."""
    found = convert("pytorch", other, lr=0.2, momentum=0.8, dampening=0.6)
    rates = rates_from(float(found.settings[CONVENTIONS[other].rate_name]), changing=False)
    rates[0] *= found.classical.first / found.first

    assert (
        far(run("pytorch", found.given, rates_from(0.2, changing=False)), run(other, found.settings, rates))
        < ROUNDING
    )


def broken() -> list[Any]:
    """Return twins with a mistake: a name, what is run, and what it should make the steps of."""
    rates, changing = rates_from(0.2, changing=False), rates_from(0.2, changing=True)
    average, torch = {"learning_rate": 0.2, "beta": 0.8}, {"momentum": 0.8, "dampening": 0.6}
    return [
        pytest.param(
            "pdp",
            {"eta": 0.2, "alpha": 0.8},
            lambda: twins.pdp(quadratic, rates_from(0.8, changing=False), 0.2),
            id="swapped letters",
        ),
        pytest.param(
            "moving-average", average, lambda: twins.optax(quadratic, rates, 0.8), id="1 − β forgotten"
        ),
        pytest.param(
            "pytorch", {"lr": 0.2} | torch, lambda: twins.optax(quadratic, rates, 0.8), id="1 − τ forgotten"
        ),
        pytest.param(
            "pytorch",
            {"lr": 0.2} | torch,
            lambda: twins.optax(quadratic, [r * 0.4 for r in rates], 0.8),
            id="first step damped",
        ),
        pytest.param(
            "keras",
            {"learning_rate": 0.2, "momentum": 0.8},
            lambda: twins.classical(quadratic, rates, 0.8, True),
            id="Nesterov",
        ),
        pytest.param(
            "keras",
            {"learning_rate": 0.2, "momentum": 0.8},
            lambda: twins.optax(quadratic, changing, 0.8),
            id="rate outside",
        ),
    ]


@pytest.mark.parametrize(("name", "settings", "wrong"), broken())
def test_a_wrong_twin_is_noticed(name: str, settings: dict[str, float], wrong: Any) -> None:
    """The comparison above rejects the usual mistakes."""
    found = convert(name, "schuss", **settings)
    rates = rates_from(0.2, changing=False)

    assert far(run_classical(found, rates), run(name, found.given, rates)) < ROUNDING
    assert far(run_classical(found, rates), wrong()) > SEEN


def test_two_steps_by_hand() -> None:
    """Gradient 1, momentum .9, rate .1 and then .01: −.119 with the rate outside, −.2 with it inside."""

    def one(k: int, w: Any) -> Any:  # noqa: ARG001  # a slope everywhere the same
        return np.ones(3)

    def moved(name: str) -> float:
        made = TWINS[name](one, [0.1, 0.01], 0.9)
        return float(made[-1][0] - made[0][0])

    assert moved("optax") == pytest.approx(-0.119, abs=1e-15)
    assert moved("keras") == pytest.approx(-0.200, abs=1e-15)
    assert convert("optax", "keras", learning_rate=0.1, momentum=0.9).velocity_correction(
        0.1, 0.01
    ) == pytest.approx(0.1)
    assert convert("keras", "optax", momentum=0.9).velocity_correction(0.1, 0.01) == pytest.approx(10.0)
    assert convert("keras", "caffe", momentum=0.9).velocity_correction(0.1, 0.01) == 1.0


@given(
    source=st.sampled_from(list(CONVENTIONS)),
    target=st.sampled_from(list(CONVENTIONS)),
    rate=st.floats(1e-9, 1e3),
    momentum=st.floats(0.0, 0.9999),
    dampening=st.floats(0.0, 0.999),
    nesterov=st.booleans(),
)
def test_there_and_back(
    source: str, target: str, rate: float, momentum: float, dampening: float, nesterov: bool
) -> None:
    """A → B → A gives the settings of A again, but for a first weight that B does not have."""
    given_ = {"learning_rate": rate, "momentum": momentum}
    here, there = CONVENTIONS[source], CONVENTIONS[target]
    if here.setting("nesterov"):
        given_["nesterov"] = nesterov
        assume(not nesterov or there.setting("nesterov"))
    if here.setting("dampening") and not nesterov:
        given_["dampening"] = dampening
    out = convert(source, target, **given_)
    back = convert(target, source, **out.settings)

    assert back.classical.learning_rate == pytest.approx(out.classical.learning_rate, rel=1e-12)
    assert back.classical.momentum == out.classical.momentum
    assert back.classical.nesterov == out.classical.nesterov
    if out.classical.first == out.first and (momentum or not dampening):
        assert back.settings == pytest.approx(out.given, rel=1e-12, abs=1e-15)


def test_a_smaller_step_after_a_drop() -> None:
    """After a drop to a tenth at η = .9, uncorrected pushes end 8.1 times the last change further."""
    velocity, further = 1.0, [0.0, 0.0]
    for i, factor in enumerate((1.0, velocity_correction(0.1, 0.01))):
        moving = velocity * factor
        for _ in range(1000):
            moving *= 0.9
            further[i] += moving
    assert further[0] - further[1] == pytest.approx(8.1, rel=1e-12)


@pytest.mark.parametrize(
    ("batches", "momentum", "factor"), [((32, 128), 0.6561, 13.756), ((128, 32), 0.974004, 0.0649906)]
)
def test_batch_sizes(batches: tuple[int, int], momentum: float, factor: float) -> None:
    """Four times the batch at η = .9, and a quarter of it."""
    rate, faded = change_batch_size(0.1, 0.9, *batches)
    summed, _ = change_batch_size(0.1, 0.9, *batches, reduction="sum")
    before, after = batches

    assert faded == pytest.approx(momentum, rel=1e-6)
    assert rate / 0.1 == pytest.approx(factor, rel=1e-6)
    assert summed == pytest.approx(rate * before / after, rel=1e-12)
    # memory and movement, per sample
    assert (half_life(faded) or 0) * after == pytest.approx((half_life(0.9) or 0) * before, rel=1e-12)
    assert effective_rate(rate, faded) / after == pytest.approx(effective_rate(0.1, 0.9) / before, rel=1e-12)
    assert change_batch_size(0.1, 0.0, *batches) == (pytest.approx(0.1 * after / before), 0.0)


def test_batch_sizes_within_a_conversion() -> None:
    """The classical settings change, and the target's with them."""
    found = convert("moving-average", "pytorch", learning_rate=1.0, beta=0.9, batch_sizes=(32, 128))

    assert found.before.learning_rate == pytest.approx(0.1)
    assert found.settings == pytest.approx(
        {"lr": 1.3756, "momentum": 0.6561, "dampening": 0.0, "nesterov": False}
    )


@pytest.mark.parametrize(
    ("momentum", "steps"),
    [(0.5, 1.0), (0.8, 3.106), (0.9, 6.579), (0.95, 13.513), (0.99, 68.968), (0.999, 692.80)],
)
def test_half_life(momentum: float, steps: float) -> None:
    """The published table; without momentum there is none, and at 1 it never ends."""
    assert half_life(momentum) == pytest.approx(steps, abs=5e-3)
    assert half_life(0.0) is None
    assert half_life(1.0) == effective_rate(0.1, 1.0) == float("inf")


REFUSED: dict[str, tuple[tuple[str, str], dict[str, Any], str]] = {
    "unknown source": (("torch", "schuss"), {}, "got 'torch' (did you mean 'pytorch'?)"),
    "unknown target": (("schuss", "karas"), {}, "got 'karas' (did you mean 'keras'?)"),
    "unknown setting": (("pytorch", "keras"), {"dampning": 0.1}, "(did you mean 'dampening'?)"),
    "missing": (("pdp", "keras"), {"eta": 0.1}, "pdp has no default for alpha"),
    "twice": (("pytorch", "keras"), {"lr": 0.1, "learning_rate": 0.1}, "one setting; give it once"),
    "rate 0": (("pytorch", "keras"), {"lr": 0.0}, "lr must lie in (0, inf); got 0.0"),
    "rate nan": (("pytorch", "keras"), {"lr": float("nan")}, "lr must lie in (0, inf); got nan"),
    "rate text": (("pytorch", "keras"), {"lr": "fast"}, "lr must be a number in (0, inf); got 'fast'"),
    "momentum": (("keras", "schuss"), {"momentum": 1.5}, "momentum must lie in [0, 1]; got 1.5"),
    "dampening": (("pytorch", "schuss"), {"dampening": 1.0}, "dampening must lie in [0, 1); got 1.0"),
    "nesterov": (("keras", "schuss"), {"nesterov": 1}, "nesterov must be True or False; got 1"),
    "no nesterov": (
        ("keras", "matlab"),
        {"momentum": 0.9, "nesterov": True},
        "matlab has no form of Nesterov",
    ),
    "both": (
        ("pytorch", "keras"),
        {"dampening": 0.5, "nesterov": True, "momentum": 0.9},
        "no dampening with",
    ),
    "beta 1": (("moving-average", "keras"), {"learning_rate": 1.0, "beta": 1.0}, "beta must lie in [0, 1)"),
    "to beta 1": (("keras", "matlab"), {"momentum": 1.0}, "momentum must be below 1"),
    "too large": (("keras", "matlab"), {"learning_rate": 1e308, "momentum": 0.99}, "the rate for matlab"),
    "batches": (("keras", "keras"), {"batch_sizes": (32, 0)}, "to must be an integer of at least 1; got 0"),
}


@pytest.mark.parametrize(("systems", "settings", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(systems: tuple[str, str], settings: dict[str, Any], message: str) -> None:
    """The message says what is wrong and what is allowed."""
    with pytest.raises(SettingError) as error:
        convert(*systems, **settings)
    assert message in str(error.value)


def test_corrections_are_refused_for_rates_that_are_none() -> None:
    """A velocity made with a rate of 0 cannot be rescaled."""
    with pytest.raises(SettingError, match="the rate before must lie in"):
        velocity_correction(0.0, 0.1)
    with pytest.raises(SettingError, match="the rate after must lie in"):
        velocity_correction(0.1, float("nan"))


def test_nesterov_without_momentum_is_plain_descent() -> None:
    """PyTorch refuses it, and it makes the same steps."""
    found = convert("schuss", "pytorch", learning_rate=0.1, momentum=0.0, nesterov=True)
    assert found.settings["nesterov"] is False
    assert "nesterov=True" not in found.paste
    assert "nesterov=True" in convert("schuss", "pytorch", momentum=0.5, learning_rate=1, nesterov=True).paste

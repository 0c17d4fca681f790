"""A training that diverges says at which step, in which layer, at which rates, and keeps the state before."""

from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import Engine
from kinds_of_rules import KERNEL_RULES, SEARCHED, WHOLE_RULES, batch_for
from problems import BATCH, NETWORK, STEPS_PER_EPOCH, Spy, draw_data
from runs import step_by_step
from schuss import Cosine, DivergenceError, GradientDescent, Momentum, Nesterov, Network, Plan, State, train
from schuss.method.samples import Samples
from schuss.training.divergence import first_bad_layer

ALL_RULES = KERNEL_RULES | WHOLE_RULES
WILD_RULES = [name for name in ALL_RULES if "learning_rate" in ALL_RULES[name].rates and name not in SEARCHED]
WILD = [
    pytest.param(GradientDescent(9.0), id="gradient descent"),
    pytest.param(Momentum(2.0, 0.9), id="momentum"),
    pytest.param(Nesterov(2.0, 0.9), id="nesterov"),
]


def diverge(engine: Any, rule: Any, dtype: str = "float64", **settings: Any) -> DivergenceError:
    how = {"rule": rule, "batch_size": BATCH, "epochs": 3000, **settings}
    with pytest.raises(DivergenceError) as caught:
        train(NETWORK, *draw_data(dtype=dtype), engine=engine, **how)
    return caught.value


def first_bad_step(engine: Engine, rule: Any, last: int, dtype: str) -> tuple[int, State]:
    """Return the first step with a non-finite result, and the state before, by taking single steps."""
    plan = Plan(rule=rule, batch_size=BATCH, epochs=3000)
    samples = Samples.check(NETWORK, *draw_data(dtype=dtype))
    state = State.start(NETWORK.initial(0, samples.X.dtype), len(rule.memory))
    with np.errstate(all="ignore"):
        for step in range(last + 1):
            made = step_by_step(engine, NETWORK, state, samples, plan, step + 1)
            if not (np.isfinite(made.losses).all() and made.state.finite):
                return step, state
            state = made.state
    raise AssertionError(f"every step up to {last} is finite")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", WILD)
def test_the_step_and_the_state_before_it_are_exact(engine: Engine, rule: Any, dtype: str) -> None:
    """They are those that single steps find; the state is finite and one step short of the trouble."""
    error = diverge(engine, rule, dtype)
    step, before = first_bad_step(engine, rule, error.step, dtype)

    assert error.step == step > STEPS_PER_EPOCH
    assert_same_bits(error.state, before)
    assert error.state.finite
    assert error.state.step == error.step
    assert error.learning_rate == rule.learning_rate
    assert error.momentum == getattr(rule, "momentum", 0.0)


@pytest.mark.parametrize("name", WILD_RULES)
def test_every_rule_tells_its_rate(engine: Engine, name: str) -> None:
    """As it was set, whatever numbers the rule makes of it for a step."""
    rule = ALL_RULES[name](learning_rate=1e36)
    error = diverge(engine, rule, "float32", batch_size=batch_for(rule, BATCH))
    assert error.learning_rate == 1e36
    assert error.momentum == getattr(rule, "momentum", 0.0)


def test_it_is_noticed_within_its_epoch(engine: Engine) -> None:
    """The stride ends at the end of the epoch in which the first non-finite number appeared."""
    spy = Spy(engine)
    error = diverge(spy, WILD[1].values[0])
    noticed = next(made.state.step for _, _, made in spy.calls if made.outcome == "not_finite")

    assert error.step < noticed <= (error.step // STEPS_PER_EPOCH + 1) * STEPS_PER_EPOCH


def test_the_message_says_what_and_what_to_try(engine: Engine) -> None:
    """Step, place, both rates, the effective rate α/(1−η), and gentler values."""
    error = diverge(engine, Momentum(2.0, 0.9))

    place = f"the weights into layer '{error.layer}'" if error.layer else "the loss"
    assert str(error) == (
        f"training diverged: at step {error.step} {place} became non-finite (learning rate 2, "
        "momentum 0.9, effective rate 20). Try a learning rate of 0.2 or a momentum of 0.8 or "
        "less. Check that the inputs are standardised."
    )
    assert isinstance(error, ArithmeticError)


@pytest.mark.parametrize(("dtype", "rate"), [("float32", 3e38), ("float64", 1e308)])
def test_weights_that_overflow_under_a_finite_loss_are_blamed(
    engine: Engine, dtype: str, rate: float
) -> None:
    """The step is the one whose update overflowed, not the next, whose loss shows it."""
    X, T = draw_data(dtype=dtype)
    with pytest.raises(DivergenceError, match="the weights into layer 'hidden1' became") as caught:
        train(NETWORK, X, 100 * T, rule=GradientDescent(rate), batch_size=BATCH, epochs=9, engine=engine)

    error = caught.value
    assert (error.step, error.layer) == (0, "hidden1")
    np.testing.assert_array_equal(error.state.theta, NETWORK.initial(0, np.dtype(dtype)))


def test_a_momentum_of_one_is_advised_against(engine: Engine) -> None:
    """Nothing is ever forgotten: the effective rate is infinite, and "1 or less" would be no advice."""
    error = diverge(engine, Momentum(2.0, 1.0))

    assert "effective rate inf" in str(error)
    assert "a momentum of 0.9 or less" in str(error)


def test_a_schedules_rate_is_that_of_the_step(engine: Engine) -> None:
    """A rate that rises is told as it was when it was too high."""
    rule = Momentum(Cosine(50.0, warm_up=0.5), 0.9)
    error = diverge(engine, rule, epochs=100)
    plan = Plan(rule=rule, batch_size=BATCH, epochs=100)

    assert error.learning_rate == plan.rates(error.step, error.step + 1, 22)[0, 0] < 50.0


@pytest.mark.parametrize(("dtype", "huge"), [("float32", 1e20), ("float64", 1e160)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_loss_that_overflows_alone_is_noticed(
    engine: Engine, dtype: str, huge: float, at_once: bool
) -> None:
    """Finite weights do not hide a loss that is infinite, in the first step or later."""
    network, X = Network([1, 1], "identity"), np.ones((7, 1), dtype)
    target, first, rate = (huge, 0.0, 1e-30) if at_once else (0.0, -0.1 * huge**0.5, 5.0)
    T, theta = np.full((7, 1), target, dtype), np.array([first, 0.0])
    with pytest.raises(DivergenceError) as caught:
        train(
            network, X, T, rule=GradientDescent(rate), batch_size=3, epochs=500, theta=theta,
            engine=engine,
        )  # fmt: skip

    error = caught.value
    assert error.layer is None, "no layer is to blame"
    assert "the loss became non-finite" in str(error)
    assert error.step == 0 if at_once else error.step > 9
    assert error.state.finite


@pytest.mark.parametrize("place", [0, 20, 28, 43])
def test_the_layer_is_the_one_that_the_first_bad_weight_leads_into(place: int) -> None:
    """Its name is found from the weight's place, in the weights first, then in the velocity."""
    expected = "hidden1" if place < 28 else "output"
    for row in ("theta", "velocity"):
        theta, velocity = np.zeros(44), np.zeros((1, 44))
        (theta if row == "theta" else velocity[0])[place] = np.inf
        assert first_bad_layer(NETWORK, State(theta, velocity)) == expected
    assert first_bad_layer(NETWORK, State(np.zeros(44), np.zeros((1, 44)))) is None


def test_a_divergence_during_validation_epochs_is_the_same(engine: Engine) -> None:
    """Strides of one epoch find the same step as long ones."""
    alone = diverge(engine, Momentum(2.0, 0.9))
    judged = diverge(engine, Momentum(2.0, 0.9), validation=draw_data(9, seed=3))

    assert (judged.step, judged.layer) == (alone.step, alone.layer)
    assert_same_bits(judged.state, alone.state)

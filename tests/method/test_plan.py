"""Plan: batches cover each epoch, any step's samples follow from the step alone, and JSON keeps it all."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.errors import SettingError
from schuss.method.backprop import Objective
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.racers import Lbfgs
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov
from schuss.method.schedules import Cosine, InverseScaling, Plateau, Span

SHUFFLED = Shuffled.of(np.random.RandomState(4))
orders = st.sampled_from(["philox", "sequential", SHUFFLED])
batch_sizes = st.one_of(st.none(), st.integers(1, 40))


@given(st.integers(1, 30), batch_sizes, orders, st.integers(0, 4))
def test_the_batches_of_an_epoch_cover_it_once(n, batch_size, order, epoch):
    """One after the other, an epoch's batches are its order, and only the last may be short."""
    plan = Plan(batch_size=batch_size, order=order, seed=9)
    per_epoch = plan.steps_per_epoch(n)
    batches = [plan.batch(epoch * per_epoch + place, n) for place in range(per_epoch)]
    np.testing.assert_array_equal(np.concatenate(batches), plan.order_of(epoch, n))
    assert all(len(batch) == plan.batch_of(n) for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= plan.batch_of(n)


def test_the_numbers_of_steps():
    """10 samples in batches of 4 are 3 steps an epoch; a batch larger than the data is the data."""
    plan = Plan(batch_size=4, epochs=7)
    assert (plan.batch_of(10), plan.steps_per_epoch(10), plan.steps(10)) == (4, 3, 21)
    assert (plan.batch_of(3), plan.steps_per_epoch(3)) == (3, 1)
    whole = Plan(batch_size=None, epochs=7)
    assert (whole.batch_of(10), whole.steps_per_epoch(10), whole.steps(10)) == (10, 1, 7)


def test_sequential_order_is_the_data_s_own():
    """order="sequential" visits the samples as they stand, in every epoch."""
    assert Plan(order="sequential").order_of(5, 6).tolist() == [0, 1, 2, 3, 4, 5]


def test_rates_of_steps():
    """Rates lists a row per step, the rule's rates in their order, schedules resolved over all steps."""
    constant = Plan(Momentum(0.25, 0.5), epochs=2, batch_size=5)
    assert constant.rates(3, 5, 10).tolist() == [[0.25, 0.5], [0.25, 0.5]]
    falling = Plan(GradientDescent(Cosine(1.0)), epochs=2, batch_size=5)  # 4 steps on 10 samples
    expected = 0.5 * (1 + np.cos(np.pi * np.array([[0.25], [0.5]])))
    np.testing.assert_allclose(falling.rates(1, 3, 10), expected, rtol=1e-15)


@given(st.integers(0, 20), st.integers(0, 20))
def test_rates_do_not_depend_on_where_the_run_was_cut(cut, stop):
    """Rates of [0, stop) are rates of [0, cut) and [cut, stop) one after the other."""
    plan = Plan(Momentum(Cosine(0.3, 0.1, 0.2), 0.9), epochs=10, batch_size=5)
    cut = min(cut, stop)
    whole = np.concatenate([plan.rates(0, cut, 10), plan.rates(cut, stop, 10)])
    np.testing.assert_array_equal(whole, plan.rates(0, stop, 10))


def test_what_decay_leaves():
    """1 − α·λ of the weights at each step, α as its schedule says; 1 where nothing decays."""
    assert Plan(Momentum(0.5), weight_decay=0.25).keeps(3, 5, 10).tolist() == [0.875, 0.875]
    falling = Plan(Adam(Plateau(0.5, 2.0, drops=(4,))), weight_decay=0.5)
    assert falling.keeps(2, 6, 10).tolist() == [0.75, 0.75, 0.875, 0.875]  # α, not Adam's corrected rate
    assert Plan(Adam(Cosine(0.1))).keeps(0, 3, 10).tolist() == [1.0, 1.0, 1.0]


@given(st.integers(0, 20), st.integers(0, 20))
def test_decay_does_not_depend_on_where_the_run_was_cut(cut, stop):
    """Neither is it another number when a step is asked for alone."""
    plan = Plan(Momentum(Cosine(0.3, 0.1, 0.2), 0.9), epochs=10, batch_size=5, weight_decay=0.3)
    cut = min(cut, stop)
    whole = np.concatenate([plan.keeps(0, cut, 10), *(plan.keeps(i, i + 1, 10) for i in range(cut, stop))])
    np.testing.assert_array_equal(whole, plan.keeps(0, stop, 10))


def test_the_span_of_a_training():
    """Steps in all, of an epoch, and samples of an epoch, which schedules count by."""
    assert Plan(batch_size=4, epochs=7).span(10) == Span(21, 3, 10)
    assert Plan(batch_size=None, epochs=7).span(10) == Span(7, 1, 10)


def test_shuffled_order():
    """With a Shuffled order each epoch is the one that it draws."""
    plan = Plan(order=SHUFFLED, batch_size=4)
    assert plan.order_of(2, 10).tolist() == SHUFFLED.orders(10, 2, 3)[0].tolist()
    assert plan.batch(7, 10).tolist() == SHUFFLED.orders(10, 2, 3)[0, 4:8].tolist()  # 3 steps an epoch


plans = st.builds(
    Plan,
    st.sampled_from(
        [
            *[GradientDescent(0.5), Nesterov(0.1, 0.8), Momentum(Cosine(0.3), Cosine(0.9))],
            *[
                Adam(0.01, age=3),
                Momentum(Plateau(0.3, 2.0, 1e-4, (5, 9))),
                Adam(InverseScaling(0.1, 0.3, 7)),
            ],
        ]
    ),
    epochs=st.integers(1, 1000),
    batch_size=batch_sizes,
    seed=st.integers(0, 2**64 - 1),
    order=orders,
    reduction=st.sampled_from(["mean", "sum"]),
    l2=st.floats(0, 10),
    l1=st.floats(0, 10),
    weight_decay=st.floats(0, 1e-9),  # times the rate it must stay below 1
    clip=st.one_of(st.none(), st.floats(1e-3, 10)),
    dropout=st.one_of(st.floats(0, 0.9), st.lists(st.floats(0, 0.9), max_size=3)),
    as_scikit_learn=st.booleans(),
    loss_goal=st.one_of(st.none(), st.floats(-5, 5)),
    patience=st.one_of(st.none(), st.integers(1, 50)),
    min_improvement=st.floats(0, 1),
)


@given(plans)
def test_a_plan_survives_json(plan):
    """from_dict(to_dict) through JSON text gives an equal plan with an equal hash, to the last bit."""
    again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    assert hash(again) == hash(plan)


def test_plans_are_values():
    """A plan cannot be changed; replace gives another."""
    plan = Plan(epochs=3)
    with pytest.raises(AttributeError):
        plan.epochs = 4
    assert plan.replace(epochs=4) == Plan(epochs=4)
    assert plan.objective == Objective("mean", 0.0, 0.0)
    set_so = Plan(reduction="sum", l2=0.1, l1=0.2, clip=3, as_scikit_learn=True)
    assert set_so.objective == Objective("sum", 0.1, 0.2, 3.0, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("epochs", v) for v in (0, -1, 1.5, None, "10", True)],
        *[("batch_size", v) for v in (0, -4, 2.0, "32", True)],
        *[("seed", v) for v in (-1, 2**64, 0.0, None)],
        *[("order", v) for v in ("random", "Philox", None, 1)],
        *[("reduction", v) for v in ("average", None)],
        *[("l2", v) for v in (-1e-9, float("nan"), float("inf"), None, "0")],
        *[("l1", v) for v in (-1.0, float("nan"))],
        *[("weight_decay", v) for v in (-1e-9, float("nan"), float("inf"), None, "0", True)],
        *[("clip", v) for v in (0.0, -1.0, float("inf"), "1", False)],
        *[("dropout", v) for v in (-0.1, 1.0, float("nan"), None, "0.5", "half", True)],
        *[("as_scikit_learn", v) for v in (1, None, "yes", 0.0)],
        *[("loss_goal", v) for v in (float("nan"), "0", float("inf"))],
        *[("patience", v) for v in (0, -1, 1.5)],
        *[("min_improvement", v) for v in (-1e-3, None)],
        *[("rule", v) for v in ("momentum", None, Momentum, 0.1)],
    ],
)
def test_a_bad_setting(field, value):
    """Each setting outside what is allowed is a SettingError that names the field and shows the value."""
    with pytest.raises(SettingError, match=field) as caught:
        Plan(**{field: value})
    assert repr(value) in str(caught.value)


def test_a_near_miss_is_suggested():
    """A misspelt name is answered with the one that was meant."""
    with pytest.raises(SettingError, match="did you mean 'sequential'"):
        Plan(order="sequentiel")


@pytest.mark.parametrize("rule", [Lbfgs(), "lbfgs"])
def test_lbfgs_is_told_where_it_is(rule):
    """It is no rule; who asks for it hears of the estimators and of the race."""
    with pytest.raises(SettingError, match=r"no update rule: .*solver='lbfgs', or race it"):
        Plan(rule=rule)

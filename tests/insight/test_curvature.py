"""The curvature of a run: on a parabola that is known, against dense matrices, and in words."""

import json
import math

import numpy as np
import pytest

import schuss
from schuss import (
    Adam,
    DataError,
    GradientDescent,
    Momentum,
    Nesterov,
    Network,
    SettingError,
    curvature,
    train,
)
from schuss.engine.choice import engine_named
from schuss.errors import ReplayError
from schuss.insight.curvature.noise_scale import batches_apart, measured_noise_scale, noise_scale
from schuss.insight.curvature.surface import Surface, drawn_of
from schuss.method.plan import Plan
from schuss.method.rules import WHOLE_STEPS
from schuss.method.samples import Samples
from schuss.training.run import Run

LINEAR = Network([3, 1], "identity", "squared_error")


def parabola(n: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)) * [1.0, 2.0, 0.5], rng.standard_normal((n, 1))


def hessian(X: np.ndarray) -> np.ndarray:
    """Return that of ½·mean (t−y)² of a linear unit with a bias."""
    wide = np.column_stack([X, np.ones(len(X))])
    return wide.T @ wide / len(X)


def linear_run(rule=None, **how) -> Run:
    X, T = parabola()
    how = {"epochs": 3, "batch_size": None, "dtype": "float64"} | how
    return train(LINEAR, X, T, rule=rule or Momentum(0.05, 0.9), **how)


def test_a_linear_unit_has_the_curvature_of_its_inputs():
    """All eigenvalues, condition, thresholds and best settings are those of the inputs' second moments."""
    X, _ = parabola()
    true = np.linalg.eigvalsh(hessian(X))
    found = linear_run().curvature()
    np.testing.assert_allclose(found.values, true, rtol=1e-12)
    assert found.complete
    assert found.condition == pytest.approx(true[-1] / true[0])
    assert found.stable_rates["momentum"] == pytest.approx(3.8 / true[-1])
    assert found.threshold == pytest.approx(3.8 / 0.05)
    assert found.ratio == pytest.approx(true[-1] * 0.05 / 3.8)
    best = found.best["momentum"]
    assert best.learning_rate == pytest.approx((2 / (math.sqrt(true[0]) + math.sqrt(true[-1]))) ** 2)
    assert found.batches is None
    assert not np.allclose(found.values, np.linalg.eigvalsh(hessian(X + 0.01)), rtol=1e-4)


def test_the_advice_holds_where_the_loss_is_a_parabola():
    """Below the largest stable rate a training settles, above it does not; and the best is better."""
    found = linear_run().curvature()

    def loss(rate: float, momentum: float, epochs: int = 400) -> float:
        return float(linear_run(Momentum(rate, momentum), epochs=epochs).loss[-1])

    rate, floor = found.stable_rates["momentum"], loss(found.best["momentum"].learning_rate, 0.5)
    assert loss(0.98 * rate, 0.9) == pytest.approx(floor, rel=1e-3)
    assert loss(1.05 * rate, 0.9) > 100 * floor
    best = found.best["momentum"]
    excess = [loss(*settings, 40) - floor for settings in (best[:2], (0.05, 0.9), (best.learning_rate, 0.0))]
    assert excess[0] < 0.1 * min(excess[1:])


@pytest.mark.parametrize("rule", [GradientDescent(0.05), Momentum(0.05, 0.9), Nesterov(0.05, 0.9)])
def test_the_curvature_along_the_next_step_is_of_that_step(rule):
    """It is v·Hv/v·v of the very change that the next step makes."""
    run = linear_run(rule, epochs=5)
    step = run.at(4).theta - run.at(3).theta
    found = run.curvature(3)
    H = hessian(parabola()[0])
    assert found.step == 3
    assert found.along == pytest.approx(step @ H @ step / (step @ step), rel=1e-9)
    assert found.along != pytest.approx(run.curvature(4).along, rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_penalties_and_reduction_are_those_of_a_batch(reduction):
    """The average of all batches' Hessians, penalties included, has these eigenvalues."""
    X, T = parabola()
    run = train(
        LINEAR, X, T, rule=Momentum(0.001), epochs=1, batch_size=6, order="sequential", l2=0.8,
        reduction=reduction,
    )  # fmt: skip
    scale = 6 if reduction == "sum" else 1
    expected = scale * (hessian(X) + np.diag([0.8 / 6] * 3 + [0.0]))
    np.testing.assert_allclose(run.curvature().values, np.linalg.eigvalsh(expected), rtol=1e-10)
    assert not np.allclose(run.curvature().values, np.linalg.eigvalsh(scale * hessian(X)), rtol=1e-2)


def test_batches_bend_differently():
    """Mean and deviation along the sharpest direction are those of the batches' own matrices."""
    X, T = parabola()
    found = train(LINEAR, X, T, rule=Momentum(0.01, 0.5), epochs=1, batch_size=6).curvature(seed=3)
    top = np.linalg.eigh(hessian(X))[1][:, -1]
    bends = [top @ hessian(X[rows]) @ top for rows in batches_apart(24, 6, 3)]
    assert found.batches is not None
    assert (found.batches.mean, found.batches.deviation) == pytest.approx((np.mean(bends), np.std(bends)))
    assert found.batches.count == 4
    assert found.batch_rate is not None
    assert found.batch_rate < found.stable_rates["momentum"]


def test_adam_is_measured_by_its_own_memory():
    """The sharpness is the highest eigenvalue of P^−½·H·P^−½, P = √s + ε; before the first step unknown."""
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
    network = Network([3, 4, 2], "tanh", output="identity")
    run = train(network, X, T, rule=Adam(0.01), epochs=20, batch_size=None)
    found = run.curvature()
    engine, samples = engine_named("reference"), Samples.check(network, X, T)

    def product(v: np.ndarray) -> np.ndarray:
        return engine.curvature_product(network, run.state.theta, samples, run.plan.objective, v)

    H = np.array([product(e) for e in np.eye(network.n_parameters)])
    root = 1 / np.sqrt(np.sqrt(run.state.memory[1]) + 1e-8)
    true = np.linalg.eigvalsh(root[:, None] * H * root)[-1]
    assert found.sharpness == pytest.approx(true, rel=1e-6)
    assert found.sharpness != pytest.approx(found.highest.value, rel=0.1)
    factor = run.plan.rates(20, 21, 40)[0][0] if run.state.step < 20 else found.rates[0]
    assert found.threshold == pytest.approx(38 / factor)
    assert found.stable_rates["adam"] == pytest.approx(0.01 * found.threshold / true)
    before = run.curvature(0)
    assert before.sharpness is before.ratio is before.sharpest is None
    assert "adam" not in before.stable_rates
    assert "empty before the first step" in before.text()


@pytest.mark.parametrize("kind", WHOLE_STEPS, ids=lambda kind: kind.name)
def test_a_rule_of_whole_steps_leaves_its_own_limits_out(kind):
    """The eigenvalues hang on the weights alone, and so do the limits of other rules."""
    run = linear_run(kind())
    found, true = run.curvature(), np.linalg.eigvalsh(hessian(parabola()[0]))
    np.testing.assert_allclose(found.values, true, rtol=1e-12)
    assert found.stable_rates["gradient_descent"] == pytest.approx(2 / true[-1])
    assert found.sharpness == found.highest.value
    of_rule = ("threshold", "ratio", "along", "in_measure", "sharpest", "flattest", "batch_rate")
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    for name in (*of_rule, "effective_rate", "noise_amplification"):
        assert getattr(found, name) is told[name] is None
    words = kind.name.replace("_", " ")
    assert f"{words} looks at a whole step: its own threshold, motion and batch rate are" in found.text()
    assert ("learning rate" in found.text().splitlines()[1]) == ("learning_rate" in kind.rates)
    assert "looks at a whole step" not in linear_run().curvature().text()


def test_batches_are_measured_for_a_rule_of_whole_steps():
    """What batches bend is no matter of the rule; the rate that they allow is."""
    X, T = parabola()
    one, other = (
        train(LINEAR, X, T, rule=rule, epochs=1, batch_size=6, theta=np.zeros(4))
        for rule in (schuss.NesterovLookAhead(1e-9, 0.0), Momentum(1e-9, 0.0))
    )
    assert one.curvature().batches.mean == pytest.approx(other.curvature().batches.mean)
    assert (one.curvature().batch_rate, other.curvature().batch_rate is None) == (None, False)


def test_float32_is_measured_in_float64():
    """The same weights give the same curvature in either dtype, to the rounding of the weights."""
    X, T = parabola()
    small = train(LINEAR, X.astype("f4"), T.astype("f4"), epochs=1, batch_size=None).curvature()
    true = np.linalg.eigvalsh(hessian(X.astype("f4").astype("f8")))
    np.testing.assert_allclose(small.values, true, rtol=1e-12)


def test_of_many_samples_some_are_drawn():
    """So many, the same ones each time, said in the text; others with another seed."""
    run = linear_run()
    found = run.curvature(samples=10, seed=1)
    assert (found.n_samples, found.of_samples) == (10, 24)
    assert found.values.tobytes() == run.curvature(samples=10, seed=1).values.tobytes()
    assert found.values.tobytes() != run.curvature(samples=10, seed=2).values.tobytes()
    assert "10 samples drawn of 24" in found.text()


def test_other_samples_can_be_given():
    """The curvature is then that of the loss on them."""
    X, T = parabola(50, seed=9)
    found = curvature(linear_run(), X, T)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(hessian(X)), rtol=1e-10)


def test_the_noise_scale_in_numbers():
    """From two lengths without bias: |G|² = 5 and tr Σ = 15 give 5 + 15/b, and come out again."""
    found = noise_scale(5 + 15 / 4, 4, 5 + 15 / 32, 32)
    assert found == pytest.approx((5.0, 15.0))
    assert found.scale == pytest.approx(3.0)
    assert noise_scale(1.0, 4, 0.1, 32).scale == math.inf


def test_the_measured_noise_scale_is_right_on_average():
    """Over many draws of data, the two parts average to the true |G|² and tr Σ."""
    rng, found = np.random.default_rng(5), []
    network, theta = Network([1, 1], "identity", biases=False), np.array([0.0])
    for _ in range(150):
        # the gradient of a sample with x = 1 is −t: mean 2, variance 9
        samples = Samples.check(network, np.ones((256, 1)), rng.normal(-2.0, 3.0, (256, 1)))
        surface = Surface(engine_named("reference"), network, samples, Plan(batch_size=8), 8)
        measured = measured_noise_scale(surface, theta, 0)
        assert measured is not None
        found.append(measured)
    assert np.mean(found, axis=0) == pytest.approx((4.0, 9.0), rel=0.05)
    alone = drawn_of(samples, 1, 0)
    assert measured_noise_scale(Surface(surface.engine, network, alone, Plan(), 1), theta, 0) is None


def test_the_text_is_a_screenful_and_says_where_it_stands():
    """At most 100 columns or so and 40 lines; the verdict follows the ratio."""
    text = linear_run(Momentum(0.02, 0.9)).curvature().text()
    lines = text.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110
    assert "under-damped: it swings through the bottom every" in text
    assert "local advice" in text
    highest = float(np.linalg.eigvalsh(hessian(parabola()[0]))[-1])
    edge, beyond = (
        linear_run(Momentum(f * 3.8 / highest, 0.9), epochs=1).curvature().text() for f in (0.95, 1.2)
    )
    assert "at the edge of stability" in edge
    assert "beyond what a parabola allows" in beyond
    assert "unstable: each swing" in beyond


def test_a_schedule_is_asked_at_the_step():
    """The rate is that of the step, and the highest of the schedule is told beside it."""
    run = linear_run(Momentum(schuss.Listed([0.01, 0.05, 0.002]), 0.5), epochs=3)
    rates = [run.curvature(step).learning_rate for step in range(3)]
    assert rates == [0.01, 0.05, 0.002]
    assert run.curvature().learning_rate == 0.002
    assert "at 0.05, the highest rate of its schedule" in run.curvature().text()
    assert "of its schedule" not in run.curvature(1).text()


def test_json_holds_all_of_it():
    """Plain values, null where there is no number; no NaN and no infinity."""
    found = linear_run(GradientDescent(0.1)).curvature()
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["rule"] == "gradient_descent"
    assert told["highest"]["value"] == found.highest.value
    assert told["sharpest"]["period"] is None
    assert told["sharpest"]["damping"] == "over-damped"
    assert set(told["stable_rates"]) >= {"gradient_descent", "momentum", "nesterov"}
    assert "<pre" in found._repr_html_()
    assert repr(found).startswith("Curvature(step 3, highest eigenvalue")


def test_what_cannot_be_measured_is_refused():
    """No samples, no such step, no such number: each says what it wants."""
    run = linear_run()
    with pytest.raises(SettingError, match="give targets T"):
        curvature(run, np.ones((2, 3)))
    with pytest.raises(DataError, match="3"):
        curvature(run, np.ones((2, 5)), np.ones((2, 1)))
    with pytest.raises(SettingError, match="step must be an integer"):
        run.curvature(99)
    for name in ("samples", "products"):
        with pytest.raises(SettingError, match=f"{name} must be an integer of at least 1"):
            run.curvature(**{name: 0})
    X, T = parabola()
    given = train(LINEAR, X, T, epochs=1, theta=np.zeros(4))
    with pytest.raises(ReplayError, match="no state of this run was kept"):
        given.curvature(0)
    assert given.curvature().complete


def test_a_run_without_samples_asks_for_them(tmp_path):
    """As one read from a model file."""
    schuss.save_model(linear_run(), tmp_path / "m.schuss")
    run = schuss.load_model(tmp_path / "m.schuss").run
    with pytest.raises(DataError, match=r"curvature\(run, X, T\)"):
        curvature(run)
    np.testing.assert_array_equal(curvature(run, *parabola()).values, linear_run().curvature().values)

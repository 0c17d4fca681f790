"""The means of epochs that many trainings give, made where their losses are."""

from dataclasses import replace

import numpy as np
import pytest

import engines
from engines import Engine
from runs import draw_run
from schuss.errors import SettingError
from schuss.method.means import epoch_means, epoch_shares
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import States

NETWORK, COUNT = Network((2, 3, 1), "tanh"), 19
RATES = tuple(np.linspace(0.01, 0.03, COUNT).tolist())
# samples and batch size: epochs of 1, 7, 8, 9, 128, 129 and 300 steps, the last of some short
EPOCHS = [(5, None), (20, 3), (8, 1), (9, 1), (128, 1), (258, 2), (599, 2)]

pytestmark = pytest.mark.skipif(not engines.NATIVE, reason="no compiled kernel here")


def drawn(n: int, batch: int | None, reduction: str, count: int = COUNT) -> tuple[Samples, Plans, States]:
    """Return samples, plans and first states of `count` networks."""
    plans = Plans(Plan(batch_size=batch, reduction=reduction), {"learning_rate": RATES[:count]}, count)
    theta = np.stack([NETWORK.initial(i, "float64") for i in range(count)])
    samples, _ = draw_run(NETWORK, plans.plan, n, dtype="float64")
    return samples, plans, States(theta, np.zeros((count, 1, theta.shape[1]), "float64"))


@pytest.mark.parametrize(("n", "batch"), EPOCHS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_means_are_those_of_the_steps(n, batch, reduction):
    """To the last bit, for every layout and number of threads; the same terms added in turn give others."""
    samples, plans, start = drawn(n, batch, reduction)
    stop = 3 * plans.plan.steps_per_epoch(n)
    for name in engines.NATIVE:
        steps = engines.make_engine(name).advance_many(NETWORK, start, samples, plans, stop)
        expected = epoch_means(steps.losses, plans.plan, n)
        for layout, threads in (("lanes", 1), ("lanes", 2), ("alone", 2)):
            engine = engines.make_engine(name, threads)
            found = engine.advance_many(NETWORK, start, samples, plans, stop, epochs=True, layout=layout)
            assert found.losses.tobytes() == expected.tobytes()
            assert found.states.theta.tobytes() == steps.states.theta.tobytes()
        terms = steps.losses.reshape(COUNT, 3, -1) * epoch_shares(plans.plan, n)
        if terms.shape[-1] > 8:
            assert terms.cumsum(axis=-1)[..., -1].tobytes() != expected.tobytes()


def test_every_engine_gives_them(engine: Engine) -> None:
    """The readable engine too makes means of its own losses."""
    samples, plans, start = drawn(20, 3, "mean", count=3)
    found = engine.advance_many(NETWORK, start, samples, plans, 14, epochs=True)
    steps = engine.advance_many(NETWORK, start, samples, plans, 14)
    assert found.losses.shape == (3, 2)
    assert found.losses.tobytes() == epoch_means(steps.losses, plans.plan, 20).tobytes()


@pytest.mark.parametrize(("start", "stop"), [(0, 13), (1, 7), (3, 10), (0, 1)])
def test_parts_of_epochs_are_refused(engine: Engine, start: int, stop: int) -> None:
    """With what an epoch has and what was given, by every engine; whole ones from a later step are taken."""
    samples, plans, states = drawn(20, 3, "mean", count=3)
    words = rf"whole epochs, here of 7 steps each; got the steps \[{start}, {stop}\)"
    with pytest.raises(SettingError, match=words):
        engine.advance_many(NETWORK, replace(states, step=start), samples, plans, stop, epochs=True)
    later = engine.advance_many(NETWORK, replace(states, step=7), samples, plans, 21, epochs=True)
    assert later.losses.shape == (3, 2)

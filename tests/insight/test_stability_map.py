"""`stability_map`: each cell is a training, finer levels keep coarse ones, theory holds where it is exact."""

import json
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from maps import NETWORK, SMALL, draw_data, drawn, stages_of

from schuss import (
    AveragedMomentum,
    DataError,
    Lion,
    Momentum,
    Nesterov,
    Network,
    stability_map,
    sweep,
    train,
)
from schuss.insight.curvature.stability import comparable
from schuss.insight.stability_map.cells import at_borders
from schuss.insight.stability_map.classes import CLASSES, CONVERGES, DIVERGES, NEVER
from schuss.insight.stability_map.grid import Grid
from schuss.method.rules import ELEMENT_WISE, QuasiHyperbolic
from schuss.method.rules.rule import LETTERS

STABLE = {  # α·λ
    Momentum: lambda momentum: 2 + 2 * momentum,
    Nesterov: lambda momentum: (2 + 2 * momentum) / (1 + 2 * momentum),
    AveragedMomentum: lambda momentum: (2 + 2 * momentum) / (1 - momentum),
}


# --- where theory is exact ---


@pytest.mark.parametrize("rule", [Momentum, Nesterov, AveragedMomentum])
@pytest.mark.parametrize(("engine", "levels", "epochs"), [("native", 3, 600), ("reference", 1, 300)])
def test_on_a_quadratic_every_cell_obeys_theory(rule: type, engine: str, levels: int, epochs: int) -> None:
    """Each cell diverges if α is above the rule's bound over the largest eigenvalue, and only then."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 3))
    inputs = np.column_stack([X, np.ones(30)])
    largest = np.linalg.eigvalsh(inputs.T @ inputs / 30)[-1]
    found = stability_map(
        *(Network([3, 1]), X, rng.standard_normal((30, 1))),
        rule=rule(),
        batch_size=None,
        epochs=epochs,
        learning_rates=(0.4 / largest, (110 if rule is AveragedMomentum else 6.1) / largest),
        momenta=(0.0, 0.95),
        levels=levels,
        engine=engine,
    )
    rates, bound = found.learning_rate[:, None], STABLE[rule](found.momentum)[None] / largest
    diverges = found.classes == DIVERGES

    assert found.engine.engine == engine
    assert np.abs(rates / bound - 1).min() > 0.003  # no cell stands on the border
    assert 0.2 < diverges.mean() < 0.8
    assert (diverges == (rates > bound)).all()
    assert found.agreement["largest stable rate"] == 1.0
    assert found.agreement["gradient descent"] < 0.9  # the broken twin: 2/λ for every momentum


# --- cells are trainings ---


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_cell_is_what_train_makes(engine: str, dtype: str) -> None:
    """The losses of its epochs are those of `train` with its plan, to the last bit; not another cell's."""
    X, T = draw_data(dtype=dtype)
    found = stability_map(
        *(NETWORK, X, T), **SMALL, learning_rates=(0.01, 0.2), momenta=(0.0, 0.9), engine=engine, l2=0.01
    )
    assert found.engine.engine == engine
    assert found.loss.shape == (5, 5, 12)
    assert (found.diverged_at == NEVER).all()
    for i, j in np.ndindex(5, 5):
        run = train(NETWORK, X, T, found.plan_of(i, j), engine=engine)
        assert run.loss.tobytes() == found.loss[i, j].tobytes()
        assert run.loss.tobytes() != found.loss[i - 1, j].tobytes()


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_steps_to_the_goal_are_those_at_which_train_stops(engine: str) -> None:
    """`train` with the goal as its loss goal stops there, or nowhere."""
    X, T = draw_data()
    found = stability_map(NETWORK, X, T, **SMALL, learning_rates=(0.01, 0.3), engine=engine)
    for i, j in np.ndindex(5, 5):
        if found.diverged_at[i, j] != NEVER:
            continue
        run = train(NETWORK, X, T, found.plan_of(i, j).replace(loss_goal=found.goal), engine=engine)
        reached = run.stopped == "loss goal reached"
        assert found.steps[i, j] == (run.state.step if reached else NEVER)
    assert (found.steps == NEVER).any()
    assert len(np.unique(found.steps)) > 3


@pytest.mark.parametrize("kind", [kind for kind in ELEMENT_WISE if kind.keeps_by])
def test_the_momentum_is_whatever_the_rule_keeps_its_memory_by(kind: type) -> None:
    """Of each such rule a cell is what `train` makes with that rate; its other settings stay."""
    X, T = draw_data()
    others = {"nu": 0.3} if kind is QuasiHyperbolic else {}
    found = stability_map(NETWORK, X, T, **SMALL, rule=kind(**others))
    run = train(NETWORK, X, T, found.plan_of(1, 3))

    assert run.loss.tobytes() == found.loss[1, 3].tobytes() != found.loss[1, 4].tobytes()
    changed = {"learning_rate": found.learning_rate[1], found.keeps_by: found.momentum[3]}
    assert run.plan.rule == replace(kind(**others), **changed)
    assert bool(found.bounds) == comparable(kind())
    assert found.text().splitlines()[0].strip() == found.letter == LETTERS[kind.keeps_by]


def test_the_default_range_of_rates() -> None:
    """Shares of 2/λ; further where the rule is stable further; around its own rate if it measures weights."""

    def ends(rule: object) -> tuple[float, float]:
        found = stability_map(NETWORK, *draw_data(), coarse=3, levels=1, epochs=5, rule=rule)
        largest.append(found.sharpness.largest)
        return found.learning_rate[0] * largest[-1], found.learning_rate[-1] * largest[-1]

    largest: list[float] = []
    assert ends(Momentum()) == ends(Nesterov()) == pytest.approx((0.002, 10.0), rel=5e-3)
    assert ends(AveragedMomentum()) == pytest.approx((0.002, 2 * 2 * 1.99 / 0.01), rel=5e-3)
    assert ends(Lion()) == pytest.approx((1e-6 * largest[-1], 1e-2 * largest[-1]), rel=5e-3)


def test_first_weights_data_types_and_weights_are_those_given() -> None:
    """Other first weights, and samples that count more, make the map that `train` would."""
    X, T = draw_data()
    theta, weights = NETWORK.initial(9), np.linspace(0.5, 2, 22)
    found = stability_map(NETWORK, X, T, **SMALL, theta=theta, weights=weights, learning_rates=(0.01, 0.1))
    run = train(NETWORK, X, T, found.plan_of(1, 2), theta=theta, weights=weights)

    assert run.loss.tobytes() == found.loss[1, 2].tobytes()
    assert found.start != stability_map(NETWORK, X, T, **SMALL, learning_rates=(0.01, 0.1)).start


def test_a_cell_that_diverges_is_data() -> None:
    """With relu and huge rates losses become infinite: those cells are marked, the others judged."""
    X, T = draw_data()
    found = stability_map(Network([3, 5, 1], "relu"), X, T, **SMALL, learning_rates=(1e-3, 1e30))
    assert (found.classes[-1] == DIVERGES).all()
    assert (found.diverged_at[-1] >= 0).all()
    assert (found.classes[0] != DIVERGES).all()
    everywhere = stability_map(NETWORK, X, T, **SMALL, learning_rates=(1e20, 1e30))

    assert (everywhere.classes == DIVERGES).all()
    assert (everywhere.best, everywhere.lowest, everywhere.goal) == (None, None, None)
    assert "every cell diverges: take lower learning rates" in everywhere.text()
    assert json.loads(json.dumps(everywhere.to_dict(), allow_nan=False))["best"] is None


# --- levels ---


def test_finer_levels_keep_the_coarse_cells() -> None:
    """Rates, momenta, losses and classes of a level are every second of the next; the goal stays."""
    grown = stages_of(levels=3, epochs=40, batch_size=5)
    whole = [found for found in grown if found.complete]

    assert [found.loss.shape[:2] for found in whole] == [(5, 5), (9, 9), (17, 17)]
    for coarse, fine in pairwise(whole):
        assert fine.loss[::2, ::2].tobytes() == coarse.loss.tobytes()
        assert fine.learning_rate[::2].tolist() == coarse.learning_rate.tolist()
        assert fine.momentum[::2].tolist() == coarse.momentum.tolist()
        assert fine.classes[::2, ::2].tolist() == coarse.classes.tolist()
        assert fine.goal == coarse.goal
    assert whole[-1].loss.tobytes() == drawn().loss.tobytes()


def test_borders_come_first_and_the_rest_is_as_around_it() -> None:
    """An unfinished level has trained all cells between unlike ones; the others look like all around them."""
    grown = stages_of(levels=3, epochs=40, batch_size=5)
    partial = [found for found in grown if not found.complete]

    assert [found.level for found in partial] == [1, 2]
    for found in partial:
        coarse = found.classes[::2, ::2]
        assert found.trained[at_borders(coarse)].all()
        assert found.trained[::2, ::2].all()
        for i, j in np.argwhere(~found.trained):
            around = coarse[i // 2 : (i + 1) // 2 + 1, j // 2 : (j + 1) // 2 + 1]
            assert set(around.ravel().tolist()) == {found.classes[i, j]}
        assert "not trained yet" in found.text()


def test_borders_by_hand() -> None:
    """Cells between two unlike ones, and amid four that are not all alike."""
    found = at_borders(np.array([[0, 0, 3], [0, 0, 0]], np.int8))

    assert found.astype(int).tolist() == [[0, 0, 0, 1, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]


def test_the_rates_are_short_numbers_evenly_apart_in_their_logarithms() -> None:
    """Three digits where these are enough, more where the cells lie close; momenta by log(1−η)."""
    grid = Grid((0.001, 1.0), (0.0, 0.99), 5, 3)
    rates, left = grid.learning_rate(2), 1 - grid.momentum(2)

    assert len(rates) == len(left) == grid.side == 17
    assert [float(f"{rate:.2e}") for rate in rates] == rates.tolist()
    assert np.diff(np.log(rates)) == pytest.approx(np.log(1000) / 16, rel=0.03)
    assert np.diff(np.log(left)) == pytest.approx(np.log(0.01) / 16, rel=0.03)
    assert (grid.momentum(0)[0], grid.momentum(0)[-1]) == (0.0, 0.99)
    close = Grid((1.0, 1.001), (0.9, 0.9001), 5, 3)
    for values in (close.learning_rate(2), close.momentum(2)):
        assert (np.diff(values) > 0).all()


# --- what it says ---


def test_the_best_cell_is_soonest_at_the_goal() -> None:
    """No converging cell takes fewer steps; of those with as many, none ends lower."""
    found = drawn()
    i, j = found.best
    converges = found.classes == CONVERGES
    soon = converges & (found.steps == found.steps[converges].min())

    assert soon[i, j]
    assert found.judged.end[i, j] == found.judged.end[soon].min()
    assert found.judged.end[found.lowest] == found.judged.end[converges].min()
    assert [found.steps[cell] for cell in found.ranked] == sorted(found.steps[converges])


def test_where_nothing_converges_the_lowest_is_best() -> None:
    """With a goal out of reach."""
    found = stability_map(NETWORK, *draw_data(), **SMALL, goal=1e-9)

    assert found.counts["converges"] == 0
    assert found.best == found.lowest
    assert found.goal == 1e-9


def test_a_map_shows_itself() -> None:
    """Characters for the four classes, counts, bounds and the best cells; the same in JSON."""
    found = drawn()
    text, told = found.text(), json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert all(count > 0 for count in found.counts.values())
    assert sum(found.counts.values()) == 17 * 17
    for mark, name in zip("●·~×", CLASSES, strict=True):
        assert f"{mark} {name} {found.counts[name]:,}" in text
        seen = sum(line.count(mark) for line in text.splitlines()[1:18])
        assert seen == found.counts[name] - (name == "converges")  # the best stands for itself
    i, j = found.best
    assert text.splitlines()[17 - j][7 + 2 * i] == "★"
    assert f"{found.steps[i, j]:,}" in text
    around = found.classes[i - 1 : i + 2, j - 1 : j + 2]
    converge, diverge = ((around == kind).sum() - (kind == CONVERGES) for kind in (CONVERGES, DIVERGES))
    assert f"of the 8 cells around the best {converge} converge, {diverge} diverge" in text
    assert "more epochs" not in text
    assert told["classes"][i][j] == "converges"
    assert told["best"]["learning_rate"] == found.learning_rate[i]
    assert told["best"]["last_loss"] == found.loss[i, j, -1]
    assert told["bounds"][0]["name"] == "largest stable rate"
    assert repr(found).startswith(f"StabilityMap({NETWORK!r}, momentum, 17 × 17: ")
    assert found._repr_html_().startswith("<pre")


def test_a_fall_that_is_hardly_one_is_told() -> None:
    """Where the best of short trainings fell by less than a tenth, more epochs are proposed."""
    found = stability_map(NETWORK, *draw_data(), coarse=3, levels=1, epochs=6, learning_rates=(1e-6, 1e-5))

    assert found.best is not None
    assert "that is a fall of 0." in found.text()
    assert "more epochs may say more" in found.text()


def test_the_bar_stands_between_the_cells_that_the_bound_parts() -> None:
    """In each line: the cell before it has a stable rate, the one behind it has not."""
    found = drawn()
    for j, line in enumerate(found.text().splitlines()[1:18][::-1]):
        place = (line.index("|") - 8) // 2
        edge = found.bounds[0].at(found.momentum[j : j + 1])[0]
        assert found.learning_rate[place] <= edge < found.learning_rate[place + 1]


def test_samples_that_all_weigh_nothing_are_refused() -> None:
    """By the map and by a sweep, as by `train`."""
    X, T = draw_data()
    for ask in (partial(stability_map, **SMALL), partial(sweep, learning_rate=[0.1, 0.2], epochs=2)):
        with pytest.raises(DataError, match="no sample counts"):
            ask(NETWORK, X, T, weights=np.zeros(len(X)))

"""The reproductions: the judge that decides, the helpers behind them, and the fastest tables themselves."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.papers import edge, neupy
from benchmarks.papers.claim import NOT_REPRODUCED, NOT_RUN, REPRODUCED, SHOWN, Claim, Range, number
from benchmarks.papers.encoders import encoder
from benchmarks.papers.exclusive_or import T, X
from benchmarks.papers.many import NEVER, Many, epochs_until, seeded
from benchmarks.papers.noise import heavy_ball_variance, nesterov_variance
from benchmarks.papers.report import as_json, as_markdown, as_text
from benchmarks.papers.table import PAPERS
from benchmarks.papers.threshold import largest_rate

from schuss import Init, Momentum, Network, Plan, train
from schuss.engine import native
from schuss.engine.choice import engine_named

pytestmark = pytest.mark.skipif(not native.available(), reason="ours is what the compiled engine does")

EXACT = ("neupy", "worked-unit", "three-cycle")


def verdicts(name: str) -> dict[str, str]:
    return {claim.what: claim.verdict for claim in PAPERS[name].reproduce().claims}


@pytest.mark.parametrize("name", EXACT)
def test_exact_tables_are_reproduced(name):
    """Every number of the tables in which nothing is drawn comes out, or is only shown."""
    assert set(verdicts(name).values()) <= {REPRODUCED, SHOWN}
    assert REPRODUCED in verdicts(name).values()


def test_another_first_step_size_is_rejected(monkeypatch):
    """RPROP as NeuPy's script has it today takes another number of steps, and the judge says so."""
    changed = [
        (name, replace(rule, first_step=0.3) if name.startswith("RPROP") else rule, steps)
        for name, rule, steps in neupy.PRINTED
    ]
    monkeypatch.setattr(neupy, "PRINTED", changed)
    found = [claim for claim in neupy.table(0) if claim.verdict == NOT_REPRODUCED]

    assert [(claim.what, claim.ours) for claim in found] == [("RPROP, first step size .1", 18.0)]
    assert found[0].unexplained


def test_the_block_says_what_went_wrong():
    """Three speeds of the answer do not come out, each with its reason; its rule gives −19 and −11.9."""
    claims = PAPERS["block"].reproduce().claims
    wrong = [claim for claim in claims if claim.verdict == NOT_REPRODUCED]

    np.testing.assert_allclose([claim.ours for claim in wrong], [-19, -11.9, -11], rtol=0, atol=1e-12)
    assert all(claim.words for claim in wrong)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.01, REPRODUCED), (0.9, NOT_REPRODUCED)])
def test_the_edge_is_judged_by_its_range(monkeypatch, ratio, verdict):
    """Three rules are promised to hover at their thresholds; the last is only shown."""
    made = SimpleNamespace(last_quarter=ratio, rises=0.5)
    monkeypatch.setattr(edge, "trained", lambda _rule: made)

    assert list(verdicts("edge").values()) == [verdict] * edge.PROMISED + [SHOWN]
    assert len(verdicts("edge")) == len(edge.RULES)


def test_few_encoders_show_the_published_speed():
    """The mean of eight encoders by back-propagation lies within the published spread."""
    network, plan = encoder(10, 5, Momentum(1.9, 0.0))
    found = epochs_until(network, np.eye(10), np.eye(10), plan, 8, 0.4)
    claim = Claim("", "121 ± 30", float(found.mean()), Range.around(121, 30))

    assert claim.verdict == REPRODUCED
    assert replace(claim, ours=claim.ours / 2).verdict == NOT_REPRODUCED


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(797.0, REPRODUCED), (798.0, NOT_REPRODUCED), (float("nan"), NOT_REPRODUCED), (None, NOT_RUN)],
)
def test_verdicts(ours, verdict):
    """A number is reproduced where it lies in the range; another, NaN and none at all are not."""
    claim = Claim("steps", 797, ours, Range.exactly(797))

    assert claim.verdict == verdict
    assert claim.unexplained == (verdict != REPRODUCED)
    assert not replace(claim, words="why").unexplained


def test_a_line_without_range_is_only_shown():
    """Where nothing was published, nothing is judged."""
    assert Claim("steps", "", 5.0).verdict == SHOWN


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        (Range.exactly(797), "= 797"),
        (Range.around(121, 30), "121 ± 30"),
        (Range(low=3), "≥ 3"),
        (Range(712.5, 2850), "712.5 to 2,850"),
        (Range(high=1e-9), "≤ 1e−09"),
    ],
)
def test_ranges_in_words(accepted, said):
    """A range says what it holds."""
    assert accepted.text(4) == said


def test_numbers_are_short():
    """Whole and large numbers are whole, others have few digits, and NaN is a dash."""
    assert [number(v, 3) for v in (797.0, 1661.4, -0.12345, float("nan"))] == ["797", "1,661", "−0.123", "—"]


XOR = Network([2, 2, 1], "logistic", init=Init("uniform", 0.3))
PLAN = Plan(Momentum(0.5, 0.9), 900, None, order="sequential", reduction="sum")


def test_outputs_of_many_are_those_of_each():
    """The judge's outputs agree with the engine's; those of a neighbour do not."""
    many = Many.start(XOR, X, T, seeded(PLAN, 3)).to(50)
    each = [engine_named("native").outputs(XOR, theta, X) for theta in many.states.theta]

    np.testing.assert_allclose(many.outputs, each, rtol=1e-13)
    assert np.abs(many.outputs - np.roll(each, 1, axis=0)).max() > 1e-3


def test_epochs_are_those_of_train_with_a_callback():
    """Trained one by one and judged in a callback, each network is right after as many epochs, or never."""
    found = epochs_until(XOR, X, T, PLAN, 6, 0.5)
    alone = []
    for seed in range(6):
        right = train(XOR, X, T, PLAN.replace(seed=seed), callbacks=[_is_right]).epochs
        alone.append(right if right < PLAN.epochs else NEVER)

    assert found.tolist() == alone
    assert NEVER in alone
    assert len(set(alone)) > 2


def _is_right(epoch):
    outputs = engine_named("native").outputs(epoch.network, epoch.state.theta, X)
    return bool(np.abs(outputs - T).max() <= 0.5)


def stationary(step: np.ndarray, push: np.ndarray) -> np.ndarray:
    """Return the covariance S = A·S·Aᵀ + b·bᵀ of a linear recursion, the oracle of the closed forms."""
    size = len(step)
    flat = np.linalg.solve(np.eye(size**2) - np.kron(step, step), np.outer(push, push).ravel())
    return flat.reshape(size, size)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
def test_closed_forms_of_noise(momentum):
    """The variances solve the discrete Lyapunov equation; Nesterov's is not heavy ball's."""
    rate = 0.1
    heavy = stationary(np.array([[1 - rate, momentum], [-rate, momentum]]), np.array([-rate, -rate]))
    kept = momentum * (1 - rate)  # of the velocity, where the slope is taken ahead
    ahead = stationary(np.array([[1 - rate, kept], [-rate, kept]]), np.array([-rate, -rate]))

    np.testing.assert_allclose(heavy_ball_variance(rate, momentum), np.diag(heavy), rtol=1e-9)
    np.testing.assert_allclose(nesterov_variance(rate, momentum), ahead[0, 0], rtol=1e-9)
    assert (abs(ahead[0, 0] / heavy[0, 0] - 1) > 0.05) == (momentum > 0)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("spread", [0.3, 0.75, 1.0])
def test_closed_form_of_the_threshold(momentum, spread):
    """At the largest rate second moments neither grow nor fall; a hundredth above it they grow."""

    def growth(rate: float) -> float:
        steps = [
            np.array([[1 - rate * h, momentum], [-rate * h, momentum]]) for h in (1 - spread, 1 + spread)
        ]
        second = np.mean([np.kron(step, step) for step in steps], axis=0)
        return float(np.abs(np.linalg.eigvals(second)).max())

    rate = largest_rate(1.0, spread**2, momentum)
    assert growth(rate) == pytest.approx(1.0, abs=1e-12)
    assert growth(1.01 * rate) > 1.0 + 1e-5 > 1.0 - 1e-5 > growth(0.99 * rate)


def test_reports_hold_every_line():
    """Text, Markdown and JSON name every line with its verdict, and the reasons; JSON has no NaN."""
    made = PAPERS["block"].reproduce()
    made = replace(made, claims=(*made.claims, Claim("nothing", "", float("nan"), Range(low=1), words="why")))
    text, page, told = as_text(made), as_markdown(made), as_json([made], {})
    lines = json.loads(json.dumps(told, allow_nan=False))["papers"][0]["lines"]

    assert [line["what"] for line in lines] == [claim.what for claim in made.claims]
    for claim in made.claims:
        assert f"| {claim.what} |" in page
        assert claim.what in text
        assert claim.words in page or claim.verdict == REPRODUCED
    assert made.command in page


def test_seeds_are_told():
    """A reproduction with other than its own trials says so, in its seeds and in its command."""
    made = PAPERS["equal-rates"].reproduce(2)

    assert made.seeds == "seeds 0 to 1"
    assert made.command == "python -m benchmarks.papers --only equal-rates --trials 2"


def test_the_page_shows_every_table():
    """docs/reproductions.md has a section for each table, with the setting that the table has now."""
    page = (Path(__file__).parents[1] / "docs" / "reproductions.md").read_text()

    for paper in PAPERS.values():
        assert f"### {paper.title}\n\n{paper.source}\n{paper.setting}\n" in page

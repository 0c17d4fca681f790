"""preset="tabular": what it sets, what it leaves to the user, and how inputs and targets are scaled."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split

from schuss import Cosine, MLPClassifier, MLPRegressor, SettingError

KINDS = [MLPClassifier, MLPRegressor]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LOADS: dict[Any, Any] = {MLPClassifier: load_breast_cancer, MLPRegressor: load_diabetes}


def split(kind: Any, rows: int = 200) -> Any:
    X, y = LOADS[kind](return_X_y=True)
    return train_test_split(X[: 2 * rows], y[: 2 * rows], test_size=0.5, random_state=0)


@pytest.mark.parametrize("kind", KINDS)
def test_it_sets_what_it_says_and_leaves_the_parameters_alone(kind: Any) -> None:
    """Network, plan and epochs are the preset's; `get_params` shows what the user gave, failed or not."""
    X, _, y, _ = split(kind)
    model = kind(preset="tabular", random_state=0)
    before = model.get_params()
    model.fit(X, y)
    assert model.get_params() == before
    plan, numbers = model.plan_, kind is MLPRegressor
    assert model.network_.layers[1:-1] == (128, 128)
    assert model.network_.activation[0] == ("relu" if numbers else "silu")
    assert (plan.rule.name, plan.rule.learning_rate) == ("adam", Cosine(0.003))
    assert (plan.batch_size, plan.weight_decay, plan.l2) == (32, 0.03, 0.0)
    assert plan.dropout == (0.15 if numbers else 0.4)
    assert model.n_iter_ == 60
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), y)
    assert model.get_params() == before


def test_what_the_user_gives_stays() -> None:
    """Only parameters at their default are set."""
    X, _, y, _ = split(MLPRegressor)
    how: dict[str, Any] = {
        "hidden_layer_sizes": (7,),
        "solver": "sgd",
        "learning_rate_init": 0.02,
        "max_iter": 3,
    }
    model = MLPRegressor(preset="tabular", dropout=0.01, **how).fit(X, y)
    assert model.network_.layers == (10, 7, 1)
    assert (model.plan_.rule.name, model.plan_.rule.learning_rate) == ("nesterov", 0.02)
    assert (model.plan_.dropout, model.plan_.epochs) == (0.01, 3)


@pytest.mark.parametrize(("rows", "epochs"), [(30_000, 60), (50_000, 40), (300_000, 10)])
def test_the_epochs_follow_the_rows(rows: int, epochs: int) -> None:
    """Two million visits, within 10 and 60 epochs."""
    rng = np.random.default_rng(0)
    model = MLPRegressor(preset="tabular", hidden_layer_sizes=(1,), batch_size=10_000, dropout=0)
    X = rng.standard_normal((rows, 1)).astype("float32")
    assert model.fit(X, X[:, 0]).n_iter_ == epochs


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_measurement_do_not_matter(kind: Any) -> None:
    """Columns stretched and shifted, and a target likewise, give the same predictions in those units."""
    X, X_new, y, _ = split(kind)
    stretch, shift = np.geomspace(1e-3, 1e3, X.shape[1]), np.linspace(-50, 50, X.shape[1])
    other_y = y * 7.0 + 3.0 if kind is MLPRegressor else y
    one = kind(preset="tabular", random_state=0, max_iter=5).fit(X, y)
    other = kind(preset="tabular", random_state=0, max_iter=5).fit(X * stretch + shift, other_y)
    if kind is MLPRegressor:
        found, expected = (other.predict(X_new * stretch + shift) - 3.0) / 7.0, one.predict(X_new)
        twin = kind(random_state=0, max_iter=5, tol=1).fit(X, y).predict(X_new)
    else:
        found, expected = other.predict_proba(X_new * stretch + shift), one.predict_proba(X_new)
        twin = kind(random_state=0, max_iter=5, tol=1).fit(X, y).predict_proba(X_new)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3 * np.ptp(expected))
    assert np.abs(twin - expected).max() > 0.05 * np.ptp(expected)


def test_a_value_far_away_is_bent_towards_the_others() -> None:
    """A row a million times out gives a finite answer near that of one that is merely large."""
    X, X_new, y, _ = split(MLPRegressor)
    model = MLPRegressor(preset="tabular", random_state=0).fit(X, y)
    far, farther = X_new[:1].copy(), X_new[:1].copy()
    far[0, 2], farther[0, 2] = 1e3, 1e9
    assert abs(model.predict(far) - model.predict(farther)) < 0.01 * np.ptp(y)


def test_a_column_that_never_changes_or_hardly_does() -> None:
    """The one is 0, the other is measured by its range; gaps may be allowed as well."""
    X, _, y, _ = split(MLPClassifier)
    X = np.column_stack([X[:, :3], np.full(len(X), 5.0), np.arange(len(X)) % 10 == 0])
    model = MLPClassifier(preset="tabular", max_iter=3, allow_nan=True).fit(X, y)
    assert np.isfinite(model.predict_proba(np.where(X == 5.0, 6.0, X))).all()
    np.testing.assert_array_equal(model.predict_proba(np.where(X == 5.0, 6.0, X)), model.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_it_beats_the_defaults_on_unseen_rows(kind: Any) -> None:
    """By the measure that each trains for; benchmarks/tabular.py has the whole contest."""
    X, X_new, y, y_new = split(kind)
    preset, plain = (kind(preset=p, random_state=0, max_iter=60) for p in ("tabular", None))
    if kind is MLPClassifier:
        scores = [
            np.log(m.fit(X, y).predict_proba(X_new)[np.arange(len(y_new)), y_new] + 1e-15).mean()
            for m in (preset, plain.set_params(tol=0, n_iter_no_change=100))
        ]
    else:
        scores = [m.fit(X, y).score(X_new, y_new) for m in (preset, plain.set_params(tol=0))]
    assert scores[0] > scores[1]


def test_what_it_cannot_do_is_refused() -> None:
    """Parts of a training, sparse inputs, networks for elsewhere."""
    X, _, y, _ = split(MLPRegressor)
    with pytest.raises(SettingError, match="plans a whole training"):
        MLPRegressor(preset="tabular").partial_fit(X, y)
    model = MLPRegressor(preset="tabular", max_iter=1).fit(X, y)
    with pytest.raises(SettingError, match="no preset"):
        model.to_sklearn()
    with pytest.raises(SettingError, match="changes its inputs"):
        model.predictor()


def test_sizes_may_be_an_array() -> None:
    """Which is compared with the default as a whole."""
    X, y = np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 2
    model = MLPClassifier(np.array([5, 4]), preset="tabular", random_state=0).fit(X, y)
    assert [w.shape for w in model.coefs_] == [(3, 5), (5, 4), (4, 1)]


def test_a_column_of_gaps_alone_is_a_constant() -> None:
    """As without the preset; the others are scaled as if it were not there."""
    X, y = np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 2
    X[::7, 1] = np.nan
    gaps = np.column_stack([X, np.full(60, np.nan)])
    model = MLPClassifier((5,), preset="tabular", allow_nan=True, random_state=0).fit(gaps, y)
    plain = MLPClassifier((5,), preset="tabular", allow_nan=True, random_state=0).fit(X, y)

    assert np.isfinite(model.predict_proba(gaps)).all()
    np.testing.assert_array_equal(model._centre[:3], plain._centre)
    np.testing.assert_array_equal(model._spread[:3], plain._spread)


def test_what_is_equal_to_a_default_counts_as_left_out() -> None:
    """Whatever its type: an estimator cannot tell the two apart."""
    X, y = np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 2
    for dropout in (0, 0.0, np.float32(0)):
        assert MLPClassifier(preset="tabular", dropout=dropout).fit(X, y).plan_.dropout == 0.4
    assert MLPClassifier(preset="tabular", dropout=0.1).fit(X, y).plan_.dropout == 0.1

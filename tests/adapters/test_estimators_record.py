"""A fit that is recorded is the same fit, and its folder answers for it."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from schuss import MLPClassifier, MLPRegressor, SettingError, load_run

X, y = load_iris(return_X_y=True)
HOW: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 12, "random_state": 0, "n_iter_no_change": 99}


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_recorded_fit_is_the_same_fit(kind: Any, solver: str, tmp_path: Path) -> None:
    """Its run ends in the estimator's own weights, and every change of them can be accounted for."""
    with pytest.warns(UserWarning, match="Maximum iterations"):
        plain = kind(solver=solver, **HOW).fit(X, y)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model = kind(solver=solver, record=tmp_path / "fit", **HOW).fit(X, y)

    assert model.loss_curve_ == plain.loss_curve_
    assert model.run_.weights[0].tobytes() == plain.coefs_[0].tobytes()
    assert model.run_.state.step == model.n_iter_
    assert all(model.run_.account(weight, 3, 11).balances for weight in (0, 17, 40))
    assert pickle.loads(pickle.dumps(model)).run_.state.digest() == model.run_.state.digest()  # noqa: S301  # our own
    with pytest.raises(AttributeError, match="record=FOLDER"):
        _ = plain.run_


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_each_fit_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """The next free one; a warm start goes on from the weights of the fit before."""
    model = MLPClassifier(solver="sgd", record=str(tmp_path / "fit"), warm_start=True, **HOW).fit(X, y)
    first = model.run_
    model.fit(X, y)
    other = clone(model).fit(X, y)

    assert [Path(m.record_).name for m in (model, other)] == ["fit-2", "fit-3"]
    assert model.run_.at(0).theta.tobytes() == first.state.theta.tobytes()
    assert other.run_.state.digest() == first.state.digest() != model.run_.state.digest()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_early_stopping_is_recorded_with_its_scores(tmp_path: Path) -> None:
    """The best state and the scores of the epochs are in the folder."""
    model = MLPClassifier(solver="adam", record=tmp_path / "fit", early_stopping=True, **HOW).fit(X, y)
    run = load_run(tmp_path / "fit")

    assert run.best is not None
    assert run.best.theta.tobytes() == model.network_.pack(model.coefs_, model.intercepts_).tobytes()
    assert len(run.validation_loss) == model.n_iter_
    assert run.n_samples == 135


def test_what_is_not_recorded_says_so(tmp_path: Path) -> None:
    """Rather than leaving a folder out in silence."""
    with pytest.raises(SettingError, match="record"):
        MLPClassifier(record=tmp_path / "fit", **HOW).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(SettingError, match=r"record.*lbfgs has no steps"):
        MLPClassifier(solver="lbfgs", record=tmp_path / "fit", **HOW).fit(X, y)
    assert not (tmp_path / "fit").exists()

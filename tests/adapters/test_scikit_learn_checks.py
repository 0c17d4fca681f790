"""scikit-learn's own checks of an estimator hold for ours, and none of them is expected to fail.

The settings are those with which scikit-learn checks its own two (its `instance_generator.py`), then one
for each other solver and for early stopping. Nothing is marked as a failure; two kinds of checks are not
asked of early stopping, because scikit-learn's own MLP refuses them by design.
"""

from collections.abc import Callable
from typing import Any

import pytest
import sklearn.neural_network
from sklearn.base import BaseEstimator, clone
from sklearn.utils import estimator_checks

from schuss import MLPClassifier, MLPRegressor

# scikit-learn's checks fit for 100 epochs on data as they come, and it ignores this one for its own too
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [MLPClassifier, MLPRegressor]
QUICK: dict[str, Any] = {"max_iter": 100}
SOLVERS: list[dict[str, Any]] = [QUICK, QUICK | {"solver": "sgd"}, {"max_iter": 40, "solver": "lbfgs"}]
STOPPED = QUICK | {"early_stopping": True, "validation_fraction": 0.5}  # some checks bring ten samples

# With which scikit-learn runs one check over its own, whatever the estimator's settings
OF_ONE_CHECK: dict[tuple[str, str], dict[str, Any]] = {
    ("MLPClassifier", "check_sample_weight_equivalence_on_dense_data"): {"solver": "lbfgs"},
    ("MLPRegressor", "check_sample_weight_equivalence_on_dense_data"): {
        "solver": "sgd",
        "tol": 1e-2,
        "random_state": 42,
    },
}

NOT_WITH_EARLY_STOPPING = {
    "check_fit_score_takes_y": "calls partial_fit, which refuses early_stopping=True",
    "check_n_features_in_after_fitting": "calls partial_fit, which refuses early_stopping=True",
    "check_estimators_partial_fit_n_features": "calls partial_fit, which refuses early_stopping=True",
    "check_sample_weight_equivalence_on_dense_data": "repeated rows are split otherwise than weighted ones",
    "check_sample_weight_equivalence_on_sparse_data": "repeated rows are split otherwise than weighted ones",
}

# These three it runs over its own estimators only; they are public, and ours are to be as good.
OF_ITS_OWN = [
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
]


def name_of(check: Callable[..., None]) -> str:
    """Return the name of a check, which scikit-learn hands out half called."""
    while hasattr(check, "func"):
        check = check.func
    return check.__name__


def names_for(estimator: BaseEstimator) -> list[str]:
    """Return the names of the checks that scikit-learn makes of an estimator, one for each call."""
    return [name_of(check) for _, check in estimator_checks.estimator_checks_generator(estimator)]


def each_check_of(*estimators: BaseEstimator) -> pytest.MarkDecorator:
    """Return scikit-learn's own parametrisation; before 1.9 it gives an iterator, which pytest deprecates."""
    mark = estimator_checks.parametrize_with_checks(list(estimators))
    names, cases = mark.args
    return pytest.mark.parametrize(names, list(cases), **mark.kwargs)


@each_check_of(*(kind(**how) for kind in KINDS for how in SOLVERS))
def test_the_check_holds(estimator: BaseEstimator, check: Callable[..., None]) -> None:
    """Every check holds for the default settings and for each solver."""
    if estimator.solver == "adam":  # the default, for which scikit-learn has settings of its own
        settings = OF_ONE_CHECK.get((type(estimator).__name__, name_of(check)), {})
        estimator = clone(estimator).set_params(**settings)  # all checks are given the same object
    check(estimator)


@each_check_of(*(kind(**STOPPED) for kind in KINDS))
def test_the_check_holds_with_early_stopping(estimator: BaseEstimator, check: Callable[..., None]) -> None:
    """Every check holds with early stopping, but those that it cannot meet in scikit-learn either."""
    if name_of(check) in NOT_WITH_EARLY_STOPPING:
        pytest.skip(f"{name_of(check)}: {NOT_WITH_EARLY_STOPPING[name_of(check)]}")
    check(estimator)


@pytest.mark.parametrize("name", OF_ITS_OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_check_that_it_makes_of_its_own_holds(kind: Any, name: str) -> None:
    """What scikit-learn asks of its own estimators only holds for ours."""
    if not hasattr(estimator_checks, name):
        pytest.skip(f"this scikit-learn has no {name}")
    getattr(estimator_checks, name)(kind.__name__, kind(**QUICK))


@pytest.mark.parametrize("kind", KINDS)
def test_no_check_is_withheld(kind: Any) -> None:
    """Our tags let scikit-learn make every check of ours that it makes of its own of the same name."""
    peer = getattr(sklearn.neural_network, kind.__name__)
    ours, theirs = names_for(kind()), names_for(peer())
    missing = [name for name in set(theirs) if ours.count(name) < theirs.count(name)]
    assert not missing
    assert len(theirs) > 50


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimator_that_writes_its_parameters_is_found(kind: Any) -> None:
    """The checks can fail: a fit that changes `alpha` is caught by theirs of that fault."""

    class Writes(kind):  # type: ignore[misc]  # a class made by the test
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            self.alpha = 0.5
            return super().fit(X, y, sample_weight)

    with pytest.raises(AssertionError, match="should not change or mutate"):
        estimator_checks.check_estimators_overwrite_params("Writes", Writes(**QUICK))

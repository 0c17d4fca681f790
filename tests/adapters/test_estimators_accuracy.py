"""On real data, trained to the end with the defaults of both, schuss scores what scikit-learn scores.

It is the same model (test_scikit_learn_agreement.py compares weights); here whole trainings of up to 200
epochs are judged as a user judges them, by cross-validation.
"""

from typing import Any

import pytest
from by_hand import real
from sklearn import neural_network
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import schuss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Measured: every row is told alike. A row whose two likeliest classes are equal to 1e-8 could go either way
# on another processor, so one row is allowed. A training that learns nothing loses hundreds.
ROWS_IN_DOUBT = 1


def score(model: Any, X: Any, y: Any) -> float:
    """Return the mean score of three folds, inputs standardised."""
    return float(cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=3).mean())


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "iris"])
def test_classes_are_told_apart_as_well(name: str) -> None:
    """Mean accuracy of three folds; of at most 700 rows, for time.."""
    X, y = (values[:700] for values in real(name))
    theirs = score(neural_network.MLPClassifier(random_state=0), X, y)
    ours, untrained = (score(schuss.MLPClassifier(random_state=0, max_iter=n), X, y) for n in (200, 0))

    assert abs(ours - theirs) <= 1.01 * ROWS_IN_DOUBT / len(y)
    assert theirs - untrained > 0.2


def test_numbers_are_predicted_as_well() -> None:
    """R² on diabetes, the mean of three folds, to six figures; another seed changes the third."""
    X, y = real("diabetes")
    theirs = score(neural_network.MLPRegressor(random_state=0), X, y)
    ours, other = (score(schuss.MLPRegressor(random_state=seed), X, y) for seed in (0, 1))

    assert ours == pytest.approx(theirs, abs=1e-6)
    assert other != pytest.approx(theirs, abs=1e-3)

"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`. They translate; `schuss.training` trains."""

from __future__ import annotations

from schuss.adapters.estimators.classifier import MLPClassifier
from schuss.adapters.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]

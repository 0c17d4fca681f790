"""schuss: feed-forward networks by back-propagation with momentum, fast on a CPU, the same bits every time.

Importing it costs no more than NumPy; the estimators and the command line load when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from schuss.errors import (
    DataError,
    DivergenceError,
    EngineError,
    KernelMissingWarning,
    MissingExtraError,
    ModelFileError,
    OutputError,
    RecordError,
    ReplayError,
    SchussError,
    SchussWarning,
    SettingError,
    TrainingInterrupted,
)
from schuss.method.functions import Loss
from schuss.method.initial import Init
from schuss.method.network import Network
from schuss.method.orders import Blocks
from schuss.method.plan import Plan
from schuss.method.rules import Adam, GradientDescent, Momentum, Nesterov
from schuss.method.schedules import (
    Cosine,
    Custom,
    Demon,
    Exponential,
    Inverse,
    InverseScaling,
    Listed,
    Nesterov1983,
    OneCycle,
    Plateau,
    Step,
    Sutskever,
    WarmUp,
)
from schuss.method.state import State
from schuss.training.keep import Keep
from schuss.training.loop import Epoch, Tick
from schuss.training.opening import load_run
from schuss.training.run import Run
from schuss.training.train import train

if TYPE_CHECKING:
    from schuss.adapters.estimators import MLPClassifier, MLPRegressor
    from schuss.adapters.model_file import load_model, save_model
    from schuss.adapters.tables import read_table
    from schuss.adapters.tuning import Tuned, tune
    from schuss.insight.comparison import compare
    from schuss.insight.derivation.derive import derive
    from schuss.insight.derivation.value import Derivation
    from schuss.insight.range_test import RangeTest, range_test
    from schuss.insight.sweep import sweep
    from schuss.insight.swept import Sweep

    __version__: str

_LAZY = {
    "MLPClassifier": "schuss.adapters.estimators",
    "MLPRegressor": "schuss.adapters.estimators",
    "load_model": "schuss.adapters.model_file",
    "save_model": "schuss.adapters.model_file",
    "read_table": "schuss.adapters.tables",
    "Tuned": "schuss.adapters.tuning",
    "tune": "schuss.adapters.tuning",
    "compare": "schuss.insight.comparison",
    "Derivation": "schuss.insight.derivation.value",
    "derive": "schuss.insight.derivation.derive",
    "range_test": "schuss.insight.range_test",
    "RangeTest": "schuss.insight.range_test",
    "sweep": "schuss.insight.sweep",
    "Sweep": "schuss.insight.swept",
}

__all__ = [
    "Adam",
    "Blocks",
    "Cosine",
    "Custom",
    "DataError",
    "Demon",
    "Derivation",
    "DivergenceError",
    "EngineError",
    "Epoch",
    "Exponential",
    "GradientDescent",
    "Init",
    "Inverse",
    "InverseScaling",
    "Keep",
    "KernelMissingWarning",
    "Listed",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "MissingExtraError",
    "ModelFileError",
    "Momentum",
    "Nesterov",
    "Nesterov1983",
    "Network",
    "OneCycle",
    "OutputError",
    "Plan",
    "Plateau",
    "RangeTest",
    "RecordError",
    "ReplayError",
    "Run",
    "SchussError",
    "SchussWarning",
    "SettingError",
    "State",
    "Step",
    "Sutskever",
    "Sweep",
    "Tick",
    "TrainingInterrupted",
    "Tuned",
    "WarmUp",
    "compare",
    "derive",
    "load_model",
    "load_run",
    "range_test",
    "read_table",
    "save_model",
    "sweep",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("schuss")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'schuss' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

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
from schuss.method.convert import Conversion, change_batch_size, convert, velocity_correction
from schuss.method.functions import Loss
from schuss.method.initial import Init
from schuss.method.network import Network
from schuss.method.orders import Blocks
from schuss.method.plan import Plan
from schuss.method.racers import Lbfgs
from schuss.method.rules import (
    Adagrad,
    Adam,
    AggMo,
    AveragedMomentum,
    ConjugateGradients,
    GradientDescent,
    IRpropMinus,
    IRpropPlus,
    LineSearch,
    Lion,
    Lookahead,
    Momentum,
    Muon,
    Nesterov,
    NesterovLookAhead,
    Newton,
    OuterMomentum,
    QuasiHyperbolic,
    Quickprop,
    RMSprop,
    Rprop,
    ScheduleFree,
)
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
    Restart,
    Step,
    Sutskever,
    WarmUp,
)
from schuss.method.state import State
from schuss.training.keep import Keep
from schuss.training.opening import load_run
from schuss.training.run import Run
from schuss.training.telling import Epoch, Tick
from schuss.training.train import train

if TYPE_CHECKING:
    from schuss.adapters.estimators import MLPClassifier, MLPRegressor
    from schuss.adapters.model_file import load_model, save_model
    from schuss.adapters.study import Study, load_study
    from schuss.adapters.tables import read_table
    from schuss.adapters.tuning import Tuned, tune
    from schuss.insight.comparison import compare
    from schuss.insight.curvature.curvature import curvature
    from schuss.insight.curvature.tracker import SharpnessTracker
    from schuss.insight.derivation.derive import derive
    from schuss.insight.derivation.value import Derivation
    from schuss.insight.race.race import race
    from schuss.insight.race.value import Race
    from schuss.insight.range_test import RangeTest, range_test
    from schuss.insight.stability_map.mapping import stability_map
    from schuss.insight.stability_map.value import StabilityMap
    from schuss.insight.sweep import sweep
    from schuss.insight.swept import Sweep

    __version__: str

_LAZY = {
    "MLPClassifier": "schuss.adapters.estimators",
    "MLPRegressor": "schuss.adapters.estimators",
    "load_model": "schuss.adapters.model_file",
    "save_model": "schuss.adapters.model_file",
    "read_table": "schuss.adapters.tables",
    "load_study": "schuss.adapters.study",
    "Study": "schuss.adapters.study",
    "Tuned": "schuss.adapters.tuning",
    "tune": "schuss.adapters.tuning",
    "compare": "schuss.insight.comparison",
    "curvature": "schuss.insight.curvature.curvature",
    "SharpnessTracker": "schuss.insight.curvature.tracker",
    "Derivation": "schuss.insight.derivation.value",
    "derive": "schuss.insight.derivation.derive",
    "range_test": "schuss.insight.range_test",
    "RangeTest": "schuss.insight.range_test",
    "StabilityMap": "schuss.insight.stability_map.value",
    "stability_map": "schuss.insight.stability_map.mapping",
    "race": "schuss.insight.race.race",
    "Race": "schuss.insight.race.value",
    "sweep": "schuss.insight.sweep",
    "Sweep": "schuss.insight.swept",
}

__all__ = [
    "Adagrad",
    "Adam",
    "AggMo",
    "AveragedMomentum",
    "Blocks",
    "ConjugateGradients",
    "Conversion",
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
    "IRpropMinus",
    "IRpropPlus",
    "Init",
    "Inverse",
    "InverseScaling",
    "Keep",
    "KernelMissingWarning",
    "Lbfgs",
    "LineSearch",
    "Lion",
    "Listed",
    "Lookahead",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "MissingExtraError",
    "ModelFileError",
    "Momentum",
    "Muon",
    "Nesterov",
    "Nesterov1983",
    "NesterovLookAhead",
    "Network",
    "Newton",
    "OneCycle",
    "OuterMomentum",
    "OutputError",
    "Plan",
    "Plateau",
    "QuasiHyperbolic",
    "Quickprop",
    "RMSprop",
    "Race",
    "RangeTest",
    "RecordError",
    "ReplayError",
    "Restart",
    "Rprop",
    "Run",
    "ScheduleFree",
    "SchussError",
    "SchussWarning",
    "SettingError",
    "SharpnessTracker",
    "StabilityMap",
    "State",
    "Step",
    "Study",
    "Sutskever",
    "Sweep",
    "Tick",
    "TrainingInterrupted",
    "Tuned",
    "WarmUp",
    "change_batch_size",
    "compare",
    "convert",
    "curvature",
    "derive",
    "load_model",
    "load_run",
    "load_study",
    "race",
    "range_test",
    "read_table",
    "save_model",
    "stability_map",
    "sweep",
    "train",
    "tune",
    "velocity_correction",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("schuss")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'schuss' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

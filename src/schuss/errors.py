"""What can go wrong, as one tree.

    Exception
    └── SchussError
        ├── SettingError (ValueError)         a number or name that is not allowed
        ├── DataError (ValueError)            data that cannot be trained on or predicted from
        ├── ModelFileError (ValueError)       a model file that is damaged, foreign or newer
        ├── RecordError (ValueError)          a recorded run that is damaged, foreign, newer or in use
        ├── ReplayError (RuntimeError)        a run that cannot be made again to the same bits here
        ├── DivergenceError (ArithmeticError, ValueError) weights or loss became non-finite
        ├── EngineError (RuntimeError)        the engine that was asked for cannot run
        ├── MissingExtraError (ImportError)   an optional package is not installed
        └── OutputError (OSError)             a file could not be written; nothing was left behind

    KeyboardInterrupt
    └── TrainingInterrupted                   Ctrl-C during training; carries the run so far

    UserWarning
    └── SchussWarning                         something was changed or noticed, training goes on
        └── KernelMissingWarning              no compiled kernel: the slow engine runs

Every message says what was wrong, what was given, what is allowed and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schuss.method.state import State

__all__ = [
    "DataError",
    "DivergenceError",
    "EngineError",
    "KernelMissingWarning",
    "MissingExtraError",
    "ModelFileError",
    "OutputError",
    "RecordError",
    "ReplayError",
    "SchussError",
    "SchussWarning",
    "SettingError",
    "TrainingInterrupted",
    "did_you_mean",
]


class SchussError(Exception):
    """Base of all errors that schuss raises on purpose."""


class SettingError(SchussError, ValueError):
    """A setting lies outside what is allowed."""


class DataError(SchussError, ValueError):
    """Data cannot be trained on, or does not fit the model."""


class ModelFileError(SchussError, ValueError):
    """A model file is damaged, truncated, foreign, or newer than this version."""


class RecordError(SchussError, ValueError):
    """A recorded run, or a file of it, is damaged, foreign, newer than this version, or in use."""


class ReplayError(SchussError, RuntimeError):
    """A run cannot be made again to the same bits: engine or data differ, or are not at hand."""


class EngineError(SchussError, RuntimeError):
    """The engine that was asked for cannot run here."""


class MissingExtraError(SchussError, ImportError):
    """An optional package is needed for what was asked."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f'{purpose} needs an optional package: pip install "schuss[{extra}]"')
        self.purpose, self.extra = purpose, extra

    def __reduce__(self) -> tuple[Any, ...]:
        """Be made again from what it was made of, in another process too."""
        return type(self), (self.purpose, self.extra), self.__dict__


class OutputError(SchussError, OSError):
    """A file could not be written. Nothing of it was left behind."""


class DivergenceError(SchussError, ArithmeticError, ValueError):
    """The weights or the loss became non-finite during training.

    A ValueError too, because that is what scikit-learn raises.

    Attributes
    ----------
    step : int
        The step whose update produced the first non-finite number, counted from 0.
    layer : str or None
        Layer whose incoming weights it appeared in, such as ``"hidden1"``; None if the weights are
        finite and the loss is not.
    learning_rate : float or None
        Its value at that step; None of a rule that has none.
    momentum : float
    state : State
        The last finite state, just before that step.
    run : Run or None
        The run up to the last finite state.
    """

    run: Any = None

    def __init__(
        self, step: int, layer: str | None, learning_rate: float | None, momentum: float, state: State
    ) -> None:
        what = f"the weights into layer {layer!r}" if layer else "the loss"
        told = "." if learning_rate is None else self._rates(learning_rate, momentum)
        super().__init__(
            f"training diverged: at step {step} {what} became non-finite{told} Check that the inputs are "
            "standardised."
        )
        self.step = step
        self.layer = layer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.state = state

    def __reduce__(self) -> tuple[Any, ...]:
        """Be made again from what it was made of, in another process too."""
        made_of = self.step, self.layer, self.learning_rate, self.momentum, self.state
        return type(self), made_of, self.__dict__

    @staticmethod
    def _rates(learning_rate: float, momentum: float) -> str:
        """Return what the rates were, and which to try."""
        effective = learning_rate / (1.0 - momentum) if momentum < 1.0 else float("inf")
        advice = f"a learning rate of {learning_rate / 10:.3g}"
        if momentum > 0.5:
            gentler = 1.0 - 2.0 * (1.0 - momentum) if momentum < 1.0 else 0.9
            advice += f" or a momentum of {gentler:.3g} or less"
        return (
            f" (learning rate {learning_rate:g}, momentum {momentum:g}, effective rate {effective:g}). "
            f"Try {advice}."
        )


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted.

    Attributes
    ----------
    run : Run
        The valid run up to the last whole step.
    model : Model or None
        The same with its preprocessing, where a model was being made from a table.
    """

    def __init__(self, run: Any, model: Any = None) -> None:
        super().__init__(f"training interrupted after step {run.state.step}")
        self.run = run
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        """Be made again from what it was made of, in another process too."""
        return type(self), (self.run, self.model)


class SchussWarning(UserWarning):
    """Something was changed or noticed; the work goes on."""


class KernelMissingWarning(SchussWarning):
    """The compiled kernel is not installed; the readable engine runs, many times slower."""


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest allowed name, or an empty string."""
    near = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""

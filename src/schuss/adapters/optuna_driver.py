"""Optuna as what proposes settings: its sampler, our folds and comparison, a study that is kept.

Optuna writes its own file beside ours; all else that it does is to say what to try next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schuss.errors import MissingExtraError
from schuss.insight.tuning.ladder import Ladder
from schuss.insight.tuning.search import MakeDriver
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import Choice, Space, coordinates

if TYPE_CHECKING:
    import optuna

__all__ = ["optuna_driver"]

FILE, NAME = "optuna.log", "tune"


def optuna_driver() -> MakeDriver:
    """Return what makes a driver whose study is kept beside the trials, or in memory where they are.

    Raises
    ------
    MissingExtraError
        Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("the driver optuna", "tune") from error

    def made(
        ladder: Ladder, space: Space, starts: Sequence[Setting], trials: int | None, seed: int
    ) -> OptunaDriver:
        return OptunaDriver(ladder, space, starts, trials, _study(optuna, ladder, seed))

    return made


@dataclass
class OptunaDriver:
    """Asks Optuna for a setting, measures it fold after fold, and tells Optuna the mean."""

    ladder: Ladder
    space: Space
    starts: Sequence[Setting]
    trials: int | None
    study: optuna.Study

    def run(self) -> None:
        """Search until the trials are used up; OutOfTime or Ctrl-C may end it before."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(states=(TrialState.RUNNING,)):  # a kill has left them
            self.study.tell(trial.number, state=TrialState.FAIL)
        self._begin()
        while self.trials is None or len(self.ladder.evaluator.journal.settings) < self.trials:
            self._try(self.study.ask())

    def _begin(self) -> None:
        """Measure the starts, tell a new study of them, and start from the best of an old one."""
        evaluator, new = self.ladder.evaluator, not self.study.trials
        for start in self.starts[: self.trials]:
            self.ladder.climb([start])
            if new:
                self._add(start, evaluator.score(start, evaluator.problem.units(1)))
        self.ladder.settle()

    def _add(self, setting: Setting, score: float) -> None:
        from optuna.trial import create_trial

        if math.isfinite(score):
            place = _within(self.space, coordinates(setting, self.space.n))
            trial = create_trial(params=place, distributions=_distributions(self.space), value=score)
            self.study.add_trial(trial)

    def _try(self, trial: optuna.Trial) -> None:
        from optuna.trial import TrialState

        setting, evaluator = self.space.setting(_suggested(self.space, trial)), self.ladder.evaluator
        trial.set_user_attr("setting", setting.to_dict())
        units = evaluator.problem.units(1)
        for step, unit in enumerate(units, start=1):
            evaluator.measure([setting], [unit])
            score = evaluator.score(setting, units[:step])
            if math.isfinite(score):
                trial.report(score, step)
            if math.isinf(score) or trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
                return
        self.study.tell(trial, score)
        self.ladder.climb([setting])


def _study(optuna: Any, ladder: Ladder, seed: int) -> optuna.Study:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    class OnTheSameFolds(optuna.pruners.BasePruner):  # type: ignore[misc]  # known when it is imported
        """Gives up what is clearly worse than the best on the folds so far, by our ladder."""

        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:  # noqa: ARG002  # as Optuna calls it
            setting = Setting.from_dict(trial.user_attrs["setting"])
            units = ladder.evaluator.problem.units(1)[: trial.last_step]
            return not ladder.promising(setting, ladder.best, units)

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # what it says of each trial is ours to say
    folder = ladder.evaluator.journal.folder
    storage = None if folder is None else JournalStorage(JournalFileBackend(str(folder / FILE)))
    study = optuna.create_study(
        storage=storage, study_name=NAME, load_if_exists=True, pruner=OnTheSameFolds()
    )
    # trials that are there already have used up the draws of this seed
    study.sampler = optuna.samplers.TPESampler(seed=(seed + len(study.trials)) % 2**32)
    return study


def _distributions(space: Space) -> dict[str, Any]:
    """Return the space in Optuna's words; a range of 1−x is searched as such, on a logarithm."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        name: CategoricalDistribution(each.values)
        if isinstance(each, Choice)
        else FloatDistribution(each.low, each.high, log=True)
        for name, each in space.dimensions.items()
    }


def _suggested(space: Space, trial: optuna.Trial) -> dict[str, Any]:
    return {
        name: trial.suggest_categorical(name, each.values)
        if isinstance(each, Choice)
        else each.value(trial.suggest_float(name, each.low, each.high, log=True))
        for name, each in space.dimensions.items()
    }


def _within(space: Space, values: dict[str, Any]) -> dict[str, Any]:
    """Return coordinates as Optuna must have them: the nearest that the space allows."""
    return {name: each.drawn(values[name]) for name, each in space.dimensions.items()}

"""Good settings for a table: it is dealt to folds, settings are tried on them, and the best is trained.

The search itself is `schuss.insight.tuning`. It advises: what is returned holds the evidence beside the
model, and the command that makes the same model again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from schuss.adapters.model import Model
from schuss.adapters.study import Study
from schuss.adapters.study_terms import Terms
from schuss.adapters.tables import read_table
from schuss.adapters.tuning_problem import problem_of, starts_for
from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.errors import DataError, DivergenceError, TrainingInterrupted
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.found import Found
from schuss.insight.tuning.halving import Halving
from schuss.insight.tuning.journal import Journal
from schuss.insight.tuning.search import MakeDriver, Reached, search
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.trial import Trial
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.training.record import NextFree
from schuss.training.telling import Tick, silent

__all__ = ["DRIVERS", "Tuned", "tune"]

BUDGET = 60.0
FEWEST_ROWS = 10
SECOND_BEST = 3  # tried where the best diverges on all rows
DRIVERS = ("schuss", "optuna")


class Fit(Protocol):
    """From a setting to the model that it makes of all rows."""

    def __call__(
        self,
        setting: Setting,
        *,
        record: Path | NextFree | None = None,
        tell: Callable[[str], object] = silent,
    ) -> Model:
        """Train, record if a folder is given, and tell what was decided."""
        ...


@dataclass(frozen=True, eq=False)
class Tuned:
    """The result of `tune`.

    Attributes
    ----------
    model : Model
        Trained with the best setting on all rows that are not kept for testing, as `schuss train` trains it.
    found : Found
        The search: best, start, all others, evidence.
    setting : Setting
        What the model was trained with: the best, or the next where that diverged on all rows.
    start_scores : dict
        ``model.scores`` as they would be with the start; empty where that cannot be said.
    command : str
        What trains the same model to the same bits.
    study : Study
        The trials, any of which can be trained: ``tuned.study.train(data, number)``.
    """

    model: Model
    found: Found
    setting: Setting
    start_scores: dict[str, float]
    command: str
    study: Study

    @property
    def folder(self) -> Path | None:
        """Where the trials are."""
        return self.study.folder

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All settings that were tried, by number."""
        return self.study.trials

    def __repr__(self) -> str:
        """Return the best score beside that of the start."""
        best, start = self.found.best, self.found.start
        return (
            f"Tuned({self.found.measure} {best.score:.5g}, start {start.score:.5g}, "
            f"{self.found.tried} settings in {self.found.seconds:.3g} s; {self.command})"
        )


def tune(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    budget: float | None = None,
    trials: int | None = None,
    driver: str = "schuss",
    task: str | None = None,
    test_size: float | None = None,
    seed: int = 0,
    dtype: str = "float32",
    engine: str | Engine = "auto",
    threads: int | None = None,
    study: Path | str | NextFree | None = None,
    record: Path | NextFree | None = None,
    source: str | None = None,
    called: str | None = None,
    progress: Callable[[Reached], object] | None = None,
    training: Callable[[Tick], None] | None = None,
    tell: Callable[[str], object] = silent,
) -> Tuned:
    """Search for good settings for a table by cross-validation, and train a model with the best.

    Parameters
    ----------
    data : Table, path, frame, dict or array
        As for `read_table`.
    target : str or sequence of str, optional
        The columns to predict; an embedded set has its own.
    budget : float, optional
        Seconds for all of it; 60 where neither it nor `trials` is given.
    trials : int, optional
        How many settings to try at most. Without a budget, the same number and seed give the same result.
    driver : {"schuss", "optuna"}
        What decides which settings are tried: successive halving, or Optuna's sampler (extra ``tune``).
    task, test_size, dtype, engine, threads
        As for `fit_model`. Rows kept for testing take no part in the search.
    seed : int
        Of test rows, folds, draws and weights.
    study : path, optional
        A folder for the trials. One that holds trials of the same search is gone on with.
    record : path, optional
        A new folder in which to record the training of the best.
    source : str, optional
        Where the table can be read again; noted with the trials, so that each can become a run.
    called : str, optional
        What the command calls the data; by default the source, or the table's name.
    progress, training : callable, optional
        Given a `Reached` after each sweep of the search; a `Tick` while the best is trained.
    tell : callable, optional
        Told in sentences what was decided.

    Returns
    -------
    Tuned

    Raises
    ------
    DataError, SettingError, RecordError, MissingExtraError
    TrainingInterrupted
        Ctrl-C while the best is trained; during the search it ends the search alone.
    """
    decide, seed = _driver(driver), check_integer("seed", seed, low=0, high=2**64 - 1)
    budget, trials = _budget(budget, trials), _trials(trials)
    clock = Clock(budget)
    table = read_table(data)
    names = [target] if isinstance(target, str) else list(target or table.targets)
    terms = Terms(tuple(names), task, test_size, seed, dtype, engine_named(engine).info.engine)
    prepared = terms.prepared(table)
    _check_rows(table.name, len(prepared.rows))
    folder = study.made() if isinstance(study, NextFree) else None if study is None else Path(study)
    problem = problem_of(table, prepared, seed)
    about = terms.about(prepared, problem, driver)
    journal = Journal(about, folder, source)
    try:
        found = search(
            problem,
            starts_for(problem.n_rows, problem.sizes[0], prepared.targets),
            journal=journal,
            clock=clock,
            trials=trials,
            seed=seed,
            driver=decide,
            engine=engine,
            threads=threads,
            progress=progress,
        )
    finally:
        journal.close()
    for sentence in _remarks(found, budget):
        tell(sentence)

    fit = partial(terms.fit, table, engine=engine, threads=threads, progress=training, source=source)
    trained, model = _trained(found, record, tell, fit)
    start_scores = _start_scores(found, trained, model, fit)
    command = terms.command(trained, called or source or table.name)
    return Tuned(
        model,
        found,
        trained,
        start_scores,
        command,
        Study(about | {"source": source}, found.measured, folder),
    )


def _check_rows(name: str, n: int) -> None:
    if n < FEWEST_ROWS:
        raise DataError(
            f"{name} has {n} rows to learn from; to compare settings takes {FEWEST_ROWS} or more. Train with "
            "the defaults instead: schuss train."
        )


def _trained(
    found: Found, record: Path | NextFree | None, tell: Callable[[str], object], fit: Fit
) -> tuple[Setting, Model]:
    """Return the best setting with the model that it makes; of one that diverges on all rows, the next."""
    best, *others = dict.fromkeys((found.best.setting, *(each.setting for each in found.whole)))
    for setting in (best, *others[:SECOND_BEST]):
        try:
            return setting, fit(setting, record=record, tell=tell)
        except DivergenceError as error:
            tell(f"The training of the best setting diverged at step {error.step}; the next best is trained.")
            record = NextFree.beside(record)
            last = error
    raise last


def _start_scores(found: Found, trained: Setting, model: Model, fit: Fit) -> dict[str, float]:
    """Return what the start scores on the rows kept for testing; nothing if it cannot be said."""
    start = found.start.setting
    if trained == start or not model.scores:
        return dict(model.scores)
    try:
        return fit(start).scores
    except (DivergenceError, TrainingInterrupted):  # the model is there already
        return {}


def _remarks(found: Found, budget: float | None) -> list[str]:
    """Return what a user should know about how a search ended."""
    if not found.best.scores and found.stopped == "budget":
        sentence = f"The budget of {budget:g} s is shorter than one trial: nothing was compared, and the"
        return [f"{sentence} defaults are trained. Give more time with --budget."]
    told = []
    if found.tried == 1 and found.stopped != "trials":
        told.append("There was time for the defaults alone; nothing was compared with them.")
    if found.stopped == "interrupted":
        told.append("Interrupted: the best so far is trained.")
    return told


def _budget(budget: float | None, trials: int | None) -> float | None:
    if budget is None:
        return None if trials is not None else BUDGET
    return check_number("budget", budget, low=0.0, open_low=True)


def _trials(trials: int | None) -> int | None:
    return None if trials is None else check_integer("trials", trials, low=1)


def _driver(name: str) -> MakeDriver:
    if check_choice("driver", name, DRIVERS) == "schuss":
        return Halving
    from schuss.adapters.optuna_driver import optuna_driver

    return optuna_driver()

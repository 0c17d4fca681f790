"""A model: preprocessing, network and labels together, from a table to predictions and scores.

Holds what `schuss.training` made; reads and writes no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.adapters.columns import Table
from schuss.adapters.fitting import encoded, prepare
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.recipe import Recipe, outputs_of
from schuss.adapters.scores import scores_of
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target
from schuss.engine.engine import Engine
from schuss.errors import DataError, DivergenceError, TrainingInterrupted
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.training.record import NextFree
from schuss.training.run import Run
from schuss.training.telling import Tick, silent
from schuss.training.train import train

__all__ = ["Model", "fit_model"]

GENTLER = 3  # times that a diverging training starts again


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that a prediction from a table needs.

    Attributes
    ----------
    run : Run
        The training: network, plan, state, losses.
    preprocessor : Preprocessor or None
        From columns to inputs; None if the model was made from arrays.
    targets : tuple of Target
        From outputs to labels or numbers; empty if the model was made from arrays.
    scores : dict
        Measured on the rows kept for testing: ``{"accuracy": 0.98, …}``; empty if none were kept.
    n_test : int
        How many rows those were.
    """

    run: Run
    preprocessor: Preprocessor | None = None
    targets: tuple[Target, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    n_test: int = 0

    def inputs(self, table: Any) -> Array:
        """Return the network's inputs for what `read_table` reads as a table, shape (n_rows, n_in)."""
        if self.preprocessor is None:
            raise DataError("this model was made from arrays and knows no columns; use model.run.predict(X).")
        return self.preprocessor.transform(read_table(table)).astype(self.run.theta.dtype)

    def answers(self, table: Any) -> NDArray[Any]:
        """Return the targets in `table` as the loss wants them: class indices, or (n_rows, n_out)."""
        return encoded(self.targets, read_table(table))

    def outputs(self, table: Any) -> Array:
        """Return the network's outputs for `table`, shape (n_rows, n_out)."""
        return self.run.predict(self.inputs(table))

    def predict(self, table: Any) -> dict[str, NDArray[Any]]:
        """Return the predictions, shape (n_rows,), by target."""
        return self._decoded(self.outputs(table))

    def _decoded(self, y: Array) -> dict[str, NDArray[Any]]:
        if outputs_of(self.targets) == "one of many":
            target = self.targets[0]
            return {target.name: target.decode(y.argmax(axis=1))}
        columns = zip(self.targets, y.T, strict=True)
        return {t.name: t.decode(c if t.task == "regression" else (c > 0.5).astype(int)) for t, c in columns}

    def probabilities(self, table: Any) -> dict[str, Array]:
        """Return the probability of each class, shape (n_rows, n_classes), by target.

        Raises
        ------
        DataError
            The model predicts numbers, which have none.
        """
        kind = outputs_of(self.targets)
        if kind == "numbers":
            raise DataError("this model predicts numbers; probabilities are for classes only.")
        y = self.outputs(table).astype(np.float64)
        if kind == "one of many":
            return {self.targets[0].name: y}
        return {t.name: np.column_stack([1 - c, c]) for t, c in zip(self.targets, y.T, strict=True)}

    def tested(self, table: Table | None) -> Model:
        """Return the model with its scores on a table of rows that it has not seen, if there are any."""
        if table is None:
            return self
        return replace(self, scores=self.evaluate(table), n_test=table.n_rows)

    def evaluate(self, table: Any) -> dict[str, float]:
        """Return the scores on a table that holds the targets; see `schuss.adapters.scores`."""
        table = read_table(table)
        return scores_of(self.targets, self.outputs(table), table)


def fit_model(
    table: Table,
    target_names: Sequence[str],
    recipe: Recipe | None = None,
    *,
    task: str | None = None,
    test_size: float | None = None,
    dtype: str = "float32",
    engine: str | Engine = "auto",
    threads: int | None = None,
    progress: Callable[[Tick], None] | None = None,
    record: Path | NextFree | None = None,
    source: str | None = None,
    tell: Callable[[str], object] = silent,
) -> Model:
    """Train a model on a table.

    Parameters
    ----------
    table : Table
    target_names : sequence of str
        The columns to predict.
    recipe : Recipe, optional
        Network and plan; what it leaves open is chosen for the data.
    task : {"classification", "regression"}, optional
        Decided from the target by default.
    test_size : float, optional
        Share of rows kept for testing, in [0, 1). By default 0.2, and 0 below 50 rows.
    record : path, optional
        A new folder in which to record the run; where a training diverges and starts again at a gentler rate,
        that is recorded in a folder beside it.
    source : str, optional
        Where the table can be read again.
    tell : callable, optional
        Told in sentences what was decided about the columns.

    Returns
    -------
    Model

    Raises
    ------
    DataError, SettingError, DivergenceError
    TrainingInterrupted
        Its ``model`` is the model so far.
    """
    recipe = recipe or Recipe()
    X, T, preprocessor, targets, test, _ = prepare(table, target_names, task, test_size, recipe.seed, dtype)
    for line in (*preprocessor.report, *(line for target in targets for line in target.report)):
        tell(line)
    about = {
        "source": source,
        "table": table.name,
        "prepared_with": {"task": task, "test_size": test_size, "seed": recipe.seed, "dtype": dtype},
        "preprocessor": preprocessor.to_dict(),
        "targets": [target.to_dict() for target in targets],
    }
    network = recipe.network(X.shape[1], targets)
    how = {"engine": engine, "threads": threads, "progress": progress, "about": about}
    try:
        run = _train_gently(network, X, T, recipe, how, record, tell)
    except TrainingInterrupted as interrupted:
        model = Model(interrupted.run, preprocessor, targets)
        raise TrainingInterrupted(interrupted.run, model) from interrupted
    return Model(run, preprocessor, targets).tested(test)


def _train_gently(
    network: Network,
    X: Array,
    T: NDArray[Any],
    recipe: Recipe,
    how: dict[str, Any],
    record: Path | NextFree | None,
    tell: Callable[[str], object],
) -> Run:
    """Train; where the rate was ours to choose and the training diverged, again at gentler rates."""
    for attempt in range(GENTLER):
        try:
            return train(network, X, T, recipe.gentler(attempt).plan(len(X)), **how, record=record)
        except DivergenceError as error:
            if not recipe.chooses_rate:
                raise
            tell(f"The training diverged at step {error.step}; it starts again at a third of the rate.")
            record = NextFree.beside(record)
    return train(network, X, T, recipe.gentler(GENTLER).plan(len(X)), **how, record=record)

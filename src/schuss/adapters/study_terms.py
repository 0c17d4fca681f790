"""What all trainings of a study have in common: with a setting and the data, everything that decides bits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from schuss.adapters.columns import Table
from schuss.adapters.fitting import Prepared, prepare
from schuss.adapters.model import Model, fit_model
from schuss.adapters.train_command import RISE_AND_FALL, options_of, terms_of, train_command
from schuss.adapters.tuning_problem import recipe_of
from schuss.engine.engine import Engine
from schuss.insight.tuning.folds import Problem
from schuss.insight.tuning.setting import Setting
from schuss.method.samples import Samples

__all__ = ["Terms"]


@dataclass(frozen=True)
class Terms:
    """What all trainings of a study have in common besides the data.

    Attributes
    ----------
    targets : tuple of str
    task, test_size, seed, dtype
        As `tune` was given them.
    engine : str
        ``"native"``, ``"reference"`` or ``"bfloat16"``: which one ran, since their bits differ.
    """

    targets: tuple[str, ...]
    task: str | None
    test_size: float | None
    seed: int
    dtype: str
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as plain JSON values."""
        share = None if self.test_size is None else float(self.test_size)
        return asdict(self) | {"targets": list(self.targets), "test_size": share}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Terms:
        """Return the terms that stand among others in `value`; KeyError or TypeError if one is missing."""
        known = {field.name: value[field.name] for field in fields(cls)}
        return cls(**known | {"targets": tuple(known["targets"])})

    def prepared(self, table: Table) -> Prepared:
        """Return what the networks are trained on."""
        return prepare(table, self.targets, self.task, self.test_size, self.seed, self.dtype)

    def about(self, prepared: Prepared, problem: Problem, driver: str) -> dict[str, Any]:
        """Return the first line of the trials: what they must have in common to be compared.

        Causes stand before what follows from them, since the first difference is the one that is told.
        """
        return {
            "driver": driver,
            **self.to_dict(),
            "schedule": RISE_AND_FALL,
            "measure": problem.measure,
            "folds": problem.n_folds,
            "number_of_rows": len(prepared.rows),
            "data": Samples(prepared.X, prepared.T, None).fingerprint(),
        }

    def fit(self, table: Table, setting: Setting, *, engine: str | Engine | None = None, **how: Any) -> Model:
        """Train with a setting on all rows that are not kept for testing, as `schuss train` does.

        Parameters
        ----------
        engine : optional
            Another than that of the terms, as for `fit_model`.
        **how
            ``threads``, ``progress``, ``record``, ``source`` and ``tell`` of `fit_model`.
        """
        return fit_model(
            table,
            self.targets,
            recipe_of(setting, self.seed),
            task=self.task,
            test_size=self.test_size,
            dtype=self.dtype,
            engine=engine or self.engine,
            **how,
        )

    def command(self, setting: Setting, data: str) -> str:
        """Return the ``schuss train …`` that makes the same model as `fit`, to the same bits."""
        others = terms_of(self.seed, self.task, self.test_size, self.dtype, self.engine)
        return train_command(data, self.targets, options_of(setting) | others)

"""What an estimator keeps from one fit to the next, and how it becomes plain values for pickle and skops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schuss.adapters.estimators.draws import generator_from, plain_generator
from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.training.stopping import Progress

__all__ = ["Memory"]


@dataclass
class Memory:
    """The network, its weights, and where the training stands.

    Attributes
    ----------
    network : Network
    theta : ndarray, shape (n_parameters,)
        Writable; ``coefs_`` and ``intercepts_`` are views of it.
    generator : RandomState or None
        Where the draws go on.
    owed : (int, int)
        Samples and epochs whose orders have been used but not yet drawn from the generator.
    rule : str or None
        Whose memory `slots` is.
    slots : ndarray, shape (n_slots, n_parameters), or None
        The rule's memory: the velocity.
    age : int
        Updates made so far.
    rate : float or None
        The learning rate that plateaus have left.
    reached : Progress
        Of the scores on data held out if `judged`, else of the training loss.
    judged : bool
    best : (ndarray, ndarray) or None
        Weights and rule's memory at the best score.
    plan : Plan or None
        Of the last training.
    """

    network: Network
    theta: Array
    generator: np.random.RandomState | None
    owed: tuple[int, int] = (0, 0)
    rule: str | None = None
    slots: Array | None = None
    age: int = 0
    rate: float | None = None
    reached: Progress = field(default_factory=Progress)
    judged: bool = False
    best: tuple[Array, Array] | None = None
    plan: Plan | None = None
    online: Any = field(default=None, repr=False)  # what `online.py` keeps between two rows
    _engine: tuple[Any, Engine] | None = field(default=None, repr=False)

    def engine(self, name: str, threads: int | None) -> Engine:
        """Return the engine called `name`, the same one as long as it is asked for with the same words."""
        if self._engine is None or self._engine[0] != (name, threads):
            self._engine = (name, threads), engine_named(name, threads)
        return self._engine[1]

    def reached_by(self, judged: bool) -> Progress:
        """Return what was reached, if it is of the same kind: scores, or losses."""
        return self.reached if judged == self.judged else Progress()

    def to_plain(self) -> dict[str, Any]:
        """Return the memory as dicts, lists, numbers and arrays."""
        return {
            "network": self.network.to_dict(),
            "theta": self.theta,
            "generator": plain_generator(self.generator),
            "owed": list(self.owed),
            "rule": self.rule,
            "slots": self.slots,
            "age": self.age,
            "rate": self.rate,
            "reached": [self.reached.best, self.reached.waited],
            "judged": self.judged,
            "best": None if self.best is None else list(self.best),
            "plan": None if self.plan is None else self.plan.to_dict(),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Memory:
        """Return the memory that `to_plain` described."""
        best, waited = plain["reached"]
        return cls(
            network=Network.from_dict(plain["network"]),
            theta=np.array(plain["theta"]),
            generator=generator_from(plain["generator"]),
            owed=tuple(plain["owed"]),
            rule=plain["rule"],
            slots=plain["slots"],
            age=plain["age"],
            rate=plain["rate"],
            reached=Progress(math.inf if best is None else best, waited),
            judged=plain["judged"],
            best=None if plain["best"] is None else tuple(plain["best"]),
            plan=None if plain["plan"] is None else Plan.from_dict(plain["plan"]),
        )

"""What to train where the user does not say: network, rule and epochs, chosen by the size of the data.

The choices were made on the five embedded real sets and checked on others; benchmarks/accuracy.py prints
the table that they rest on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from schuss.adapters.targets import Target
from schuss.errors import DataError
from schuss.method.checks import check_integer
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum, Nesterov, Rule
from schuss.method.schedules import Cosine, Rate

__all__ = ["OUTPUTS", "Outputs", "Recipe", "outputs_of", "rise_and_fall"]

Outputs = Literal["one of two", "one of many", "several yes or no", "numbers"]

# What the outputs mean -> (loss, output activation)
OUTPUTS: dict[Outputs, tuple[str, str]] = {
    "one of two": ("binary_cross_entropy", "logistic"),
    "one of many": ("cross_entropy", "softmax"),
    "several yes or no": ("binary_cross_entropy", "logistic"),
    "numbers": ("squared_error", "identity"),
}

STEPS = 3000  # enough for a small set to settle
MOST_EPOCHS, LEAST_EPOCHS = 1000, 20
PEAK_RATE, WARM_UP = 0.03, 0.05
# The penalty of one sample's share of a batch: falls with the number of rows, as evidence grows.
PENALTY, MOST_PENALTY = 5.0, 0.01


def rise_and_fall(peak: float) -> Cosine:
    """Return the schedule of a learning rate that is not held constant, with this highest value."""
    return Cosine(peak, warm_up=WARM_UP)


def outputs_of(targets: Sequence[Target]) -> Outputs:
    """Return what the network's outputs mean for these targets, or raise DataError for a mixture."""
    if all(target.task == "regression" for target in targets):
        return "numbers"
    if len(targets) == 1:
        return "one of two" if len(targets[0].classes) == 2 else "one of many"
    if all(target.task == "classification" and len(target.classes) == 2 for target in targets):
        return "several yes or no"
    kinds = ", ".join(f"{t.name!r}: {t.task} of {len(t.classes) or 'numbers'}" for t in targets)
    raise DataError(
        f"several targets must all be numbers or all have two classes; got {kinds}. Train one model "
        "per target, or set the task."
    )


@dataclass(frozen=True)
class Recipe:
    """Settings of a training on a table. None means: chosen for the data.

    Attributes
    ----------
    hidden : tuple of int
        Units of the hidden layers; ``()`` for none.
    activation : str
        Of the hidden layers.
    learning_rate : float or schedule
        A number is held constant; by default it rises, then falls along a cosine.
    momentum : float
    nesterov : bool
    epochs, batch_size : int
    l2 : float
    seed : int
    dropout : float
    """

    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    learning_rate: Rate | None = None
    momentum: float = 0.9
    nesterov: bool = False
    epochs: int | None = None
    batch_size: int | None = None
    l2: float | None = None
    seed: int = 0
    dropout: float = 0.0

    def network(self, n_in: int, targets: Sequence[Target]) -> Network:
        """Return the network for `n_in` features and these targets."""
        loss, output = OUTPUTS[outputs_of(targets)]
        n_out = max(len(targets), 1)
        if outputs_of(targets) == "one of many":
            n_out = len(targets[0].classes)
        hidden = (128,) if self.hidden is None else self.hidden
        names = [self.activation or "silu"] * len(hidden)
        return Network([n_in, *hidden, n_out], [*names, output], loss)

    def plan(self, n: int) -> Plan:
        """Return the plan for `n` training rows."""
        batch = min(n, 32 if n <= 20_000 else 128)
        if self.batch_size is not None:
            batch = check_integer("batch_size", self.batch_size, low=1)
        steps_per_epoch = -(-n // min(batch, n))
        epochs = max(LEAST_EPOCHS, min(MOST_EPOCHS, round(STEPS / steps_per_epoch)))
        return Plan(
            rule=self.rule(),
            epochs=epochs if self.epochs is None else self.epochs,
            batch_size=batch,
            seed=self.seed,
            l2=min(MOST_PENALTY, PENALTY / n) * min(batch, n) if self.l2 is None else self.l2,
            dropout=self.dropout,
        )

    def gentler(self, times: int) -> Recipe:
        """Return the recipe with the rate that it chooses itself divided by 3 so many `times`."""
        if self.learning_rate is not None or times == 0:
            return self
        return replace(self, learning_rate=rise_and_fall(PEAK_RATE / 3**times))

    def rule(self) -> Rule:
        """Return the update rule."""
        rate = rise_and_fall(PEAK_RATE) if self.learning_rate is None else self.learning_rate
        return (Nesterov if self.nesterov else Momentum)(rate, self.momentum)

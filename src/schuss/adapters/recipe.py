"""What to train where the user does not say: network, rule and epochs, chosen by the size of the data.

The choices were made on the five embedded real sets and checked on others; benchmarks/accuracy.py prints
the table that they rest on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from schuss.adapters.targets import Target
from schuss.errors import DataError, SettingError, did_you_mean
from schuss.method.checks import check_integer
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum, Nesterov, Rule, WholeStep, rule_named
from schuss.method.schedules import Cosine, Plateau, Rate

__all__ = ["MOMENTUM", "OUTPUTS", "WARM_UP", "Outputs", "Recipe", "outputs_of", "peak_of", "rise_and_fall"]

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
WARM_UP, MOMENTUM = 0.05, 0.9
# The highest rate by the rule; of the others their own default will do, as runs on iris and wine showed.
PEAK_RATES = {"momentum": 0.03, "nesterov": 0.03, "adam": 0.01, "adagrad": 0.1, "lion": 0.001}
PATIENCE = 10  # epochs without improvement, where a Plateau waits for them
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


def peak_of(kind: type[Any]) -> float:
    """Return the highest learning rate that suits a kind of rule where nobody gives one."""
    return PEAK_RATES.get(kind.name, kind().learning_rate)


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
        A number is held constant; by default it rises, then falls along a cosine. Its peak depends
        on the rule: 0.03 for momentum and Nesterov's.
    momentum : float or schedule
        Of the rules that have one; by default 0.9.
    nesterov : bool
        The same as ``rule_name="nesterov"``.
    epochs, batch_size : int
    l2 : float
    seed : int
    dropout : float
    rule_name : str or None
        A name of `schuss.method.rules.RULES`; None is momentum.
    rule_settings : tuple of (str, float)
        Other settings of the rule by name, as ``(("beta_1", 0.95),)``.
    """

    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    learning_rate: Rate | None = None
    momentum: Rate | None = None
    nesterov: bool = False
    epochs: int | None = None
    batch_size: int | None = None
    l2: float | None = None
    seed: int = 0
    dropout: float = 0.0
    rule_name: str | None = None
    rule_settings: tuple[tuple[str, float], ...] = ()

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
        batch = n if self._sees_all() else min(n, 32 if n <= 20_000 else 128)
        if self.batch_size is not None:
            batch = check_integer("batch_size", self.batch_size, low=1)
        steps_per_epoch = -(-n // min(batch, n))
        epochs = max(LEAST_EPOCHS, min(MOST_EPOCHS, round(STEPS / steps_per_epoch)))
        return Plan(
            rule=self.rule(),
            epochs=epochs if self.epochs is None else self.epochs,
            batch_size=None if self._sees_all() else batch,
            seed=self.seed,
            patience=PATIENCE if isinstance(self.learning_rate, Plateau) else None,
            l2=min(MOST_PENALTY, PENALTY / n) * min(batch, n) if self.l2 is None else self.l2,
            dropout=self.dropout,
        )

    def gentler(self, times: int) -> Recipe:
        """Return the recipe with the rate that it chooses itself divided by 3 so many `times`."""
        if not self.chooses_rate or times == 0:
            return self
        return replace(self, learning_rate=self._chosen_rate(times))

    @property
    def chooses_rate(self) -> bool:
        """Whether the learning rate is the recipe's: none was given, and the rule has one that varies."""
        is_given = self.learning_rate is not None or "learning_rate" in dict(self.rule_settings)
        return not is_given and "learning_rate" in self._kind().rates and not self._sees_all()

    def _sees_all(self) -> bool:
        """Whether each step must see all samples; SettingError if it is to see fewer."""
        kind = self._kind()
        if not getattr(kind, "full_batch", False):
            return False
        if self.batch_size is not None:
            raise SettingError(
                f"rule {kind.name!r} compares one step with the next, so each must see all samples; leave "
                f"the batch size out, or take a rule such as momentum for batches of {self.batch_size!r}."
            )
        return True

    def rule(self) -> Rule | WholeStep:
        """Return the update rule; SettingError for a name or a setting that there is not."""
        kind = self._kind()
        settings: dict[str, Any] = dict(self.rule_settings)
        allowed = [field.name for field in fields(kind)]
        for name in settings:
            if name not in allowed:
                hint = did_you_mean(name, allowed)
                raise SettingError(f"rule {kind.name!r} has {', '.join(allowed)}; got {name!r}{hint}.")
        for name, value in (("momentum", self.momentum), ("learning_rate", self.learning_rate)):
            if value is not None:
                settings[name] = self._given(name, value)
        if "momentum" in kind.rates:
            settings.setdefault("momentum", MOMENTUM)
        if self.chooses_rate:
            settings["learning_rate"] = self._chosen_rate(0)
        rule: Rule | WholeStep = kind(**settings)
        return rule

    def _given(self, name: str, value: Rate) -> Rate:
        """Return a rate that was given; SettingError if the rule has none, or it was given twice."""
        kind, words = self._kind(), name.replace("_", " ")
        if name not in kind.rates:
            why = ": it finds the lengths of its steps by itself" if name == "learning_rate" else ""
            raise SettingError(f"rule {kind.name!r} has no {words}{why}.")
        if name in dict(self.rule_settings):
            raise SettingError(f"the {words} is given twice: by itself, and as a setting of the rule.")
        return value

    def _kind(self) -> type[Any]:
        if self.rule_name is None:
            return Nesterov if self.nesterov else Momentum
        if self.nesterov and self.rule_name != Nesterov.name:
            raise SettingError(f"nesterov is a rule itself; got the rule {self.rule_name!r} as well.")
        return rule_named(self.rule_name)

    def _chosen_rate(self, times: int) -> Rate:
        return rise_and_fall(peak_of(self._kind()) / 3**times)

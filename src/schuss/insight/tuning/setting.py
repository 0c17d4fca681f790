"""One way to train, as plain numbers: what a search tries, and what its record holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from schuss.errors import RecordError

__all__ = ["Setting", "Shape"]


class Shape(NamedTuple):
    """What all networks of one sweep have in common; the rest of a setting may vary in it."""

    hidden: tuple[int, ...]
    activation: str
    batch_size: int
    dropout: float
    epochs: int


@dataclass(frozen=True)
class Setting:
    """How to train.

    Attributes
    ----------
    hidden : tuple of int
        Units of the hidden layers.
    activation : str
        Of the hidden layers.
    learning_rate : float
        The highest value of the schedule.
    momentum : float
        η in [0, 1).
    batch_size, epochs : int
    l2 : float
        As in a `Plan`.
    dropout : float
        As in a `Plan`.
    """

    hidden: tuple[int, ...]
    activation: str
    learning_rate: float
    momentum: float
    batch_size: int
    epochs: int
    l2: float
    dropout: float

    @property
    def shape(self) -> Shape:
        """What it shares with those that can be trained in one sweep with it."""
        return Shape(self.hidden, self.activation, self.batch_size, self.dropout, self.epochs)

    def shortened(self, share: float) -> Setting:
        """Return the setting with this share of its epochs, one at least."""
        return self if share == 1.0 else replace(self, epochs=max(1, round(share * self.epochs)))

    def to_dict(self) -> dict[str, Any]:
        """Return the setting as plain JSON values."""
        return asdict(self) | {"hidden": list(self.hidden)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Setting:
        """Return the setting that `to_dict` described; RecordError if that is damaged."""
        try:
            known = {field.name: value[field.name] for field in fields(cls)}
            return cls(**{**known, "hidden": tuple(known["hidden"])})
        except (KeyError, TypeError) as error:
            raise RecordError(f"the description of a setting is damaged: {error}.") from None

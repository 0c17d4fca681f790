"""What a search may try: for each setting its values, and a scale on which steps are alike.

Rates and penalties are drawn on a logarithm, and momentum on that of 1−η: from 0.9 to 0.99 is as far as
from 0 to 0.9, since a gradient is remembered for about 1/(1−η) steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schuss.insight.tuning.setting import Setting

__all__ = ["UNUSED", "Choice", "Dimension", "Range", "Space", "coordinates"]

DIGITS = 3  # of the numbers tried, so that a command can be read and typed
NEAR = 0.12  # deviation of a step to a neighbour, as a share of a range
DEAREST = 6.0  # times the work of the start
LONGER = 5.0  # times as long as the start, or as much shorter
UNUSED = "silu"  # the activation of a setting without hidden layers: always this, so that equals are equal


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, drawn evenly on a logarithm; `of_rest` means that of 1 less the number."""

    low: float
    high: float
    of_rest: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number of the range."""
        return self._at(rng.random())

    def near(self, value: float, rng: np.random.Generator) -> float:
        """Return a number not far from `value`, reflected at the ends."""
        place = abs(self._place(value) + rng.normal(0.0, NEAR)) % 2.0
        return self._at(min(place, 2.0 - place))

    def drawn(self, value: float) -> float:
        """Return what is drawn for `value`, between the ends: itself, or 1 less it."""
        return min(self.high, max(self.low, 1.0 - value if self.of_rest else value))

    def value(self, drawn: float) -> float:
        """Return the value for what was drawn, to a few digits."""
        return _rounded(1.0 - _rounded(drawn)) if self.of_rest else _rounded(drawn)

    def _place(self, value: float) -> float:
        return math.log(self.drawn(value) / self.low) / math.log(self.high / self.low)

    def _at(self, place: float) -> float:
        return self.value(self.low * (self.high / self.low) ** place)


@dataclass(frozen=True)
class Choice:
    """One of some values; in order where neighbours are alike."""

    values: tuple[Any, ...]
    in_order: bool = True

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of the values."""
        return self.values[int(rng.integers(len(self.values)))]

    def near(self, value: Any, rng: np.random.Generator) -> Any:
        """Return the value, the next or the one before; where there is no order, any."""
        if not self.in_order:
            return self.draw(rng)
        at = self.values.index(self.drawn(value))
        return self.values[min(len(self.values) - 1, max(0, at + int(rng.integers(-1, 2))))]

    def drawn(self, value: Any) -> Any:
        """Return the value that is nearest; where there is no order, itself or the first."""
        if self.in_order:
            return min(self.values, key=lambda each: abs(each - value))
        return value if value in self.values else self.values[0]


Dimension = Range | Choice


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


@dataclass(frozen=True)
class Space:
    """What may be tried on some number of samples.

    Attributes
    ----------
    n : int
        Samples in a training of the search.
    visits : float
        How often the start sees a sample in all.
    cost : callable
        From a setting to its work in a training; any unit.
    dearest : float
        No setting is drawn whose work is more.
    """

    n: int
    visits: float
    cost: Callable[[Setting], float]
    dearest: float

    @classmethod
    def around(cls, start: Setting, n: int, cost: Callable[[Setting], float]) -> Space:
        """Return the space of settings that take at most `DEAREST` times the work of `start`."""
        return cls(n, float(start.epochs * n), cost, DEAREST * cost(start))

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """What is drawn, by name: see `coordinates` for what the names mean."""
        return {
            "width": Choice((8, 16, 32, 64, 128, 256)),
            "depth": Choice((0, 1, 2)),
            "activation": Choice(("silu", "relu", "tanh"), in_order=False),
            "batch_size": Choice(tuple(b for b in (8, 16, 32, 64, 128, 256) if b == 8 or 4 * b <= self.n)),
            "dropout": Choice((0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
            "visits": Range(self.visits / LONGER, self.visits * LONGER),
            "learning_rate": Range(0.003, 1.0),
            "momentum": Range(0.005, 1.0, of_rest=True),
            "decay": Range(1e-6, 0.05),
        }

    def draw_shape(self, rng: np.random.Generator, near: Setting | None = None) -> Setting:
        """Return a setting of a new shape: any, or one that differs from `near` in a few respects."""
        found = self.dimensions
        if near is None:
            return self.setting({name: each.draw(rng) for name, each in found.items()})
        values = coordinates(near, self.n)
        values["width"] = found["width"].drawn(values["width"])  # that of no layer is no width
        names = ("width", "depth", "activation", "batch_size", "dropout", "visits")
        for name in rng.choice(names, size=2, replace=False):
            values[name] = found[name].near(values[name], rng)
        return self.setting(values)

    def draw_rates(self, rng: np.random.Generator, of: Setting, *, near: bool) -> Setting:
        """Return `of` with other rates and another penalty: any, or some not far from its own."""
        found, values = self.dimensions, coordinates(of, self.n)
        for name in ("learning_rate", "momentum", "decay"):
            values[name] = found[name].near(values[name], rng) if near else found[name].draw(rng)
        drawn = self.setting(values)
        # all else is its own: the epochs that are made of coordinates may differ by one
        return replace(of, learning_rate=drawn.learning_rate, momentum=drawn.momentum, l2=drawn.l2)

    def setting(self, values: dict[str, Any]) -> Setting:
        """Return the setting at these coordinates, with fewer epochs if it would be too dear."""
        batch, deep = int(values["batch_size"]), int(values["depth"]) > 0
        found = Setting(
            hidden=(int(values["width"]),) * int(values["depth"]),
            activation=str(values["activation"]) if deep else UNUSED,
            learning_rate=float(values["learning_rate"]),
            momentum=float(values["momentum"]),
            batch_size=batch,
            epochs=max(1, int(_rounded(values["visits"] / self.n))),
            l2=_rounded(values["decay"] * batch),
            dropout=float(values["dropout"]) if deep else 0.0,
        )
        over = self.cost(found) / self.dearest
        return found if over <= 1.0 else replace(found, epochs=max(1, int(found.epochs / over)))


def coordinates(setting: Setting, n: int) -> dict[str, Any]:
    """Return where a setting stands: as it is, but for three.

    ``width`` and ``depth`` stand for the hidden layers; ``visits`` is how often a sample is seen in all,
    epochs times samples; ``decay`` is l2 by the sample of a batch, which is what shrinks the weights.
    """
    return {
        "width": max(setting.hidden, default=0),
        "depth": len(setting.hidden),
        "activation": setting.activation,
        "batch_size": setting.batch_size,
        "dropout": setting.dropout,
        "visits": float(setting.epochs * n),
        "learning_rate": setting.learning_rate,
        "momentum": setting.momentum,
        "decay": setting.l2 / setting.batch_size,
    }

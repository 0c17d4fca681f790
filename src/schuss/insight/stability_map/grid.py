"""The grid of a stability map: learning rates by their logarithm, momenta by that of 1−η.

A level has twice the resolution of the one before; every rate and momentum of a level is one of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.checks import check_integer, check_number

__all__ = ["Grid"]

Floats = NDArray[np.float64]

MOST_CELLS = 2**18
LEAST_DIGITS = 3


@dataclass(frozen=True)
class Grid:
    """Rates and momenta, coarse and fine.

    Parameters
    ----------
    learning_rates : (float, float)
        The lowest and the highest.
    momenta : (float, float)
        The lowest and the highest, in [0, 1).
    coarse : int
        How many of each the first level has, at least 3.
    levels : int
        How many levels there are.

    Raises
    ------
    SettingError
        Ends that are none, or more than 2¹⁸ cells.
    """

    learning_rates: tuple[float, float]
    momenta: tuple[float, float]
    coarse: int
    levels: int

    def __post_init__(self) -> None:
        low, high = _pair("learning_rates", self.learning_rates)
        low = check_number("the lower end of learning_rates", low, low=0.0, open_low=True)
        check_number("the upper end of learning_rates", high, low=low, open_low=True)
        low, high = _pair("momenta", self.momenta)
        low = check_number("the lower end of momenta", low, low=0.0, high=1.0, open_high=True)
        check_number("the upper end of momenta", high, low=low, high=1.0, open_low=True, open_high=True)
        check_integer("coarse", self.coarse, low=3)
        check_integer("levels", self.levels, low=1)
        if self.levels > 16 or self.side**2 > MOST_CELLS:
            raise SettingError(
                f"{self.levels} levels that begin with {self.coarse} × {self.coarse} cells are more than "
                f"{MOST_CELLS:,} trainings; take fewer levels."
            )

    @property
    def side(self) -> int:
        """How many rates, and as many momenta, the finest level has."""
        return (self.coarse - 1) * 2 ** (self.levels - 1) + 1

    def stride(self, level: int) -> int:
        """Return how many of the finest level's cells are between neighbours of `level`, plus one."""
        return int(2 ** (self.levels - 1 - level))

    def learning_rate(self, level: int) -> Floats:
        """Return the rates of a level, rising, in as few digits as keep them apart."""
        return _few_digits(np.geomspace(*self.learning_rates, self.side))[:: self.stride(level)]

    def momentum(self, level: int) -> Floats:
        """Return the momenta of a level, rising, evenly apart in log(1−η)."""
        low, high = self.momenta
        left = _few_digits(np.geomspace(1.0 - low, 1.0 - high, self.side))
        return np.round(1.0 - left, 12)[:: self.stride(level)]


def _pair(name: str, given: object) -> tuple[float, float]:
    if isinstance(given, tuple | list) and len(given) == 2:
        return given[0], given[1]
    raise SettingError(f"{name} must be a lowest and a highest value; got {given!r:.80}.")


def _few_digits(values: Floats) -> Floats:
    """Return numbers rounded to three digits, or to as many as leave a twentieth of their distances."""
    apart = abs(np.log(values[1] / values[0]))
    digits = max(LEAST_DIGITS, 1 + int(np.ceil(np.log10(10 / apart))))
    return np.array([float(f"{value:.{digits - 1}e}") for value in values])

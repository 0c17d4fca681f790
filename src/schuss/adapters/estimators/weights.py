"""scikit-learn's ``coefs_`` and ``intercepts_``: views of the network's one vector, which can be set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from schuss.adapters.estimators.memory import Memory
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan

__all__ = ["WeightsMixin"]


class WeightsMixin:
    """The weights as lists of arrays."""

    _memory: Memory
    _given: dict[str, Any]

    @property
    def coefs_(self) -> list[Array]:
        """The layers' weights, shapes (fan_in, fan_out); views of the network's own.

        Set before a first fit with `warm_start`, or a first `partial_fit`, they are where it begins.
        """
        return self._arrays("coefs_", 0)

    @coefs_.setter
    def coefs_(self, arrays: Sequence[Any]) -> None:
        self._set_arrays("coefs_", 0, arrays)

    @property
    def intercepts_(self) -> list[Array]:
        """The layers' biases, shapes (fan_out,); views of the network's own; as `coefs_`."""
        return self._arrays("intercepts_", 1)

    @intercepts_.setter
    def intercepts_(self, arrays: Sequence[Any]) -> None:
        self._set_arrays("intercepts_", 1, arrays)

    @property
    def network_(self) -> Network:
        """The network as a value: layers, activations, loss."""
        return self._fitted().network

    @property
    def plan_(self) -> Plan | None:
        """The plan of the last training by sgd or adam: with the data and the first weights it replays."""
        return self._fitted().plan

    def _fitted(self) -> Memory:
        if "_memory" not in self.__dict__:
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: it has no network.")
        return self._memory

    def _arrays(self, name: str, part: int) -> Any:
        if "_memory" in self.__dict__:
            return [layer[part] for layer in self._memory.network.views(self._memory.theta)]
        if name not in self.__dict__.get("_given", {}):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: it has no {name}.")
        return self._given[name]

    def _set_arrays(self, name: str, part: int, arrays: Sequence[Any]) -> None:
        if "_memory" not in self.__dict__:
            self._given = {**self.__dict__.get("_given", {}), name: arrays}
            return
        for mine, array in zip(self._arrays(name, part), arrays, strict=True):
            if np.shape(array) != mine.shape:
                raise ValueError(f"{name} must hold arrays of this network's shapes; got {np.shape(array)}.")
            mine[...] = array

    def _given_theta(self) -> Any:
        """Return the weights and biases that were set before the first fit, or None."""
        given = self.__dict__.pop("_given", {})
        return (given["coefs_"], given["intercepts_"]) if len(given) == 2 else None

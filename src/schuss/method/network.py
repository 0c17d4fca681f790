"""A network described: layer sizes, activations, loss, and where each weight stands. Owns no weights.

All weights and biases stand in one flat vector ``theta``. Layer after layer: the matrix ``w`` of
shape (fan_in, fan_out) row by row, so that ``w[k, j]`` leads from unit k to unit j, then the biases
``b`` of shape (fan_out,). One integer addresses a weight in parameters, gradient, velocity and record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from schuss.errors import DataError, SettingError
from schuss.method.checks import check_choice, check_integer
from schuss.method.functions import ACTIVATIONS, OUTPUT_ONLY, Activation, Array, Loss
from schuss.method.initial import Init, draw_theta

__all__ = ["LayerWeights", "Network"]

_WEIGHT_NAME = re.compile(r"^\s*(\w+)\[(\d+)\]\s*<-\s*(?:(\w+)\[(\d+)\]|(bias))\s*$")


class LayerWeights(NamedTuple):
    """Views of one layer's part of theta: ``w`` (fan_in, fan_out) and ``b`` (fan_out,) or None."""

    w: Array
    b: Array | None


@dataclass(frozen=True, init=False, repr=False)
class Network:
    """A feed-forward network of dense layers.

    Parameters
    ----------
    layers : sequence of int
        Units per layer, input and output included: ``[64, 128, 10]``; ``[2, 1]`` has none hidden.
    activation : str or sequence of str, default "relu"
        One name for the hidden layers, or one name per layer after the input.
    loss : str or Loss, default "squared_error"
    output : str, optional
        Activation of the output layer. By default what the loss needs: softmax for
        ``"cross_entropy"``, logistic for ``"binary_cross_entropy"``, exp for ``"poisson"``. Else,
        if `activation` is bounded (logistic, tanh) and the loss is ``"squared_error"``, the same
        activation, as in the derivation of back-propagation; identity in every other case.
    biases : bool, default True
    init : str or Init, default "glorot_uniform"
        How the first weights are drawn; see `schuss.method.initial`.
    groups : sequence of int, optional
        Sizes of the groups of outputs that each have a softmax and a cross-entropy (or focal loss) of
        their own, for several questions at once; by default all outputs are one group.

    Raises
    ------
    SettingError
        Anything that is not allowed, such as a layer of 0 units or softmax in a hidden layer.
    """

    layers: tuple[int, ...]
    activation: tuple[str, ...]
    loss: Loss
    biases: bool
    init: Init
    groups: tuple[int, ...] | None

    def __init__(
        self,
        layers: Sequence[int],
        activation: str | Sequence[str] = "relu",
        loss: str | Loss = "squared_error",
        *,
        output: str | None = None,
        biases: bool = True,
        init: str | Init = "glorot_uniform",
        groups: Sequence[int] | None = None,
    ) -> None:
        if isinstance(layers, str) or not isinstance(layers, Sequence) or len(layers) < 2:
            raise SettingError(f"layers must list at least 2 sizes, as [4, 8, 3]; got {layers!r}.")
        if not isinstance(biases, bool):
            raise SettingError(f"biases must be True or False; got {biases!r}.")
        sizes = tuple(check_integer(f"layers[{i}]", n, low=1) for i, n in enumerate(layers))
        loss = Loss(loss) if isinstance(loss, str) else loss
        if not isinstance(loss, Loss):
            raise SettingError(f"loss must be a name or a Loss; got {loss!r}.")
        init = Init(init) if isinstance(init, str) else init
        if not isinstance(init, Init):
            raise SettingError(f"init must be a name or an Init; got {init!r}.")
        object.__setattr__(self, "layers", sizes)
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "activation", _activations(activation, output, loss, len(sizes) - 1))
        object.__setattr__(self, "biases", biases)
        object.__setattr__(self, "init", init)
        object.__setattr__(self, "groups", _groups(groups, self))
        _check_parameters(self)

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        return len(self.layers) - 1

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases: the length of theta."""
        return self._offsets()[-1]

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``input``, ``hidden1`` …, ``output``: one name per layer of units."""
        hidden = tuple(f"hidden{i}" for i in range(1, self.depth))
        return ("input", *hidden, "output")

    def activations(self) -> tuple[Activation, ...]:
        """Return the activation of each layer after the input."""
        return tuple(ACTIVATIONS[name] for name in self.activation)

    @property
    def group_slices(self) -> list[slice]:
        """Where each group of outputs stands; one group where nothing else was said."""
        ends = list(accumulate(self.groups or self.layers[-1:], initial=0))
        return [slice(a, b) for a, b in pairwise(ends)]

    def _offsets(self) -> list[int]:
        ends = [0]
        for fan_in, fan_out in zip(self.layers[:-1], self.layers[1:], strict=True):
            ends.append(ends[-1] + (fan_in + self.biases) * fan_out)
        return ends

    def views(self, theta: Array) -> list[LayerWeights]:
        """Return the layers' matrices and biases as views of `theta`, shape (n_parameters,)."""
        self.check_theta(theta)
        views, starts = [], self._offsets()
        for start, fan_in, fan_out in zip(starts, self.layers, self.layers[1:], strict=False):
            middle = start + fan_in * fan_out
            w = theta[start:middle].reshape(fan_in, fan_out)
            views.append(LayerWeights(w, theta[middle : middle + fan_out] if self.biases else None))
        return views

    def decayed(self, theta: Array, keep: float) -> Array:
        """Return `theta` with its weights, not its biases, multiplied by `keep`."""
        if keep == 1.0:
            return theta
        theta = theta.copy()
        for layer in self.views(theta):
            layer.w[...] *= theta.dtype.type(keep)
        return theta

    def check_theta(self, theta: Array) -> None:
        """Raise DataError unless `theta` is a flat vector of this network's length."""
        if theta.shape != (self.n_parameters,):
            raise DataError(f"theta of this network has shape ({self.n_parameters},); got {theta.shape}.")

    def pack(self, weights: Sequence[Any], biases: Sequence[Any] | None = None) -> Array:
        """Return theta from matrices (fan_in, fan_out) and bias vectors (fan_out,), as float64.

        Raises
        ------
        DataError
            A wrong number of arrays, a wrong shape, or numbers that are not finite.
        """
        theta = np.zeros(self.n_parameters)
        if biases is not None and not self.biases:
            raise DataError("this network has no biases; leave them out, or build it with biases.")
        for name, arrays in (("weights", weights), ("biases", biases)):
            if arrays is not None and len(arrays) != self.depth:
                raise DataError(
                    f"{name} must hold {self.depth} arrays, one per weight layer; got {len(arrays)}."
                )
        for i, view in enumerate(self.views(theta)):
            _copy_into(view.w, weights[i], f"weights[{i}]")
            if view.b is not None and biases is not None:
                _copy_into(view.b, biases[i], f"biases[{i}]")
        return theta

    def initial(self, seed: int, dtype: Any = np.float64) -> Array:
        """Return the first theta that `init` draws for `seed`, shape (n_parameters,)."""
        check_integer("seed", seed, low=0, high=2**64 - 1)
        theta = np.zeros(self.n_parameters, dtype)
        draw_theta(self.init, self.views(theta), seed)
        return theta

    def weight_name(self, index: int) -> str:
        """Return the name of weight `index`: ``hidden1[3] <- input[7]`` or ``output[0] <- bias``."""
        check_integer("weight index", index, low=0, high=self.n_parameters - 1)
        layer, k, j = self.place_of(index)
        source = "bias" if k == self.layers[layer] else f"{self.layer_names[layer]}[{k}]"
        return f"{self.layer_names[layer + 1]}[{j}] <- {source}"

    def layer_of(self, index: int) -> int:
        """Return which weight layer, counted from 0, holds weight `index`."""
        return int(np.searchsorted(self._offsets(), index, side="right")) - 1

    def place_of(self, index: int) -> tuple[int, int, int]:
        """Return the weight layer of weight `index`, and the units k and j; k is the fan-in for a bias."""
        layer = self.layer_of(index)
        return layer, *divmod(index - self._offsets()[layer], self.layers[layer + 1])

    def weight_index(self, name: str) -> int:
        """Return the place in theta of the weight called `name`; the inverse of `weight_name`."""
        match = _WEIGHT_NAME.match(name)
        if not match or match[1] not in self.layer_names[1:]:
            raise SettingError(
                f"a weight is named like 'hidden1[3] <- input[7]' or 'output[0] <- bias'; got {name!r}."
            )
        layer = self.layer_names.index(match[1]) - 1
        fan_in, fan_out = self.layers[layer], self.layers[layer + 1]
        k = fan_in if match[5] else int(match[4])
        wrong_source = not match[5] and (match[3] != self.layer_names[layer] or k >= fan_in)
        if int(match[2]) >= fan_out or wrong_source or (match[5] and not self.biases):
            raise SettingError(
                f"no weight {name!r}: {match[1]} has {fan_out} units, fed by "
                f"{self.layer_names[layer]} with {fan_in}{' and a bias' if self.biases else ''}."
            )
        return self._offsets()[layer] + k * fan_out + int(match[2])

    def to_dict(self) -> dict[str, Any]:
        """Return the network as plain JSON values."""
        return {
            "layers": list(self.layers),
            "activation": list(self.activation),
            "loss": [self.loss.name, self.loss.parameter],
            "biases": self.biases,
            "init": [self.init.name, self.init.scale],
            "groups": None if self.groups is None else list(self.groups),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Network:
        """Return the network that `to_dict` described."""
        return cls(
            value["layers"],
            value["activation"],
            Loss(*value["loss"]),
            biases=value["biases"],
            init=Init(*value["init"]),
            groups=value["groups"],
        )

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layers))
        functions = ", ".join(self.activation)
        parameters = f"{self.n_parameters:,} parameters"
        return f"Network({sizes}, {functions}, {self.loss.name}, {parameters})"


def _groups(given: Sequence[int] | None, network: Network) -> tuple[int, ...] | None:
    if given is None:
        return None
    if network.activation[-1] != "softmax" or network.loss.kind.partner != "softmax":
        raise SettingError(f"groups are for losses that need softmax; got loss {network.loss.name!r}.")
    sizes = tuple(check_integer(f"groups[{i}]", n, low=1) for i, n in enumerate(given))
    if sum(sizes) != network.layers[-1]:
        raise SettingError(f"groups must add up to {network.layers[-1]}, the outputs; got {sizes}.")
    return sizes


def _check_parameters(network: Network) -> None:
    given = network.loss.parameter
    if isinstance(given, tuple) and len(given) != network.layers[-1]:
        raise SettingError(
            f"loss {network.loss.name!r} needs one parameter, or one for each of {network.layers[-1]} "
            f"outputs; got {given!r}."
        )


def _activations(given: str | Sequence[str], output: str | None, loss: Loss, depth: int) -> tuple[str, ...]:
    partner = loss.kind.partner
    if isinstance(given, str):
        check_choice("activation", given, ACTIVATIONS)
        follows = loss.name == "squared_error" and ACTIVATIONS[given].bounded
        last = output or partner or (given if follows else "identity")
        names = (*[given] * (depth - 1), last)
    else:
        names = tuple(given) if isinstance(given, Sequence) else ()
        if len(names) != depth or (output is not None and output != names[-1]):
            raise SettingError(
                f"activation needs one name or {depth}, one per layer after the input; got {given!r}"
                + (f" and output={output!r}." if output else ".")
            )
    for name in names:
        check_choice("activation", name, ACTIVATIONS)
    for name in names[:-1]:
        if name in OUTPUT_ONLY:
            raise SettingError(f"activation {name!r} is for the output layer only; got {names}.")
    if partner and names[-1] != partner:
        raise SettingError(f"loss {loss.name!r} needs output activation {partner!r}; got {names[-1]!r}.")
    return names


def _copy_into(target: Array, source: Any, name: str) -> None:
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers, shape {target.shape}: {error}.") from error
    if values.shape != target.shape:
        raise DataError(f"{name} must have shape {target.shape}; got {values.shape}.")
    if not np.isfinite(values).all():
        raise DataError(f"{name} must be finite; it holds NaN or infinity.")
    target[...] = values

"""The same network as scikit-learn's estimator, from one, or as a PyTorch module. Weights are copied."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from schuss.adapters.estimators.memory import Memory
from schuss.adapters.estimators.weights import WeightsMixin
from schuss.errors import MissingExtraError, SettingError
from schuss.method.functions import Array
from schuss.method.network import Network

__all__ = ["ExchangeMixin"]

KNOWN = ("identity", "logistic", "tanh", "relu")  # to scikit-learn
FITTED = (
    "loss_",
    "best_loss_",
    "loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "n_iter_",
    "t_",
    "n_layers_",
    "n_outputs_",
    "n_features_in_",
    "feature_names_in_",
    "out_activation_",
)


class ExchangeMixin(WeightsMixin):
    """The weights, and the way to other libraries and back."""

    engine: str
    n_threads: int | None
    allow_nan: bool
    preset: str | None

    @property
    def _changes_inputs(self) -> bool:
        """Whether the network sees or gives other numbers than the user does."""
        return bool(self.allow_nan or self.preset)

    def predictor(self) -> Callable[[Array], Array]:
        """Return a bare function from inputs, (n_features,) or (n, n_features), to the network's outputs.

        It checks nothing and needs arrays of the network's dtype; its weights are those of now.
        """
        check_is_fitted(self)
        if self._changes_inputs:
            raise SettingError("predictor() gives the network alone, but this estimator changes its inputs.")
        memory = self._memory
        return memory.engine(self.engine, self.n_threads).predictor(memory.network, memory.theta)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's estimator of the same name with the same weights."""
        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Any:
        """Return an estimator with the weights of scikit-learn's fitted `estimator`."""
        return from_sklearn(cls, estimator)

    def to_torch(self) -> Any:
        """Return the network as a `torch.nn.Sequential` with the same weights."""
        return to_torch(self)


def to_sklearn(estimator: Any) -> Any:
    """Return scikit-learn's estimator of the same name with the same weights and parameters.

    Raises
    ------
    SettingError
        The network has something that scikit-learn's has not, such as another activation or loss.
    """
    from sklearn import neural_network

    check_is_fitted(estimator)
    _check_known(estimator)
    kind = getattr(neural_network, type(estimator).__name__)
    names = kind._get_param_names()
    other = kind(**{name: value for name, value in estimator.get_params().items() if name in names})
    if not isinstance(estimator.activation, str):  # a list of one name, for each layer
        other.activation = (*estimator.activation, "identity")[0]
    for name in FITTED:
        if hasattr(estimator, name):
            setattr(other, name, copy(getattr(estimator, name)))  # lists that each of the two extends
    other.coefs_ = [w.copy() for w in estimator.coefs_]
    other.intercepts_ = [b.copy() for b in estimator.intercepts_]
    estimator._finish_sklearn(other)
    return other


def _check_known(estimator: Any) -> None:
    network = estimator._memory.network
    hidden = set(network.activation[:-1])
    if hidden - set(KNOWN) or len(hidden) > 1:
        raise SettingError(f"scikit-learn has one of {', '.join(KNOWN)} for all hidden layers; got {hidden}.")
    known = ("squared_error", "poisson", "cross_entropy", "binary_cross_entropy")
    if network.loss.name not in known or network.groups is not None or estimator._changes_inputs:
        raise SettingError(
            "scikit-learn has no such network: only its own losses, one group of outputs, no filled gaps and "
            f"no preset; got {network!r}."
        )


def from_sklearn(kind: Any, other: Any) -> Any:
    """Return an estimator of `kind` with the weights and parameters of scikit-learn's fitted `other`."""
    check_is_fitted(other)
    if type(other).__name__ != kind.__name__:
        raise SettingError(f"{kind.__name__} is made from scikit-learn's {kind.__name__}; got {other!r}.")
    estimator = kind(**other.get_params())
    for name in FITTED:
        if hasattr(other, name):
            setattr(estimator, name, copy(getattr(other, name)))
    estimator.validation_loss_curve_ = None
    estimator._begin_from_sklearn(other)
    sizes = [other.coefs_[0].shape[0], *(w.shape[1] for w in other.coefs_)]
    network: Network = estimator._network(sizes[0], sizes[1:-1])
    theta = network.pack(other.coefs_, other.intercepts_).astype(np.asarray(other.coefs_[0]).dtype)
    estimator._memory = Memory(network, theta, None)
    return estimator


def to_torch(estimator: Any) -> Any:
    """Return a `torch.nn.Sequential` that gives the estimator's outputs for inputs of its dtype.

    Softmax, logistic and exp at the output are part of it.

    Raises
    ------
    MissingExtraError
        PyTorch is not installed.
    """
    check_is_fitted(estimator)
    try:
        import torch
        from torch import nn
    except ImportError as error:
        raise MissingExtraError("to_torch()", "torch") from error
    if estimator._changes_inputs:
        raise SettingError("to_torch() gives the network alone, but this estimator changes its inputs first.")
    activations = _torch_activations(nn, estimator._memory.network)
    parts: list[Any] = []
    for w, b, f in zip(estimator.coefs_, estimator.intercepts_, activations, strict=True):
        linear = nn.Linear(*w.shape, dtype=getattr(torch, w.dtype.name))
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(w.T)))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        parts += [linear, f]
    return nn.Sequential(*parts)


def _torch_activations(nn: Any, network: Network) -> list[Any]:
    if network.groups is not None:
        raise SettingError("to_torch() has no module for several groups of outputs.")
    known = {
        "identity": nn.Identity,
        "logistic": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(0.01),
        "elu": nn.ELU,
        "softplus": lambda: nn.Softplus(threshold=1000),
        "silu": nn.SiLU,
        "gelu": lambda: nn.GELU("tanh"),
        "softmax": lambda: nn.Softmax(dim=-1),
        "exp": lambda: _exponential(nn),
    }
    return [known[name]() for name in network.activation]


def _exponential(nn: Any) -> Any:
    class Exponential(nn.Module):  # type: ignore[misc]  # PyTorch is not imported here
        def forward(self, x: Any) -> Any:
            return x.exp()

    return Exponential()

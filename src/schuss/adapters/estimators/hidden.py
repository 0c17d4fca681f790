"""The outputs of a hidden layer as features: `transform`, as scikit-learn's transformers have it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from schuss.adapters.estimators.inputs import as_rows
from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.network import Network

__all__ = ["HiddenLayerMixin"]


class HiddenLayerMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):  # type: ignore[misc]  # scikit-learn has no types
    """A network cut off after one of its hidden layers."""

    def _has_hidden(self) -> bool:
        """Return True, or raise the AttributeError that hides `transform`."""
        if np.size(self.hidden_layer_sizes) == 0:
            raise AttributeError("transform returns a hidden layer's outputs; this network has none.")
        return True

    def transform(self, X: Any) -> Array:
        """Return the outputs of hidden layer `transform_layer`, shape (n, units)."""
        check_is_fitted(self)
        X = self._inputs(X)
        memory = self._memory
        head = _head(memory.network, self._layer())
        theta = np.ascontiguousarray(memory.theta[: head.n_parameters])
        engine = memory.engine(self.engine, self.n_threads)
        return engine.outputs(head, theta, as_rows(X, theta.dtype))

    @available_if(_has_hidden)
    def fit_transform(self, X: Any, y: Any, **fit_params: Any) -> Array:
        """Fit, and return the hidden outputs of the same inputs."""
        return self.fit(X, y, **fit_params).transform(X)

    @available_if(_has_hidden)
    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return a name for each column of `transform`."""
        check_is_fitted(self)
        names: NDArray[Any] = super().get_feature_names_out(input_features)
        return names

    @property
    def _n_features_out(self) -> int:
        return int(self._memory.network.layers[self._layer() + 1])

    def _layer(self) -> int:
        """Return the hidden layer that is asked for, counted from 0."""
        hidden = self._memory.network.depth - 1
        given = int(self.transform_layer)
        if not -hidden <= given < hidden:
            raise SettingError(
                f"transform_layer must lie in [{-hidden}, {hidden - 1}], the hidden layers; got {given}."
            )
        return given % hidden

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


# Here, because scikit-learn's `set_output` wraps the method of the class and would hide the condition.
HiddenLayerMixin.transform = available_if(  # type: ignore[method-assign]  # as said
    HiddenLayerMixin._has_hidden
)(HiddenLayerMixin.transform)


def _head(network: Network, layer: int) -> Network:
    """Return the network up to hidden layer `layer`, whose weights come first in theta."""
    return Network(network.layers[: layer + 2], network.activation[: layer + 1], biases=network.biases)

"""The network, data and first weights of a race down a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from schuss.errors import SettingError
from schuss.interface.cli.rows import with_targets

if TYPE_CHECKING:
    from schuss.adapters.columns import Table
    from schuss.method.functions import Array
    from schuss.method.network import Network

__all__ = ["prepared_for", "slice_named"]


def prepared_for(
    data: str,
    targets: list[str] | None,
    hidden: str | None,
    activation: str | None,
    seed: int,
    model: Path | None,
    dtype: str,
    *,
    drop: bool,
) -> tuple[Network, Any, Any, Array | None]:
    """Return the network, its inputs and targets, and the weights to start from, None for drawn ones.

    All rows of the data are raced on: a race asks who descends, not who foresees.
    """
    from schuss.adapters.fitting import prepare
    from schuss.adapters.recipe import Recipe
    from schuss.adapters.tables import read_table
    from schuss.interface.cli.train import parse_hidden, targets_of

    table = read_table(data)
    if model is not None:
        return _of_model(table, model, dtype, drop=drop, target=targets, hidden=hidden, activation=activation)
    names = targets_of(table, targets)
    table = with_targets(table, names, drop=drop)
    found = prepare(table, names, None, 0.0, seed, dtype)
    recipe = Recipe(hidden=(16,) if hidden is None else parse_hidden(hidden), activation=activation)
    return recipe.network(found.X.shape[1], found.targets), found.X, found.T, None


def _of_model(
    table: Table, path: Path, dtype: str, *, drop: bool, **given: Any
) -> tuple[Network, Any, Any, Array]:
    from schuss.adapters.fitting import encoded
    from schuss.interface.cli.places import model_named

    names = [f"--{name}" for name, value in given.items() if value is not None]
    if names:
        raise SettingError(f"a model has its own network and targets; leave out {', '.join(names)}.")
    model = model_named(str(path))
    table = with_targets(table, [target.name for target in model.targets], drop=drop)
    X = model.inputs(table).astype(dtype)
    return model.run.network, X, encoded(model.targets, table), model.run.theta.astype(dtype)


def slice_named(weights: list[str] | None) -> tuple[str, str] | None:
    """Return the two weights that alone vary, if any were named."""
    if not weights:
        return None
    if len(weights) != 2:
        raise SettingError(f"a slice is of two weights: give --weight twice; got {len(weights)}: {weights}.")
    return weights[0], weights[1]

"""Models of every kind, small and made in a moment. Holds no test."""

from typing import Any

import numpy as np

from schuss import Cosine, GradientDescent, Momentum, Nesterov, Network, Run, train
from schuss.adapters.columns import Table
from schuss.adapters.model import Model, fit_model
from schuss.adapters.recipe import Recipe
from schuss.adapters.tables import read_table

__all__ = ["RULES", "draw_table", "quick_model", "quick_run"]

RULES = {
    "gradient descent": GradientDescent(0.05),
    "momentum": Momentum(0.01, 0.9),
    "nesterov": Nesterov(Cosine(0.02, 0.001, 0.1), 0.8),
}


def draw_table(n: int = 120, seed: int = 0) -> Table:
    """Draw a table with numbers, words, gaps, and targets of each kind."""
    rng = np.random.default_rng(seed)
    height, weight = rng.normal(170, 10, n), rng.normal(70, 12, n)
    town = rng.choice(["Bern", "Chur", "Zürich"], n)
    holes = [None if i % 17 == 3 else float(w) for i, w in enumerate(weight)]
    score = 0.3 * height + weight * (town == "Chur") + rng.normal(0, 1, n)
    columns: dict[str, Any] = {
        "height": height.tolist(),
        "weight": holes,
        "town": town.tolist(),
        "score": score.tolist(),
        "grade": np.where(score > np.median(score), "high", "low").tolist(),
        "size": np.array(["S", "M", "L"])[np.digitize(height, [165, 175])].tolist(),
    }
    return read_table(columns, name="people")


def quick_model(target: str = "size", dtype: str = "float32", seed: int = 0, **how: Any) -> Model:
    """Train a few epochs on the drawn table without the other targets."""
    table = draw_table()
    keep = {n: c for n, c in table.columns.items() if n in ("height", "weight", "town", target)}
    recipe = Recipe(hidden=(6,), epochs=5, batch_size=16, seed=seed)
    return fit_model(Table(keep, table.name), [target], recipe, dtype=dtype, **how)


def quick_run(rule: Any = RULES["momentum"], dtype: str = "float64", **how: Any) -> Run:
    """Train a few epochs on arrays."""
    rng = np.random.default_rng(1)
    X, T = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    network = Network([4, 5, 2], "tanh", output="identity")
    return train(network, X.astype(dtype), T, rule=rule, epochs=6, batch_size=8, seed=3, **how)

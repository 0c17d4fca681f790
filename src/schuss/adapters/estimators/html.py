"""A fitted estimator as HTML: scikit-learn's own view, then the network and its loss curve. No scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP

__all__ = ["summary"]

WIDTH, HEIGHT = 260, 60


def summary(estimator: BaseMLP) -> str:
    """Return the summary of a fitted estimator as an HTML fragment."""
    memory = estimator._memory
    rows = {
        "network": "-".join(map(str, memory.network.layers)),
        "activations": ", ".join(memory.network.activation),
        "parameters": f"{memory.network.n_parameters:,} ({memory.theta.dtype})",
        "loss": f"{memory.network.loss.name}{_last(estimator)}",
        "epochs": f"{estimator.n_iter_:,}",
        "engine": memory.engine(estimator.engine, estimator.n_threads).info.engine,
    }
    cells = "".join(
        f"<tr><th style='text-align:left;padding-right:1em'>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in rows.items()
    )
    curves = _picture(getattr(estimator, "loss_curve_", []), getattr(estimator, "validation_loss_curve_", []))
    return f"<div class='schuss-summary'><table>{cells}</table>{curves}</div>"


def _last(estimator: BaseMLP) -> str:
    loss = getattr(estimator, "loss_", None)
    return "" if loss is None else f" {loss:.6g}"


def _picture(losses: Sequence[float], judged: Sequence[float] | None) -> str:
    """Return the curves as an SVG on a logarithmic axis; the validation's dashed."""
    known = [v for v in (*losses, *(judged or ())) if np.isfinite(v) and v > 0]
    if len(losses) < 2 or not known:
        return ""
    low, high = np.log(min(known)), np.log(max(known))
    lines = _line(losses, low, high, "") + _line(judged or (), low, high, " stroke-dasharray='4 3'")
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' role='img' "
        f"aria-label='loss by epoch'><title>loss by epoch, {losses[0]:.4g} to {losses[-1]:.4g}, "
        f"logarithmic</title>{lines}</svg>"
    )


def _line(values: Sequence[float], low: Any, high: Any, style: str) -> str:
    points = " ".join(
        f"{i * (WIDTH - 4) / max(len(values) - 1, 1) + 2:.1f},"
        f"{2 + (HEIGHT - 4) * (high - np.log(v)) / max(high - low, 1e-12):.1f}"
        for i, v in enumerate(values)
        if np.isfinite(v) and v > 0
    )
    if not points:
        return ""
    return f"<polyline points='{points}' fill='none' stroke='currentColor' stroke-width='1.5'{style}/>"

"""``schuss show``: what a model is and how it came to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.interface.cli.output import print_json, print_line, print_table, say
from schuss.interface.cli.places import MODEL, model_named

if TYPE_CHECKING:
    from schuss.adapters.model import Model

__all__ = ["show"]


def show(
    model: Annotated[str, typer.Argument(help=MODEL)],
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the loss, lengths of steps, and rates that change, to this PNG or SVG."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print a model's sizes, parameters, rule, effective rate and memory, and its loss and changing rates."""
    from schuss.interface.describe import described, length_pictures, loss_picture, rate_pictures

    loaded = model_named(model)
    if plot is not None:
        from schuss.interface.plots import save_loss_curve

        say(f"picture written to {save_loss_curve(loaded.run, plot)}")
    if as_json:
        print_json(described(loaded))
        return
    print_table(("", ""), facts(loaded), header=False)
    print_line()
    print_table(("layer", "units", "activation", "weights", "biases"), layer_rows(loaded))
    print_line()
    for line in loss_picture(loaded.run):
        print_line(line)
    for picture in (*rate_pictures(loaded.run), *length_pictures(loaded.run)):
        print_line()
        for line in picture:
            print_line(line)


def facts(model: Model) -> list[tuple[str, str]]:
    """Return what is to be said of a model, as names and values."""
    from schuss.interface.describe import effective_rate, half_life, rate_text, score_line

    run, rule, memory, effective = (
        model.run,
        model.run.plan.rule,
        half_life(model.run),
        effective_rate(model.run),
    )
    rates = [f"{name.replace('_', ' ')} {rate_text(getattr(rule, name))}" for name in rule.rates]
    forgets = (
        "none" if rule.keeps_by == "momentum" or not rule.memory else ", ".join(rule.memory).replace("_", " ")
    )
    if memory is not None:
        forgets = f"half of a push is forgotten after {memory:.3g} steps"
    lasting = [] if effective is None else [f"{effective:.4g} = α/(1−η), at the highest of each"]
    rows = [
        ("parameters", f"{run.network.n_parameters:,} {run.theta.dtype.name}"),
        ("loss", f"{run.network.loss.name}, {run.network.loss.kind.formula}"),
        ("rule", f"{rule.name}, {rule.formula}"),
        ("rates", ", ".join(rates)),
        *[("effective rate", text) for text in lasting],
        ("memory", forgets),
        ("trained", f"{run.epochs} epochs of {run.n_samples:,} samples, {run.state.step:,} steps"),
        (
            "batch",
            f"{run.plan.batch_of(run.n_samples)} samples, {run.plan.reduction}, l2 {run.plan.l2:g}",
        ),
        ("stopped", run.stopped),
        (
            "engine",
            f"{run.engine.engine}, {run.engine.instruction_set}, {run.engine.arithmetic} arithmetic",
        ),
        ("weights", f"sha256 {run.state.digest()[:16]}"),
    ]
    rows += [("target", f"{t.name}: {target_text(t)}") for t in model.targets]
    if model.scores:
        rows.append((f"test ({model.n_test:,} rows)", score_line(model.scores)))
    return rows


def target_text(target: Any) -> str:
    """Return a target in words."""
    if target.task == "regression":
        return f"a number, mean {target.mean:.4g}, deviation {target.scale:.4g}"
    labels = ", ".join(map(str, target.classes[:10]))
    return f"{len(target.classes)} classes: {labels}{' …' if len(target.classes) > 10 else ''}"


def layer_rows(model: Model) -> list[tuple[Any, ...]]:
    """Return a row per layer of units."""
    network = model.run.network
    rows: list[tuple[Any, ...]] = [("input", network.layers[0], "", "", "")]
    for i, name in enumerate(network.layer_names[1:]):
        fan_in, fan_out = network.layers[i], network.layers[i + 1]
        biases = fan_out if network.biases else 0
        rows.append((name, fan_out, network.activation[i], f"{fan_in * fan_out:,}", f"{biases:,}"))
    return rows

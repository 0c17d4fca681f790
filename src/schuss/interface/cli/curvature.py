"""``schuss curvature``: how the loss bends around some weights, and which learning rates that allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.output import print_json, print_line, say
from schuss.interface.cli.places import model_named, place_of
from schuss.interface.cli.rows import DropMissingTarget, with_targets

if TYPE_CHECKING:
    from schuss.insight.curvature.value import Curvature

__all__ = ["curvature"]


def curvature(
    model: Annotated[
        str,
        typer.Argument(help="A recorded run: its folder, or its name in the folder runs; or a model file."),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            help="A file, - for stdin, or an embedded set. A model file needs it; a run has its own.",
            show_default=False,
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(help="Before which step of a run; by default after the last.", show_default=False),
    ] = None,
    samples: Annotated[int, typer.Option(help="Of more samples so many are drawn.")] = 10_000,
    products: Annotated[
        int, typer.Option(help="Hessian products for the eigenvalues, at most; each takes two gradients.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    drop_missing_target: DropMissingTarget = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the eigenvalues and the thresholds to this PNG or SVG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Measure how the loss bends, which learning rates are stable there, and how the weights move."""
    if plot is not None:
        from schuss.interface.plots import check_picture

        check_picture(plot)
    how = {"step": step, "samples": samples, "products": products, "seed": seed}
    found = of_run(model, how) if data is None else of_model(model, data, drop=drop_missing_target, how=how)
    if as_json:
        print_json(found.to_dict())
    else:
        print_line(found.text())
    if plot is not None:
        from schuss.interface.curvature_plots import save_spectrum

        say(f"picture written to {save_spectrum(found, plot)}")


def of_run(name: str, how: dict[str, Any]) -> Curvature:
    """Return the curvature of a recorded run on its own samples."""
    from schuss.adapters.recorded import open_run
    from schuss.insight.curvature.curvature import curvature as measure

    if Path(name).is_file():
        raise SettingError(f"{name} is a model file, which holds no data: schuss curvature {name} DATA.")
    return measure(open_run(place_of(name)), **how)


def of_model(name: str, data: str, *, drop: bool, how: dict[str, Any]) -> Curvature:
    """Return the curvature of a model, or of a run, on a table that holds its targets."""
    from schuss.adapters.tables import read_table
    from schuss.insight.curvature.curvature import curvature as measure

    loaded, table = model_named(name), read_table(data)
    if loaded.targets:
        table = with_targets(table, [target.name for target in loaded.targets], drop=drop)
    return measure(loaded.run, loaded.inputs(table), loaded.answers(table), **how)

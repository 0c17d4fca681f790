"""``schuss replay``: the state of a recorded run before any step, made again to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.interface.cli.output import print_json, print_table, say
from schuss.interface.cli.places import place_of

if TYPE_CHECKING:
    from schuss.method.state import State
    from schuss.training.run import Run

__all__ = ["replay"]


def replay(
    run: Annotated[str, typer.Argument(help="A recorded run: its folder, or its name in the folder runs.")],
    step: Annotated[
        int | None, typer.Option(help="Before which step; by default after the last.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the model with these weights to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Make the state before a step again, prove it by the recorded hashes, and print what it is."""
    from schuss.adapters.recorded import open_run
    from schuss.training.record import check_place

    if out is not None:
        check_place(out)
    opened = open_run(place_of(run))
    state = opened.at(opened.state.step if step is None else step)
    told = facts_of(opened, state)
    if as_json:
        print_json(told)
    else:
        print_table(("", ""), [(name.replace("_", " "), value) for name, value in told.items()], header=False)
    if out is not None:
        say(f"model written to {write(opened, state, out)}; try: schuss predict {out} DATA")


def facts_of(run: Run, state: State) -> dict[str, Any]:
    """Return what is to be said of a state."""
    import numpy as np

    losses, step = run.step_loss, state.step
    rates = run.plan.rates(step, step + 1, run.n_samples)[0].tolist() if step < run.state.step else []
    return {
        "step": step,
        "epoch": step // run.plan.steps_per_epoch(run.n_samples),
        "loss": float(losses[step]) if step < len(losses) else None,
        **dict(zip(run.plan.rule.rates, rates, strict=False)),
        "length_of_theta": float(np.linalg.norm(state.theta.astype(np.float64))),
        "length_of_memory": float(np.linalg.norm(state.velocity.astype(np.float64))),
        "sha256": state.digest(),
    }


def write(run: Run, state: State, out: Path) -> Path:
    """Write the model that predicts with the weights of `state`."""
    from dataclasses import replace

    from schuss.adapters.model_file import save_model
    from schuss.adapters.recorded import model_of
    from schuss.method.means import epoch_means

    loss = epoch_means(run.step_loss[: state.step], run.plan, run.n_samples)
    judged = run.validation_loss[: len(loss)]
    then = replace(run, state=state, best=None, average=None, loss=loss, validation_loss=judged)
    return save_model(replace(model_of(run), run=then), out)

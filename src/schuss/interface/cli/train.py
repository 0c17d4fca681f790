"""``schuss train``: from a table to a model."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError, TrainingInterrupted
from schuss.interface.cli.options import (
    L2,
    Activation,
    AsJson,
    BatchSize,
    Data,
    Dtype,
    EngineName,
    Hidden,
    ModelOut,
    Quiet,
    Seed,
    Targets,
    Task,
    TestSize,
    Threads,
)
from schuss.interface.cli.output import print_json, print_line, say
from schuss.interface.cli.places import place_for, source_of, tell_recorded
from schuss.interface.cli.progress import progress_bar
from schuss.interface.cli.rows import DropMissingTarget, with_targets
from schuss.interface.cli.rule import NesterovToo, RuleName, RuleSettings, parse_settings
from schuss.interface.cli.schedules import (
    MomentumSchedule,
    RateSchedule,
    scheduled_momentum,
    scheduled_rate,
)

if TYPE_CHECKING:
    from schuss.adapters.columns import Table
    from schuss.adapters.model import Model

__all__ = ["train"]

RULE, RUN = "Rule", "Run"


def train(
    data: Data,
    target: Targets = None,
    task: Task = None,
    hidden: Hidden = None,
    activation: Activation = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Held constant, or the height of --schedule; by default it rises and falls.",
            rich_help_panel=RULE,
        ),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(help="η in [0, 1]; by default 0.9.", rich_help_panel=RULE)
    ] = None,
    schedule: RateSchedule = None,
    momentum_schedule: MomentumSchedule = None,
    nesterov: NesterovToo = False,
    rule: RuleName = None,
    settings_of_rule: RuleSettings = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.", rich_help_panel=RULE)] = None,
    batch_size: BatchSize = None,
    l2: L2 = None,
    dropout: Annotated[
        float, typer.Option(help="Share of hidden units silent in a step.", rich_help_panel=RULE)
    ] = 0.0,
    seed: Seed = 0,
    test_size: TestSize = None,
    drop_missing_target: DropMissingTarget = False,
    threads: Threads = None,
    dtype: Dtype = "float32",
    engine: EngineName = "auto",
    out: ModelOut = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the loss curve to this PNG or SVG.", rich_help_panel=RUN),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            metavar="[NAME]",
            help="Record the run by this name in the folder runs, or in a folder given as a path; without a "
            "name, and by default, by the name of the data.",
            rich_help_panel=RUN,
        ),
    ] = None,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Record nothing.", rich_help_panel=RUN)
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on a table and print how well it does on rows it has not seen."""
    from schuss.adapters.model import fit_model
    from schuss.adapters.recipe import Recipe
    from schuss.adapters.tables import read_table
    from schuss.method.checks import check_choice
    from schuss.training.telling import silent

    check_choice("dtype", dtype, ("float32", "float64"))
    if no_record and record is not None:
        raise SettingError("give --record or --no-record, not both.")
    settings: dict[str, Any] = {
        "hidden": parse_hidden(hidden),
        "activation": activation,
        "learning_rate": scheduled_rate(schedule, learning_rate, rule),
        "momentum": scheduled_momentum(momentum_schedule, momentum),
        "nesterov": nesterov,
        "rule_name": rule,
        "rule_settings": parse_settings(settings_of_rule),
        "epochs": epochs,
        "batch_size": batch_size,
        "l2": l2,
        "dropout": dropout,
        "seed": seed,
    }
    check_outputs(out, plot)
    table = read_table(data)
    place = None if no_record else place_for(record, table.name)
    targets = targets_of(table, target)
    table = with_targets(table, targets, drop=drop_missing_target)
    try:
        with progress_bar(wanted=not quiet) as bar:
            model = fit_model(
                table,
                targets,
                Recipe(**settings),
                task=task,
                test_size=test_size,
                dtype=dtype,
                engine=engine,
                threads=threads,
                progress=bar,
                record=place,
                source=source_of(data),
                tell=silent if quiet else say,
            )
    except TrainingInterrupted as interrupted:
        keep_interrupted(interrupted.model, out)
        raise
    report(model, table.name, table, as_json=as_json)
    if not quiet:
        tell_recorded(model.run)
    write(model, out, plot, quiet=quiet)


def parse_hidden(text: str | None) -> tuple[int, ...] | None:
    """Return the hidden layers that ``128,64`` names; ``0`` and the empty text name none."""
    if text is None:
        return None
    if text.strip() in ("", "0"):
        return ()
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise SettingError(f"--hidden takes sizes of at least 1, as 128,64, or 0 for none; got {text!r}.")
    return sizes


def check_outputs(out: Path | None, plot: Path | None) -> None:
    """Refuse files that cannot be written now, not after the training."""
    if out is not None:
        from schuss.training.record import check_place

        check_place(out)
    if plot is not None:
        from schuss.interface.plots import check_picture

        check_picture(plot)


def targets_of(table: Table, given: list[str] | None) -> list[str]:
    """Return the target columns: those given, or those that an embedded set has."""
    names = list(given or table.targets)
    if not names:
        columns = ", ".join(list(table.columns)[:12]) + (" …" if len(table.columns) > 12 else "")
        raise SettingError(f"say which column to predict with --target; {table.name} has {columns}.")
    for name in names:
        table.column(name)
    return names


def keep_interrupted(model: Model, out: Path | None) -> None:
    """Save what an interrupted training has reached, if a file was asked for."""
    say(f"interrupted after {model.run.epochs} epochs ({model.run.state.step:,} steps)")
    if model.run.folder is not None:
        say(f"go on with: schuss resume {quote(str(model.run.folder))}")
    if out is not None:
        from schuss.adapters.model_file import save_model

        say(f"the model so far is in {save_model(model, out)}")


def report(model: Model, data: str, table: Table | None, *, as_json: bool, **more: Any) -> None:
    """Print what came of a training, with scores on the rows of `table` where none were kept for testing.

    `more` is added to the JSON.
    """
    from schuss.interface.describe import described, loss_picture, score_line

    scores = model.scores or (model.evaluate(table) if table is not None else {})
    run = model.run
    if as_json:
        seen = {} if model.scores else {"training": scores}
        place = {} if run.folder is None else {"run": str(run.folder)}
        print_json(described(model) | {"data": data} | place | seen | more)
        return
    print_line(f"{data}: {run.n_samples:,} rows to train on, {model.n_test:,} kept for testing")
    print_line(repr(run.network))
    speed = f"{run.samples_per_second:,.0f} samples/s"
    print_line(f"{run.epochs} epochs, {run.state.step:,} steps in {run.seconds:.2f} s, {speed}")
    for line in loss_picture(run):
        print_line(line)
    if scores:
        where = "test" if model.scores else "training (no rows were kept for testing)"
        print_line(f"{where} {score_line(scores)}", style="bold")


def write(model: Model, out: Path | None, plot: Path | None, *, quiet: bool) -> None:
    """Write the model and the picture that were asked for."""
    if out is not None:
        from schuss.adapters.model_file import save_model

        written = save_model(model, out)
        if not quiet:
            say(f"model written to {written}; try: schuss predict {written} DATA")
    if plot is not None:
        from schuss.interface.plots import save_loss_curve

        save_loss_curve(model.run, plot)
        if not quiet:
            say(f"picture written to {plot}")

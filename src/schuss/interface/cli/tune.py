"""``schuss tune``: from a table to good settings, the model that they make, and the evidence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.given import refuse_others
from schuss.interface.cli.options import (
    AsJson,
    Data,
    Dtype,
    EngineName,
    ModelOut,
    Quiet,
    Targets,
    Task,
    TestSize,
    Threads,
)
from schuss.interface.cli.output import print_json, print_line, print_table, say
from schuss.interface.cli.places import place_for, source_of, study_place, tell_recorded
from schuss.interface.cli.progress import SearchProgress, progress_bar
from schuss.interface.cli.range_test import DOES, OF_USE, show_range_test
from schuss.interface.cli.rows import DropMissingTarget, with_targets
from schuss.interface.cli.train import check_outputs, keep_interrupted, targets_of
from schuss.interface.cli.trials import list_trials, train_trial

if TYPE_CHECKING:
    from schuss.adapters.tuning import Tuned

__all__ = ["tune"]

SEARCH, RUN = "Search", "Run"
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def tune(
    context: typer.Context,
    data: Data,
    target: Targets = None,
    task: Task = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Time for all of it, as 90s, 5m or 1h; 60s where --trials is not given either.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="Settings to try at most; without a budget the same number gives the same result.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    driver: Annotated[
        str,
        typer.Option(help="schuss (successive halving), or optuna (its sampler).", rich_help_panel=SEARCH),
    ] = "schuss",
    study: Annotated[
        str | None,
        typer.Option(
            help="Keep the trials by this name in the folder runs, or in a folder given as a path; trials "
            "that are there already are gone on with.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", help="Instead of a search: show the trials of --study.", rich_help_panel=SEARCH
        ),
    ] = False,
    trial: Annotated[
        int | None,
        typer.Option(
            help="Instead of a search: train and record the setting of --study that has this number.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    range_test: Annotated[
        bool,
        typer.Option(
            "--range-test",
            help="Instead of a search: let the learning rate rise until the loss breaks away.",
            rich_help_panel=SEARCH,
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Of test rows, folds, draws and weights.", rich_help_panel=RUN)
    ] = 0,
    test_size: TestSize = None,
    drop_missing_target: DropMissingTarget = False,
    threads: Threads = None,
    dtype: Dtype = "float32",
    engine: EngineName = "auto",
    out: ModelOut = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the scores by each setting to this PNG or SVG.", rich_help_panel=RUN),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(help="Record the run of the best by this name, as schuss train.", rich_help_panel=RUN),
    ] = None,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Keep neither trials nor run.", rich_help_panel=RUN)
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find good settings for a table by cross-validation, and train a model with them."""
    from schuss.adapters.tables import read_table
    from schuss.adapters.tuning import tune as tune_table
    from schuss.errors import TrainingInterrupted
    from schuss.method.checks import check_choice

    check_choice("dtype", dtype, ("float32", "float64"))
    if listed or trial is not None:
        (list_trials if listed else train_trial)(context)
        return
    if range_test:
        refuse_others(context, "--range-test", DOES, OF_USE)
    if no_record and (study or record is not None):
        raise SettingError("--no-record keeps nothing; leave out --study and --record, or --no-record.")
    seconds = parse_seconds(budget)
    check_outputs(out, plot)
    table = read_table(data)
    targets = targets_of(table, target)
    table = with_targets(table, targets, drop=drop_missing_target)
    if range_test:
        how = {"task": task, "test_size": test_size, "seed": seed, "dtype": dtype}
        run: dict[str, Any] = {"engine": engine, "threads": threads, "as_json": as_json}
        show_range_test(table, targets, how, data, plot, dropped=drop_missing_target, **run)
        return
    place = None if no_record else place_for(record, table.name)
    searching = None if quiet else SearchProgress()

    def tell(line: str) -> None:
        if searching is not None:  # what is told first comes after the search
            searching.end()
            say(line)

    try:
        with progress_bar(wanted=not quiet) as bar:
            tuned = tune_table(
                table,
                targets,
                budget=seconds,
                trials=trials,
                driver=driver,
                task=task,
                test_size=test_size,
                seed=seed,
                dtype=dtype,
                engine=engine,
                threads=threads,
                study=None if no_record else study_place(study, table.name),
                record=place,
                source=source_of(data),
                called=data,
                progress=searching,
                training=bar,
                tell=tell,
            )
    except TrainingInterrupted as interrupted:
        keep_interrupted(interrupted.model, out)
        raise
    finally:
        if searching is not None:
            searching.end()
    command = f"{tuned.command} --drop-missing-target" if drop_missing_target else tuned.command
    report(tuned, table.name, command, as_json=as_json)
    if not quiet:
        tell_kept(tuned)
    write(tuned, out, plot, quiet=quiet)


def parse_seconds(text: str | None) -> float | None:
    """Return the seconds that ``90``, ``90s``, ``1.5m`` or ``1h`` stand for."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)", text.strip().lower())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if seconds <= 0.0:
        raise SettingError(f"--budget takes a time above 0, as 90s, 5m or 1h; got {text!r}.")
    return seconds


def report(tuned: Tuned, data: str, command: str, *, as_json: bool) -> None:
    """Print what came of a search: evidence first, then the model's scores, then the command."""
    from schuss.interface.describe import score_line
    from schuss.interface.tuning_text import as_json as found_as_json
    from schuss.interface.tuning_text import evidence, mattered, summary

    if as_json:
        print_json(found_as_json(tuned) | {"data": data, "command": command})
        return
    model = tuned.model
    print_line(f"{data}: {model.run.n_samples:,} rows to train on, {model.n_test:,} kept for testing")
    for line in summary(tuned.found):
        print_line(line)
    if tuned.found.best.scores:
        print_table(*evidence(tuned.found))
    for line in mattered(tuned.found):
        print_line(line)
    if model.scores:
        print_line(f"test {score_line(model.scores)}", style="bold")
        if tuned.setting != tuned.found.start.setting and tuned.start_scores:
            print_line(f"with the start {score_line(tuned.start_scores)}")
    print_line(command)


def tell_kept(tuned: Tuned) -> None:
    """Say where the trials are and where the run is."""
    if tuned.folder is not None:
        say(f"trials are in {tuned.folder}; the same command with --study {tuned.folder} goes on with them")
    tell_recorded(tuned.model.run)


def write(tuned: Tuned, out: Path | None, plot: Path | None, *, quiet: bool) -> None:
    """Write the model and the picture that were asked for."""
    from schuss.interface.cli.train import write as write_model

    write_model(tuned.model, out, None, quiet=quiet)
    if plot is not None:
        from schuss.interface.tuning_picture import save_tuning

        save_tuning(tuned.found, plot)
        if not quiet:
            say(f"picture written to {plot}")

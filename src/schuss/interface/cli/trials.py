"""``schuss tune --list`` and ``--trial``: what a study has tried, and any of it as a recorded run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from schuss.errors import RecordError, SettingError, TrainingInterrupted
from schuss.interface.cli.given import given, refuse_others
from schuss.interface.cli.output import print_json, print_line, print_table, say
from schuss.interface.cli.places import named_place, place_for, source_of, tell_recorded
from schuss.interface.cli.progress import progress_bar
from schuss.interface.cli.rows import with_targets
from schuss.interface.cli.train import check_outputs, keep_interrupted, report, write

if TYPE_CHECKING:
    from schuss.adapters.columns import Table
    from schuss.adapters.study import Study
    from schuss.training.record import NextFree

__all__ = ["list_trials", "train_trial"]

TERMS = ("target", "task", "test_size", "seed", "dtype", "engine")  # the study's own: may be said again
ALWAYS = ("data", "study", "drop_missing_target", "as_json", "quiet", *TERMS)


def list_trials(context: typer.Context) -> None:
    """Print the trials of a study."""
    from schuss.interface.trials_text import as_json, key, table_of

    study, table = _opened(context, "--list", "shows the trials of a study", ALWAYS)
    study.check(table)
    if context.params["as_json"]:
        print_json(as_json(study) | {"data": table.name})
        return
    print_table(*table_of(study))
    if not context.params["quiet"]:
        for line in key(study):
            say(line)


def train_trial(context: typer.Context) -> None:
    """Train and record the setting of a trial, and print its scores and the command that makes it again."""
    from schuss.training.telling import silent

    of_use = (*ALWAYS, "threads", "out", "record", "no_record")
    study, table = _opened(context, "--trial", "trains what a study has tried already", of_use)
    asked = context.params
    number, data, out, quiet = asked["trial"], asked["data"], asked["out"], asked["quiet"]
    command = study.command(number, data)
    if asked["no_record"] and asked["record"] is not None:
        raise SettingError("give --record or --no-record, not both.")
    check_outputs(out, None)
    try:
        with progress_bar(wanted=not quiet) as bar:
            model = study.train(
                table,
                number,
                record=None if asked["no_record"] else _place(study, asked),
                threads=asked["threads"],
                source=source_of(data),
                progress=bar,
                tell=silent if quiet else say,
            )
    except TrainingInterrupted as interrupted:
        keep_interrupted(interrupted.model, out)
        raise
    if asked["drop_missing_target"]:
        command += " --drop-missing-target"
    report(model, table.name, table, as_json=asked["as_json"], trial=number, command=command)
    if not asked["as_json"]:
        print_line(command)
    if not quiet:
        tell_recorded(model.run)
    write(model, out, None, quiet=quiet)


def _place(study: Study, asked: dict[str, Any]) -> Path | NextFree | None:
    """Return where a trial is recorded: where that was said, or in the folder of the study."""
    from schuss.training.record import NextFree

    if asked["record"]:
        return place_for(asked["record"], "")
    return NextFree(study.place_of(asked["trial"]))


def _opened(context: typer.Context, asked: str, does: str, of_use: Collection[str]) -> tuple[Study, Table]:
    """Return the study that is asked about, and the table without the rows that were to be left out."""
    from schuss.adapters.study import load_study
    from schuss.adapters.tables import read_table

    refuse_others(context, asked, does, of_use)
    if context.params["study"] is None:
        raise SettingError(f"{asked} {does}; say which by --study NAME.")
    study = load_study(named_place(context.params["study"]))
    _check_terms(context, study)
    table = read_table(context.params["data"])
    return study, with_targets(table, study.terms.targets, drop=context.params["drop_missing_target"])


def _check_terms(context: typer.Context, study: Study) -> None:
    """Refuse what was said again and is not the study's own."""
    from schuss.engine.choice import engine_named
    from schuss.insight.tuning.journal import difference

    here = {name: context.params[name] for name in TERMS if name in given(context)}
    if "target" in here:
        here["targets"] = here.pop("target")
    if "engine" in here:
        here["engine"] = engine_named(here["engine"]).info.engine
    if (other := difference(study.about, here)) is not None:
        raise RecordError(
            f"the trials in {study.folder} are of {other}. Leave the option out: they know theirs."
        )

"""Verbs of a saved model: learn it, make rows of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dbsynth.cli.checks import asked_check, parted
from dbsynth.cli.root import EXIT_TEXT, main
from dbsynth.console import arguments, quality_arguments
from dbsynth.console.failures import failures

if TYPE_CHECKING:
    from dbsynth.console.verification import BuiltCheck
    from dbsynth.pipeline.events import RunDone
    from dbsynth.pipeline.filling import Emit


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@click.option("--out", type=arguments.FOLDER, required=True, metavar="FOLDER", help="Where the model goes.")
@arguments.selection
@arguments.seed_option
@arguments.learning
@arguments.workers_option
@arguments.checkpoint_option
@click.option(
    "--update", is_flag=True, help="Learn anew only what has drifted since the model in --out, and what depends on it."
)
@arguments.output
@arguments.quiet_option
def train(
    out: Path, checkpoint: Path | None, update: bool, as_json: bool, verbose: bool, quiet: bool, **asked: Any
) -> None:
    """Learn from SOURCE once, and keep a model: a folder of JSON and safetensors, without rows but kept lookup rows.

    `dbsynth generate FOLDER --to TARGET` makes rows of it anywhere, without the source. `dbsynth diff SOURCE FOLDER`
    tells whether the source has drifted since.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import logs, model_view
        from dbsynth.console.output import print_json, stdout_console
        from dbsynth.console.progress import watcher
        from dbsynth.console.request import clone_options

        logs.set_up(verbose=verbose, quiet=quiet)
        if update:
            _update(out, checkpoint, as_json=as_json, quiet=quiet, **asked)
            return
        options = clone_options(**asked)
        from dbsynth.api import fit_url
        from dbsynth.artifact.files import check_replaceable
        from dbsynth.pipeline.training_wishes import check_training

        check_replaceable(out)
        check_training(options, checkpoint)
        with watcher(quiet=quiet, as_json=as_json) as watch:
            model = fit_url(options, checkpoint, watch)
        model.save(out)
        if as_json:
            print_json("Model", {"model": str(out), **model.report()})
        elif not quiet:
            model_view.show_trained(stdout_console(), out, model)


def _update(out: Path, checkpoint: Path | None, *, as_json: bool, quiet: bool, **asked: Any) -> None:
    from dbsynth.console import model_view, updating
    from dbsynth.console.output import print_json, stdout_console
    from dbsynth.console.progress import watcher

    old, options = updating.prepared(out, checkpoint, **asked)
    from dbsynth.api import update_url

    with watcher(quiet=quiet, as_json=as_json) as watch:
        model = update_url(options, old, watch)
    if model is not old:
        model.save(out)
    if as_json:
        print_json("Model", {"model": str(out), "anew": model.anew, "changed": model is not old, **model.report()})
    elif not quiet:
        model_view.show_updated(stdout_console(), out, model, changed=model is not old)


@main.command(epilog=EXIT_TEXT)
@click.argument("model", type=arguments.FOLDER, metavar="MODEL")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="A URL or a connection, both also with #SCHEMA; with --format a folder or a file.",
)
@click.option(
    "--format",
    type=click.Choice(["parquet", "csv", "sql", "duckdb"]),
    help="Write files instead: a folder with one a table, a script for psql, or a database file.",
)
@arguments.amount
@arguments.seed_option
@arguments.workers_option
@arguments.replace_option
@quality_arguments.checking_of_model
@arguments.output
@arguments.quiet_option
def generate(
    model: Path,
    target: str,
    verify: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Make TARGET from a MODEL that `dbsynth train` wrote. Needs neither the source nor a network to it.

    With the same seed as `dbsynth train`, these are the rows that `dbsynth clone` would have made.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import generation

        wishes, how = parted(asked), {"quiet": quiet, "as_json": as_json, "verbose": verbose}
        check = asked_check(verify, asked["config"], None, wishes, **how)
        made = partial(generation.run, model, target, check=check, **asked)
        _rows_of_model(made, target, check, as_json=as_json, verbose=verbose, quiet=quiet)


@main.command(epilog=EXIT_TEXT)
@click.argument("model", type=arguments.FOLDER, metavar="MODEL")
@click.option("--to", "target", required=True, metavar="TARGET", help="A URL or a connection, both also with #SCHEMA.")
@arguments.amount
@arguments.seed_option
@arguments.workers_option
@click.option("--other-model", is_flag=True, help="TARGET may have been made of another model of the same tables.")
@arguments.output
@arguments.quiet_option
def append(model: Path, target: str, as_json: bool, verbose: bool, quiet: bool, **asked: Any) -> None:
    """Add rows to a TARGET that `dbsynth generate` made of MODEL: keys go on after the last ones, all constraints hold.

    With --rows and no --scale only these tables and their children get rows. All are added, or none.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import generation

        made = partial(generation.append, model, target, **asked)
        _rows_of_model(made, target, None, as_json=as_json, verbose=verbose, quiet=quiet)


def _rows_of_model(
    made: Callable[[Emit], RunDone],
    target: str,
    check: BuiltCheck | None,
    *,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Make them, and tell what was made. ``target``: its name until the run tells a better one."""
    from dbsynth.console import logs, summary
    from dbsynth.console.output import stdout_console
    from dbsynth.console.progress import watcher

    logs.set_up(verbose=verbose, quiet=quiet)
    with check or nullcontext(), watcher(quiet=quiet, as_json=as_json) as watch:
        done = made(watch)
    if not quiet and not as_json:
        place = watch.state.started.target if watch.state.started else target
        summary.show(stdout_console(), done, watch.state.notes, target=place, verbose=verbose)

"""Verbs that read a source: clone it, show what it is and what would become of it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from dbsynth.cli.checks import asked_check, parted
from dbsynth.cli.root import EXIT_TEXT, main
from dbsynth.console import arguments, quality_arguments
from dbsynth.console.failures import failures


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@arguments.wishes
@arguments.checkpoint_option
@quality_arguments.checking
@arguments.output
@arguments.quiet_option
def clone(checkpoint: Path | None, verify: bool, as_json: bool, verbose: bool, quiet: bool, **asked: Any) -> None:
    """Make TARGET: the same tables, keys, constraints and indexes as SOURCE, full of synthetic rows.

    The target is built beside and swapped in at the end: until then it is what it was.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import logs, summary
        from dbsynth.console.output import stdout_console
        from dbsynth.console.progress import watcher
        from dbsynth.console.request import clone_options

        logs.set_up(verbose=verbose, quiet=quiet)
        wishes = parted(asked)
        options = clone_options(**asked)
        how = {"quiet": quiet, "as_json": as_json, "verbose": verbose}
        check = asked_check(verify, asked["config"], options.source_url, wishes, **how)
        from dbsynth.pipeline.clone import run

        with check or nullcontext(), watcher(quiet=quiet, as_json=as_json) as watch:
            done = run(options, watch, check, checkpoint)
        if not quiet and not as_json:
            target = watch.state.started.target if watch.state.started else str(options.target_schema)
            summary.show(stdout_console(), done, watch.state.notes, target=target, verbose=verbose)


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@arguments.wishes
@arguments.output
def plan(as_json: bool, verbose: bool, **asked: Any) -> None:
    """Show what `clone` would do, table by table. Reads the catalog, counts and small samples; writes nothing.

    With --verbose also what each column is taken for, and why.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import dialect_view, logs, plan_view
        from dbsynth.console.output import print_json, stdout_console
        from dbsynth.console.request import clone_options

        logs.set_up(verbose=verbose, quiet=False)
        options = clone_options(**asked)
        from dbsynth.console.progress import Watcher
        from dbsynth.dialect import dialect_name
        from dbsynth.pipeline.advice import advise
        from dbsynth.pipeline.clone import plan_only

        planned = plan_only(options, Watcher())
        described = planned.describe() | {"advice": [a.describe() for a in advise(planned)]}
        described["training"] = {
            "effort": options.effort if options.train_minutes is None else None,
            "train_minutes": options.train_minutes,
            "device": options.device,
            "sample_seed": options.sample_seed,
        }
        if options.target_url is not None:
            described["promises"] = dialect_view.promises(dialect_name(options.target_url))
        if as_json:
            print_json("Plan", described)
        else:
            plan_view.show(stdout_console(), described, verbose=verbose)


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@arguments.selection
@click.option("--check-keys", is_flag=True, help="Count what breaks the declared keys: warehouses enforce none.")
@click.option("--suggest-keys", is_flag=True, help="Look for keys that are not declared; prints TOML to paste.")
@arguments.max_bytes_option
@arguments.output
def inspect(
    source: str,
    schemas: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    config: Any,
    check_keys: bool,
    suggest_keys: bool,
    max_bytes: int | None,
    **selected: Any,
) -> None:
    """Show what is in SOURCE: tables, rows, keys, CHECKs, types, and what dbsynth does not carry over.

    Or, where SOURCE is the folder of a model: what was learned, when, on what, and what it holds.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.artifact.manifest import is_model
        from dbsynth.errors import ArtifactError

        if is_model(Path(source)):
            _inspect_model(Path(source), as_json=as_json, verbose=verbose)
            return
        from dbsynth.config import load_config
        from dbsynth.console import inspect_view, inspection, logs
        from dbsynth.console.output import print_json, stdout_console
        from dbsynth.console.request import source_place

        logs.set_up(verbose=verbose, quiet=False)
        loaded = load_config(config)
        if os.sep in source and "://" not in source and source not in loaded.settings.connections:
            raise ArtifactError(
                f"{source} is {'no folder of a model' if Path(source).exists() else 'not there'}",
                hint=f"make a model: dbsynth train SOURCE --out {source}; or name a database by its URL or connection",
            )
        place = source_place(loaded, source, schemas)
        found = inspection.inspect(
            place.url,
            place.schemas,
            selected["tables"],
            selected["exclude"],
            virtual_keys=loaded.settings.virtual_keys,
            check_keys=check_keys,
            suggest_keys=suggest_keys,
            max_bytes=max_bytes if max_bytes is not None else loaded.settings.clone.max_bytes,
        )
        if as_json:
            print_json("Inspection", found)
        else:
            inspect_view.show(stdout_console(), found)


def _inspect_model(path: Path, *, as_json: bool, verbose: bool) -> None:
    from dbsynth.console import logs, model_view
    from dbsynth.console.output import print_json, stdout_console

    logs.set_up(verbose=verbose, quiet=False)
    found = model_view.inspect_model(path)
    if as_json:
        print_json("Model", found)
    else:
        model_view.show(stdout_console(), found, verbose=verbose)


@main.command(epilog=EXIT_TEXT)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")
def dialects(as_json: bool) -> None:
    """List the databases that this installation can read and write."""
    with failures(verbose=False, as_json=as_json):
        from dbsynth.console import dialect_view
        from dbsynth.console.output import print_json, stdout_console

        found = dialect_view.describe()
        if as_json:
            print_json("Dialects", {"dialects": found})
        else:
            dialect_view.show(stdout_console(), found)

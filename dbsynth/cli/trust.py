"""Verbs that test what was made, or whether its source is still what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbsynth.cli.root import EXIT_TEXT, main
from dbsynth.console import arguments, quality_arguments
from dbsynth.console.failures import failures


@main.command(epilog=EXIT_TEXT)
@click.argument("target", metavar="TARGET")
@quality_arguments.verifying
@arguments.config_option
@arguments.verbose_option
@arguments.quiet_option
def verify(
    json_file: str | None,
    junit: Path | None,
    html: Path | None,
    annotations: bool | None,
    verbose: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Test TARGET: do its constraints hold, do its rows behave like SOURCE's, did nobody's data come out? Reads only.

    Without --against its constraints are counted, and no source is needed. Exit code 1: a gate failed.
    """
    with failures(verbose=verbose, as_json=json_file == "-"):
        from dbsynth.console import logs, verification, verify_view
        from dbsynth.console.output import stdout_console
        from dbsynth.console.progress import watcher

        logs.set_up(verbose=verbose, quiet=quiet)
        from dbsynth.quality.files import check_writable, file_of

        check_writable({"--json": file_of(json_file), "--junit": junit, "--html": html})
        options = verification.verify_options(**asked)
        from dbsynth.quality.outputs import as_data
        from dbsynth.quality.verify import raise_if_failed
        from dbsynth.quality.verify import verify as verified

        with watcher(quiet=quiet, as_json=False) as watch:
            found = verified(options, watch, verification.report_to(html))
        verification.write(found, as_json=json_file, as_junit=junit)
        verification.annotate(found, annotations)
        if not quiet and json_file != "-":
            verify_view.show(stdout_console(), as_data(found), verbose=verbose)
        raise_if_failed(found)


@main.command(epilog=EXIT_TEXT)
@click.argument("target", metavar="TARGET")
@quality_arguments.replaying
@arguments.selection
@arguments.config_option
@arguments.verbose_option
@arguments.quiet_option
def replay(target: str, verbose: bool, quiet: bool, json_file: str | None, **asked: Any) -> None:
    """Run the same queries on TARGET and on the source that it was cloned from, read-only, and say which behave alike.

    Without --queries, --pg-stat-statements or --dbt the queries are generated for the schema. Exit code 1 where fewer
    than --min-share of them run on both sides with a q-error of at most 3.
    """
    with failures(verbose=verbose, as_json=False):
        from dbsynth.console import logs, replaying

        logs.set_up(verbose=verbose, quiet=quiet)
        replaying.run(target, verbose=verbose, quiet=quiet, json_file=json_file, **asked)


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@click.argument("against", metavar="TARGET|MODEL")
@arguments.selection
@arguments.max_bytes_option
@arguments.output
def diff(source: str, against: str, as_json: bool, verbose: bool, **asked: Any) -> None:
    """Has SOURCE drifted since MODEL was trained, or TARGET made: its schema, its rows? Says what to do. Reads only.

    Exit code 1: it has.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import diff as diffs
        from dbsynth.console import diff_view, logs
        from dbsynth.console.output import print_json, stdout_console

        logs.set_up(verbose=verbose, quiet=False)
        found = diffs.run(source=source, against=against, **asked)
        if as_json:
            print_json("Diff", found.describe())
        else:
            diff_view.show(stdout_console(), found.describe(), verbose=verbose)
        diffs.raise_if_drifted(found)


@main.command("check-dump", epilog=EXIT_TEXT)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--model",
    "models",
    type=arguments.FOLDER,
    multiple=True,
    required=True,
    metavar="FOLDER",
    help="Whose source no row shall be of; repeat.",
)
@arguments.json_option
@arguments.quiet_option
def check_dump(files: tuple[Path, ...], models: tuple[Path, ...], as_json: bool, quiet: bool) -> None:
    """Refuse files (CSV, parquet, SQL, also with .gz) that hold rows of the source of a MODEL.

    Asks the filters of the model, no database. Ends with exit code 1 where a file is refused; made for pre-commit.
    """
    with failures(verbose=False, as_json=as_json):
        from dbsynth.console import dump_view
        from dbsynth.console.output import print_json, stdout_console
        from dbsynth.errors import GateFailed

        verdicts = dump_view.check(files, models)
        refused = [v for v in verdicts if v.findings]
        if as_json:
            for verdict in verdicts:
                print_json("DumpChecked", verdict.describe())
        else:
            dump_view.show(stdout_console(), refused if quiet else verdicts)
        if refused:
            raise GateFailed(
                f"{len({v.path for v in refused})} of {len(files)} files hold rows of the source",
                hint="make them with: dbsynth generate MODEL --to FOLDER --format csv",
            )

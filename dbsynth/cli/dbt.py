"""Verbs of a dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbsynth.cli.root import EXIT_TEXT, main
from dbsynth.console import arguments
from dbsynth.console.failures import failures


@main.group()
def dbt() -> None:
    """Fill the sources of a dbt project with synthetic rows."""


@dbt.command(epilog=EXIT_TEXT)
@arguments.filling_sources
@arguments.verbose_option
@arguments.json_option
@arguments.quiet_option
def populate(
    project_dir: Path | None,
    profiles_dir: Path | None,
    target: str | None,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Make the schemas that the project's sources lie in, from models that `dbsynth train` wrote.

    Reads dbt_project.yml, profiles.yml and the manifest.json that `dbt parse` writes.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import dbt, logs

        logs.set_up(verbose=verbose, quiet=quiet)
        place = dbt.find(project_dir, profiles_dir, target)
        dbt.fill(place, quiet=quiet, as_json=as_json, verbose=verbose, **asked)


@dbt.command("run", epilog=EXIT_TEXT)
@arguments.filling_sources
@click.option("--dbt", "program", envvar="DBSYNTH_DBT", metavar="PROGRAM", help="Instead of the first dbt on the PATH.")
@arguments.verbose_option
@arguments.quiet_option
@click.argument("dbt_arguments", nargs=-1, required=True, metavar="-- DBT_ARGUMENTS")
def dbt_run(
    project_dir: Path | None,
    profiles_dir: Path | None,
    target: str | None,
    program: str | None,
    dbt_arguments: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """`dbt parse`, populate, then dbt with DBT_ARGUMENTS, e.g. `dbsynth dbt run --target dev -- build`.

    Ends with the exit code of dbt.
    """
    with failures(verbose=verbose, as_json=False):
        from dbsynth.console import dbt, logs

        logs.set_up(verbose=verbose, quiet=quiet)
        dbt.check_arguments(dbt_arguments)
        place, command = dbt.find(project_dir, profiles_dir, target), dbt.dbt_program(program)
        code = dbt.parse(command, place, dbt_arguments)
        if code == 0:
            dbt.fill(place, quiet=quiet, as_json=False, verbose=verbose, **asked)
            code = dbt.call(command, place, dbt_arguments)
        raise SystemExit(code)


@dbt.command(epilog=EXIT_TEXT)
@click.argument("folder", type=arguments.FOLDER, default="dbsynth_package", metavar="[FOLDER]")
def package(folder: Path) -> None:
    """Write dbsynth's package of macros into FOLDER [dbsynth_package], for `packages.yml` to name as `local:`."""
    with failures(verbose=False, as_json=False):
        from dbsynth.dbt.package import write_package

        write_package(folder)
        click.echo(f"packages:\n  - local: {folder}")

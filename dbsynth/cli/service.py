"""Verbs of the service that is asked for clones in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbsynth.cli.root import EXIT_TEXT, main
from dbsynth.console import arguments
from dbsynth.console.failures import failures


@main.command("install-sql", epilog=EXIT_TEXT)
@click.argument("url", metavar="URL")
@click.option("--downgrade", metavar="VERSION", help="Back to an older version; 'base' leaves nothing but the schema.")
@click.option("--to", "revision", metavar="VERSION", help="Up to this version and no further.  [the newest]")
@click.option("--uninstall", is_flag=True, help="Take the control schema away, with all jobs.")
@click.option("--show", is_flag=True, help="Say which version there is, and change nothing.")
@arguments.config_option
def install_sql(config: Path | None, **asked: Any) -> None:
    """Make the schema `dbsynth` in a PostgreSQL database, or bring it to the newest version: tables and functions by
    which clones are asked for in SQL. `dbsynth serve URL` does them.

    URL is a database URL or the name of a connection in dbsynth.toml.
    """
    with failures(verbose=False, as_json=False):
        from dbsynth.console import logs, service

        logs.set_up(verbose=False, quiet=False)
        click.echo(service.install(config, **asked))


@main.command(epilog=EXIT_TEXT)
@click.argument("url", metavar="URL")
@arguments.serving
@arguments.config_option
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def serve(config: Path | None, verbose: bool, **asked: Any) -> None:
    """Do the jobs that are asked for in SQL, until SIGTERM: then the running one gets --grace seconds to finish, and is
    given back otherwise. Start as many as there is room for.

    URL is that of the database that `dbsynth install-sql` was run on, or the name of a connection in dbsynth.toml.
    """
    with failures(verbose=verbose, as_json=False):
        from dbsynth.console import service

        service.serve(config, verbose=verbose, **asked)

"""The command line: verbs and their options. What they need is imported when they run, so that --help is quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dbsynth import __version__
from dbsynth.console import arguments
from dbsynth.console.failures import EXIT_CODES, failures

if TYPE_CHECKING:
    from dbsynth.console.verification import BuiltCheck
    from dbsynth.pipeline.events import RunDone
    from dbsynth.pipeline.filling import Emit

EXIT_TEXT = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Verbs(click.Group):
    """Click repeats what it does not understand, a URL in the wrong place with its password too."""

    def make_context(self, *given: Any, **extra: Any) -> click.Context:
        with _without_passwords():
            return super().make_context(*given, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _without_passwords():
            return super().invoke(ctx)


@contextmanager
def _without_passwords() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        from dbsynth.console.redact import redact

        said = error.format_message()
        if redact(said) == said:
            raise
        raise click.UsageError(redact(said), error.ctx) from None


@click.group(cls=_Verbs, context_settings=SETTINGS, epilog=EXIT_TEXT)
@click.version_option(__version__, prog_name="dbsynth")
def main() -> None:
    """Clone a database into a schema of synthetic rows that keep its keys, constraints and statistics.

    SOURCE is a database URL (postgresql://user@host/database) or the name of a connection in dbsynth.toml, either with
    #schema. Nothing is ever written to the source.
    """


@main.command(epilog=EXIT_TEXT)
@arguments.source_argument
@arguments.wishes
@arguments.check_option
@arguments.junit_option
@arguments.html_option
@arguments.output
@arguments.quiet_option
def clone(
    verify: bool, junit: Path | None, html: Path | None, as_json: bool, verbose: bool, quiet: bool, **asked: Any
) -> None:
    """Make TARGET: the same tables, keys, constraints and indexes as SOURCE, full of synthetic rows.

    The target is built beside and swapped in at the end: until then it is what it was.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import logs, summary
        from dbsynth.console.output import stdout_console
        from dbsynth.console.progress import watcher
        from dbsynth.console.request import clone_options

        logs.set_up(verbose=verbose, quiet=quiet)
        options = clone_options(**asked)
        check = _check(verify, asked["config"], junit, html, quiet=quiet, as_json=as_json, verbose=verbose)
        from dbsynth.pipeline.clone import run

        with check or nullcontext(), watcher(quiet=quiet, as_json=as_json) as watch:
            done = run(options, watch, check)
        if not quiet and not as_json:
            target = watch.state.started.target if watch.state.started else str(options.target_schema)
            summary.show(stdout_console(), done, watch.state.notes, target=target, verbose=verbose)


def _check(wanted: bool, config: Path | None, junit: Path | None, html: Path | None, **how: bool) -> BuiltCheck | None:
    """What tests the rows before they are published, where that was asked for."""
    from dbsynth.errors import UsageError

    if not wanted:
        if given := [name for name, file in (("--junit", junit), ("--html", html)) if file is not None]:
            raise UsageError(f"{given[0]} goes with --verify", hint="say --verify too")
        return None
    from dbsynth.console.verification import BuiltCheck

    return BuiltCheck(config, junit, html, **how)


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
@click.option("--out", type=arguments.FOLDER, required=True, metavar="FOLDER", help="Where the model goes.")
@arguments.selection
@arguments.seed_option
@arguments.learning
@arguments.workers_option
@click.option(
    "--checkpoint", type=arguments.FOLDER, metavar="FOLDER", help="Go on there after an interruption, same result."
)
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


def _rows_of_model(made: Callable[[Emit], RunDone], target: str, *, as_json: bool, verbose: bool, quiet: bool) -> None:
    """Make them, and tell what was made. ``target``: its name until the run tells a better one."""
    from dbsynth.console import logs, summary
    from dbsynth.console.output import stdout_console
    from dbsynth.console.progress import watcher

    logs.set_up(verbose=verbose, quiet=quiet)
    with watcher(quiet=quiet, as_json=as_json) as watch:
        done = made(watch)
    if not quiet and not as_json:
        place = watch.state.started.target if watch.state.started else target
        summary.show(stdout_console(), done, watch.state.notes, target=place, verbose=verbose)


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
@arguments.output
@arguments.quiet_option
def generate(model: Path, target: str, as_json: bool, verbose: bool, quiet: bool, **asked: Any) -> None:
    """Make TARGET from a MODEL that `dbsynth train` wrote. Needs neither the source nor a network to it.

    With the same seed as `dbsynth train`, these are the rows that `dbsynth clone` would have made.
    """
    with failures(verbose=verbose, as_json=as_json):
        from dbsynth.console import generation

        made = partial(generation.run, model, target, **asked)
        _rows_of_model(made, target, as_json=as_json, verbose=verbose, quiet=quiet)


@main.command(epilog=EXIT_TEXT)
@click.argument("target", metavar="TARGET")
@arguments.verifying
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
        verification.check_writable(json_file, junit, html)
        options = verification.verify_options(**asked)
        from dbsynth.quality.outputs import as_data
        from dbsynth.quality.verify import verify as verified

        with watcher(quiet=quiet, as_json=False) as watch:
            found = verified(options, watch, verification.report_to(html))
        verification.write(found, as_json=json_file, as_junit=junit)
        verification.annotate(found, annotations)
        if not quiet and json_file != "-":
            verify_view.show(stdout_console(), as_data(found), verbose=verbose)
        verification.raise_if_failed(found)


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
        _rows_of_model(made, target, as_json=as_json, verbose=verbose, quiet=quiet)


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
        from dbsynth.artifact.files import is_model

        if is_model(Path(source)):
            _inspect_model(Path(source), as_json=as_json, verbose=verbose)
            return
        from dbsynth.config import load_config
        from dbsynth.console import inspect_view, inspection, logs
        from dbsynth.console.output import print_json, stdout_console
        from dbsynth.console.request import source_place

        logs.set_up(verbose=verbose, quiet=False)
        loaded = load_config(config)
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


@main.command(epilog=EXIT_TEXT)
@click.argument("target", metavar="TARGET")
@arguments.replaying
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


if __name__ == "__main__":
    main()

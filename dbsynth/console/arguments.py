"""Options that several verbs share, and how their text becomes values."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dbsynth.limits import MAX_ROWS, MAX_SCALE, MAX_SEED, MAX_TRAIN_MINUTES, MAX_WORKERS, MIN_SAMPLE_ROWS
from dbsynth.sizes import bytes_of

Command = TypeVar("Command", bound=Callable[..., Any])


def scale_of(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """A factor: above 0, finite, and no slip of the keyboard."""
    return _above_zero(text, MAX_SCALE, "0.1 makes a tenth of the rows, 2 twice as many")


def minutes_of(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    return _above_zero(text, MAX_TRAIN_MINUTES, "0.5 is half a minute")


def _above_zero(text: str | None, most: float, meaning: str) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError as cause:
        raise click.BadParameter(f"{text!r} is no number; {meaning}") from cause
    if not math.isfinite(number) or not 0 < number <= most:
        raise click.BadParameter(f"{text} is not above 0 and at most {most:,.0f}")
    return number


def rows_of(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """``TABLE=N`` as (table, n)."""
    return tuple(_row_number(text) for text in texts)


def size_of(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else bytes_of(text)
    except ValueError as cause:
        raise click.BadParameter(f"{text!r}: {cause}") from cause


def _row_number(text: str) -> tuple[str, int]:
    table, _, number = text.rpartition("=")
    # isdigit() alone would take digits that int() does not
    if not table or not number.isascii() or not number.replace("_", "").isdigit():
        raise click.BadParameter(f"{text!r} is not TABLE=N with a whole number N, e.g. orders=5000")
    rows = int(number)
    if rows > MAX_ROWS:
        raise click.BadParameter(f"{text!r}: at most {MAX_ROWS:,} rows")
    return table, rows


def _apply(options: list[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


FOLDER = click.Path(path_type=Path)

source_argument = click.argument("source", metavar="SOURCE")

selection = _apply(
    [
        click.option(
            "--schema", "schemas", multiple=True, metavar="S", help="Only this schema of the source; repeats."
        ),
        click.option(
            "--tables", multiple=True, metavar="PATTERN", help="Only tables that match, e.g. 'order*'; repeats."
        ),
        click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out tables that match; repeats."),
    ]
)

max_bytes_option = click.option(
    "--max-bytes",
    callback=size_of,
    envvar="DBSYNTH_MAX_BYTES",
    metavar="SIZE",
    help="Where reading is billed by the byte (BigQuery): refuse to read more.  [10GiB]",
)

target_option = click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="SCHEMA of the source's database, CONNECTION.SCHEMA, CONNECTION, or a URL; the last two take #SCHEMA.",
)

amount = _apply(
    [
        click.option(
            "--scale",
            callback=scale_of,
            envvar="DBSYNTH_SCALE",
            metavar="X",
            help="Rows to make, as a multiple of the source's.  [1]",
        ),
        click.option(
            "--rows", multiple=True, callback=rows_of, metavar="TABLE=N", help="Make N rows of this table; repeats."
        ),
    ]
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, MAX_SEED),
    envvar="DBSYNTH_SEED",
    metavar="N",
    help="Same seed, same rows.  [drawn, and told]",
)

sample_seed_option = click.option(
    "--sample-seed",
    type=click.IntRange(0, MAX_SEED),
    envvar="DBSYNTH_SAMPLE_SEED",
    metavar="N",
    help="Other rows of the models that --seed makes.  [that of --seed]",
)

learning = _apply(
    [
        click.option(
            "--sample-rows",
            type=click.IntRange(min=MIN_SAMPLE_ROWS),
            envvar="DBSYNTH_SAMPLE_ROWS",
            metavar="N",
            help="Learn from at most N rows of a table.  [100,000]",
        ),
        click.option(
            "--effort",
            type=click.Choice(["quick", "standard", "thorough"]),
            envvar="DBSYNTH_EFFORT",
            help="How much work to put into training.  [standard]",
        ),
        click.option(
            "--train-minutes",
            callback=minutes_of,
            envvar="DBSYNTH_TRAIN_MINUTES",
            metavar="X",
            help="Train for so long at most, instead of --effort: the rows then depend on the machine.",
        ),
        click.option(
            "--strategy",
            envvar="DBSYNTH_STRATEGY",
            metavar="NAME",
            help="How to learn: ctgan, auto, autoregressive, copula, tvae, ctgan-2019, or a plugin's.  [ctgan]",
        ),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda"]),
            envvar="DBSYNTH_DEVICE",
            help="Where to train; auto: on CUDA where there is one.  [cpu]",
        ),
        click.option(
            "--keep",
            multiple=True,
            metavar="TABLE",
            help="Take the rows of this table over as they are; 'none' keeps no table; repeats.",
        ),
        click.option(
            "--dp-epsilon",
            type=float,
            envvar="DBSYNTH_DP_EPSILON",
            metavar="E",
            help="Learn with differential privacy: all of it costs at most ε = E for a row of every table.",
        ),
        click.option(
            "--dp-delta",
            type=float,
            envvar="DBSYNTH_DP_DELTA",
            metavar="D",
            help="Its δ.  [a power of ten below 1 in 10 × the rows of the largest table]",
        ),
        max_bytes_option,
    ]
)

workers_option = click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    envvar="DBSYNTH_WORKERS",
    metavar="N",
    help="Processes.  [one a core]",
)

replace_option = click.option("--replace", is_flag=True, help="Replace a target that dbsynth did not make.")

wishes = _apply(
    [
        target_option,
        selection,
        amount,
        seed_option,
        sample_seed_option,
        learning,
        workers_option,
        replace_option,
    ]
)

config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DBSYNTH_CONFIG",
    metavar="FILE",
    help="Instead of the nearest dbsynth.toml.",
)

verbose_option = click.option("--verbose", "-v", is_flag=True, help="Also log what is done; tracebacks of errors.")

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")

output = _apply([config_option, verbose_option, json_option])

check_option = click.option(
    "--verify",
    is_flag=True,
    help="Test what was made, as `dbsynth verify` does, before it appears: a failed gate leaves the target as it was.",
)

junit_option = click.option("--junit", type=FOLDER, metavar="FILE", help="The gates and constraints as JUnit XML.")
html_option = click.option(
    "--html", type=FOLDER, metavar="FILE", help="All of it as one page with pictures, for people."
)


def gates_of(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    from dbsynth.console.verification import gates_of

    try:
        return None if text is None else gates_of(text)
    except ValueError as cause:
        raise click.BadParameter(str(cause)) from cause


verifying = _apply(
    [
        click.option(
            "--against", metavar="SOURCE", help="What it was made from: a URL or a connection, also with #SCHEMA."
        ),
        selection,
        click.option("--keep", multiple=True, metavar="TABLE", help="As it was given to clone; repeats."),
        click.option(
            "--min-quality",
            type=click.FloatRange(0, 1),
            metavar="X",
            help="The least score of all tables, 1: as near as halves of the source to each other.  [0.85]",
        ),
        click.option(
            "--max-copies",
            type=click.FloatRange(0, 1),
            metavar="X",
            help="The largest share of a table's rows that copy real ones beyond chance.  [0.01]",
        ),
        click.option(
            "--max-auc",
            type=click.FloatRange(0.5, 1),
            metavar="X",
            help="How well a classifier may tell made rows from real ones, 0.5: not at all.  [0.8]",
        ),
        click.option(
            "--fail-on",
            callback=gates_of,
            metavar="GATES",
            help="Which gates count: violations, quality, privacy, or none.  [violations,quality,privacy]",
        ),
        click.option(
            "--sample-rows",
            type=click.IntRange(min=MIN_SAMPLE_ROWS),
            metavar="N",
            help="Look at no more rows of a table at once, where figures are not counted by the database.  [50,000]",
        ),
        click.option("--seed", type=click.IntRange(0, MAX_SEED), metavar="N", help="Of the figures' chances.  [0]"),
        max_bytes_option,
        click.option("--json", "json_file", metavar="FILE", help="All that was found, as JSON; -: on stdout."),
        junit_option,
        html_option,
        click.option(
            "--annotations/--no-annotations",
            default=None,
            help="Findings as annotations of GitHub Actions.  [where GITHUB_ACTIONS is true]",
        ),
    ]
)

filling_sources = _apply(
    [
        click.option("--project-dir", type=FOLDER, metavar="FOLDER", help="Instead of that of the nearest project."),
        click.option("--profiles-dir", type=FOLDER, metavar="FOLDER", help="Where profiles.yml lies."),
        click.option("--target", "-t", metavar="NAME", help="A target of the profile.  [its default]"),
        click.option("--model", type=FOLDER, metavar="FOLDER", help="Instead of those of the project's var models."),
        click.option("--source-select", "selected", multiple=True, metavar="NAME", help="Only this source; repeats."),
        amount,
        seed_option,
        workers_option,
        replace_option,
    ]
)


def _seconds(name: str, default: float, text: str) -> Callable[[Any], Any]:
    return click.option(
        name, type=click.FloatRange(0.05, 86_400), default=default, show_default=True, metavar="SECONDS", help=text
    )


serving = _apply(
    [
        click.option("--models", type=FOLDER, metavar="FOLDER", help="Models for dbsynth.generate: one a directory."),
        click.option("--port", type=click.IntRange(0, 65535), help="Answer /healthz, /readyz and /metrics there."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen for these."),
        click.option(
            "--workers",
            type=click.IntRange(0, MAX_WORKERS),
            envvar="DBSYNTH_WORKERS",
            metavar="N",
            help="Processes of a job; 0: none of its own, quickest for tiny tables.  [one a core]",
        ),
        _seconds("--lease", 30.0, "Take over the job of a worker that is not heard of for so long."),
        _seconds("--poll", 5.0, "Look for jobs so often, should a notification be lost."),
        _seconds("--grace", 20.0, "At SIGTERM: for the running job to finish."),
        _seconds("--retry", 10.0, "Before a failed job's second attempt; doubled for each further one."),
        click.option("--drain", is_flag=True, help="Stop when no job waits."),
        click.option("--log-json/--log-text", default=True, help="How to log.  [JSON, one object a line]"),
    ]
)

replaying = _apply(
    [
        click.option(
            "--against", required=True, metavar="SOURCE", help="What TARGET was cloned from: a URL or a connection."
        ),
        click.option("--queries", type=FOLDER, metavar="FILE", help="SELECT statements, in the SQL of the source."),
        click.option("--pg-stat-statements", is_flag=True, help="What the source has been asked, by its statistics."),
        click.option(
            "--dbt", type=FOLDER, metavar="MANIFEST", help="Models and tests of the manifest.json of `dbt compile`."
        ),
        click.option(
            "--limit-seconds",
            type=float,
            default=30.0,
            show_default=True,
            metavar="N",
            help="A query may take so long on a side.",
        ),
        click.option(
            "--min-share",
            type=float,
            default=0.95,
            show_default=True,
            metavar="X",
            help="Exit code 1 where fewer of the queries are alike.",
        ),
        click.option("--json", "json_file", metavar="FILE", help="Write all that was found there ('-': stdout)."),
        click.option(
            "--seed",
            type=click.IntRange(0, MAX_SEED),
            default=0,
            show_default=True,
            metavar="N",
            help="Which queries are generated; which values are drawn for parameters.",
        ),
    ]
)

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Say nothing unless it fails.")

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


def together(options: list[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    """Several options as one decorator, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


FOLDER = click.Path(path_type=Path)

source_argument = click.argument("source", metavar="SOURCE")

selection = together(
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

amount = together(
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

learning = together(
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
            help="How to learn: ctgan, auto, autoregressive, copula, independent, tvae, ctgan-2019, "
            "or a plugin's.  [ctgan]",
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

checkpoint_option = click.option(
    "--checkpoint", type=FOLDER, metavar="FOLDER", help="Go on there after an interruption, same result."
)

replace_option = click.option("--replace", is_flag=True, help="Replace a target that dbsynth did not make.")

wishes = together(
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

output = together([config_option, verbose_option, json_option])

filling_sources = together(
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


serving = together(
    [
        click.option("--models", type=FOLDER, metavar="FOLDER", help="Models for dbsynth.generate: one a directory."),
        click.option(
            "--state",
            type=FOLDER,
            envvar="DBSYNTH_STATE",
            metavar="FOLDER",
            help="What jobs have learned, for the worker that takes one over.  [jobs in the user's cache]",
        ),
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

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Say nothing unless it fails.")

"""Options of the verbs that test what was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dbsynth.console.arguments import FOLDER, max_bytes_option, selection, together
from dbsynth.limits import MAX_SEED, MIN_SAMPLE_ROWS

junit_option = click.option("--junit", type=FOLDER, metavar="FILE", help="The gates and constraints as JUnit XML.")
html_option = click.option(
    "--html", type=FOLDER, metavar="FILE", help="All of it as one page with pictures, for people."
)


def workload(*, hidden: bool = False) -> list[Callable[[Any], Any]]:
    """What is replayed on a source and on its clone. ``hidden``: taken, to say why not."""
    return [
        click.option(
            "--queries",
            type=FOLDER,
            metavar="FILE",
            hidden=hidden,
            help="Replay these SELECT statements, in the SQL of the source.",
        ),
        click.option(
            "--pg-stat-statements",
            is_flag=True,
            hidden=hidden,
            help="Replay what the source has been asked, by its statistics.",
        ),
        click.option(
            "--dbt",
            type=FOLDER,
            metavar="MANIFEST",
            hidden=hidden,
            help="Replay the models and tests of the manifest.json of `dbt compile`.",
        ),
    ]


def generated(*, hidden: bool = False) -> Callable[[Any], Any]:
    return click.option(
        "--replay/--no-replay",
        "generated",
        default=None,
        hidden=hidden,
        help="Replay queries that are generated for the schema, as `dbsynth replay` does.  [no]",
    )


check_option = click.option(
    "--verify",
    is_flag=True,
    help="Test what was made, as `dbsynth verify` does, before it appears: a failed gate leaves the target as it was.",
)
checking = together([check_option, *workload(), generated(), junit_option, html_option])
checking_of_model = together([check_option, *workload(hidden=True), generated(hidden=True), junit_option, html_option])
"""Without a source no queries can be replayed."""


def gates_of(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    from dbsynth.console.verification import gates_of

    try:
        return None if text is None else gates_of(text)
    except ValueError as cause:
        raise click.BadParameter(str(cause)) from cause


verifying = together(
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
            help="Which gates count: violations, quality, privacy, workload, or none.  [all that are tested]",
        ),
        click.option(
            "--sample-rows",
            type=click.IntRange(min=MIN_SAMPLE_ROWS),
            metavar="N",
            help="Look at no more rows of a table at once, where figures are not counted by the database.  [50,000]",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, MAX_SEED),
            metavar="N",
            help="Of the figures' chances, and of queries.  [0]",
        ),
        *workload(),
        generated(),
        click.option("--limit-seconds", type=float, metavar="N", help="A query may take so long on a side.  [30]"),
        click.option(
            "--min-share", type=float, metavar="X", help="The least share of the queries that are alike.  [0.95]"
        ),
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

replaying = together(
    [
        click.option(
            "--against", required=True, metavar="SOURCE", help="What TARGET was cloned from: a URL or a connection."
        ),
        *workload(),
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

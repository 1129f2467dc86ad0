"""From a command line to a verification, and to the files that it asks for."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, get_args

import structlog
from sqlalchemy.engine import URL

from dbsynth.artifact.manifest import is_model
from dbsynth.config import DBT, Config, Place, VerifyDefaults, load_config
from dbsynth.console import redact, verify_view
from dbsynth.console.output import stdout_console
from dbsynth.console.request import clone_options, database_target
from dbsynth.errors import UsageError
from dbsynth.pipeline.clone import Built
from dbsynth.pipeline.generation import Check
from dbsynth.places import split_place
from dbsynth.quality.figures import Gate, Verification
from dbsynth.quality.files import STDOUT, check_writable, file_of, write_text
from dbsynth.quality.gates import DEFAULTS, Thresholds
from dbsynth.quality.outputs import as_data, github_annotations, junit
from dbsynth.quality.replay.api import check, wished
from dbsynth.quality.replay.run import MIN_SHARE
from dbsynth.quality.replay.workloads import SECONDS, Asked, check_asked
from dbsynth.quality.sides import SAMPLE_ROWS, Sides
from dbsynth.quality.verify import (
    Look,
    VerifyOptions,
    check_of_model,
    check_workload,
    nothing,
    raise_if_failed,
    verify_built,
)
from dbsynth.synthesizer import Synthesizer

log = structlog.get_logger("dbsynth")
NOWHERE = Place(URL.create("nowhere"))


def verify_options(
    *,
    target: str,
    against: str | None,
    schemas: Sequence[str],
    tables: Sequence[str],
    exclude: Sequence[str],
    keep: Sequence[str],
    config: Path | None,
    sample_rows: int | None,
    seed: int | None,
    max_bytes: int | None,
    queries: Path | None,
    pg_stat_statements: bool,
    dbt: Path | None,
    generated: bool | None,
    limit_seconds: float | None,
    **limits: Any,
) -> VerifyOptions:
    """None: not said on the command line; then the file decides, then the default."""
    loaded = load_config(config)
    defaults = loaded.settings.verify
    with_source = against is not None and not is_model(Path(against))
    workload = _workload(
        loaded if with_source else Config(), queries, pg_stat_statements, dbt, generated, limit_seconds, **limits
    )
    asked: dict[str, Any] = {
        "thresholds": thresholds_of(defaults, **limits),
        "sample_rows": sample_rows or defaults.sample_rows or SAMPLE_ROWS,
        "seed": seed or 0,
        "workload": workload,
    }
    if against is None:
        if given := [n for n, v in (("--tables", tables), ("--exclude", exclude), ("--keep", keep)) if v]:
            raise UsageError(f"{given[0]} goes with --against", hint="without a source all tables are verified")
        place = target_place(loaded, target)
        return _possible(VerifyOptions(place.url, tuple(dict.fromkeys(schemas)) or place.schemas or None, **asked))
    if not with_source:
        if given := [n for n, v in (("--tables", tables), ("--exclude", exclude), ("--keep", keep)) if v]:
            raise UsageError(f"{given[0]} goes with --against SOURCE", hint="a model says itself which tables it has")
        url, schema = database_target(config, target)
        return _possible(VerifyOptions(url, model=Path(against), model_schema=schema, **asked))
    options = clone_options(
        source=against,
        target=target,
        schemas=schemas,
        tables=tables,
        exclude=exclude,
        keep=keep,
        config=config,
        seed=seed,
        max_bytes=max_bytes,
    )
    assert options.target_url is not None
    return _possible(VerifyOptions(options.target_url, against=options, **asked))


def _possible(options: VerifyOptions) -> VerifyOptions:
    check_workload(options, with_source=options.against is not None)
    return options


def _workload(
    config: Config,
    queries: Path | None,
    pg_stat_statements: bool,
    dbt: Path | None,
    generated: bool | None,
    limit_seconds: float | None = None,
    *,
    min_share: float | None = None,
    fail_on: tuple[Gate, ...] | None = None,
    **_: Any,
) -> Asked | None:
    """What is named on the command line, or else in the file of ``config``, whose paths start at its folder. Raises
    UsageError where options have no workload that they could be about."""
    defaults, named = config.settings.verify, queries is not None or pg_stat_statements or dbt is not None
    if generated is False and named:
        raise UsageError("--no-replay goes with no queries", hint="leave --no-replay out, or the queries")
    if not named and generated is None:
        here = config.path.parent if config.path is not None else Path()
        queries = here / defaults.queries if defaults.queries is not None else None
        dbt = here / defaults.dbt if defaults.dbt is not None else None
        pg_stat_statements, generated = defaults.pg_stat_statements, defaults.replay
    found = wished(bool(generated), queries, pg_stat_statements, dbt)
    if found is None:
        about = {
            "--min-share": min_share is not None,
            "--limit-seconds": limit_seconds is not None,
            "--fail-on workload": fail_on is not None and "workload" in fail_on,
        }
        if given := [name for name, said in about.items() if said]:
            raise UsageError(
                f"{given[0]} is about queries, and none are named",
                hint="say --replay, or --queries FILE, --pg-stat-statements, --dbt MANIFEST",
            )
        return None
    seconds = next(s for s in (limit_seconds, defaults.limit_seconds, SECONDS) if s is not None)
    check(seconds, MIN_SHARE if min_share is None else min_share)
    return Asked(*found, seconds)


def thresholds_of(
    defaults: VerifyDefaults,
    min_quality: float | None = None,
    max_copies: float | None = None,
    max_auc: float | None = None,
    fail_on: tuple[Gate, ...] | None = None,
    min_share: float | None = None,
) -> Thresholds:
    def first(*given: Any) -> Any:
        return next(g for g in given if g is not None)

    return Thresholds(
        quality=first(min_quality, defaults.min_quality, DEFAULTS.quality),
        copies=first(max_copies, defaults.max_copies, DEFAULTS.copies),
        auc=first(max_auc, defaults.max_auc, DEFAULTS.auc),
        fail_on=tuple(first(fail_on, defaults.fail_on, DEFAULTS.fail_on)),
        share=first(min_share, defaults.min_share, DEFAULTS.share),
    )


def target_place(config: Config, text: str) -> Place:
    """What is verified alone: a URL or a connection, either with ``#schema[,schema]``, or CONNECTION.SCHEMA."""
    base, _ = split_place(text)
    connected = base in config.settings.connections or "://" in base or base.startswith(DBT)
    place = config.resolve_source(text) if connected else config.resolve_target(text, NOWHERE)
    if place.url == NOWHERE.url:
        raise UsageError(
            f"{text}: in which database?",
            hint="give URL#SCHEMA or CONNECTION.SCHEMA, or say --against SOURCE for a schema of the source's database",
        )
    redact.remember(place.url)
    return place


def gates_of(text: str) -> tuple[Gate, ...]:
    """``violations,quality`` as gates; ``none`` for none. ValueError names one that is not there."""
    if text.strip() == "none":
        return ()
    names = [part.strip() for part in text.split(",") if part.strip()]
    known: tuple[Gate, ...] = get_args(Gate)
    if unknown := [n for n in names if n not in known]:
        raise ValueError(f"there is no gate {unknown[0]!r}: {', '.join(known)}, or none")
    return tuple(g for g in known if g in names)


def write(verification: Verification, *, as_json: str | None = None, as_junit: Path | None = None) -> None:
    """``as_json`` ``-``: one line on the standard output, as other verbs print theirs."""
    data = as_data(verification)
    if as_json == STDOUT:
        print(redact.redact(json.dumps(data)), flush=True)
    elif (file := file_of(as_json)) is not None:
        write_text(file, redact.redact(json.dumps(data, indent=1, ensure_ascii=False)) + "\n")
    if as_junit is not None:
        write_text(as_junit, redact.redact(junit(verification)))


def report_to(path: Path | None) -> Look:
    """What draws the report to ``path`` while the sides are open; None: nothing."""
    if path is None:
        return nothing

    def write_page(verification: Verification, sides: Sides | None) -> None:
        from dbsynth.quality.report import write_report

        about = {
            **verification.about,
            "python": platform.python_version(),
            "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "command": shlex.join(["dbsynth", *sys.argv[1:]]),
        }
        write_report(path, replace(verification, about=about), sides, redact.redact)

    return write_page


def annotate(verification: Verification, wanted: bool | None) -> None:
    """On the standard error, where GitHub looks too; None: where its variable says that it runs there."""
    if wanted if wanted is not None else os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github_annotations(verification):
            print(redact.redact(line), file=sys.stderr, flush=True)


class BuiltCheck:
    """For ``--verify``: what was built is verified before it is published. ``clone`` calls it, ``generate`` what ``of``
    gives. Shows what it found, also of a failed run, when the context ends: after the display of progress.
    ``source``: that queries are replayed on, None where rows are made without one. Raises UsageError for what could
    not be done when all is built."""

    def __init__(
        self,
        config: Path | None,
        *,
        junit: Path | None,
        html: Path | None,
        source: URL | None,
        queries: Path | None,
        pg_stat_statements: bool,
        dbt: Path | None,
        generated: bool | None,
        quiet: bool,
        as_json: bool,
        verbose: bool,
    ) -> None:
        check_writable({"--junit": junit, "--html": html})
        loaded = load_config(config)
        defaults = loaded.settings.verify
        workload = _workload(loaded if source is not None else Config(), queries, pg_stat_statements, dbt, generated)
        if workload is not None and source is None:
            raise UsageError(
                "queries are replayed on a source and on its target: a model answers no queries",
                hint="make the target, then: dbsynth verify TARGET --against SOURCE, with the same queries",
            )
        self.options = VerifyOptions(
            NOWHERE.url,
            thresholds=thresholds_of(defaults),
            sample_rows=defaults.sample_rows or SAMPLE_ROWS,
            workload=workload,
        )
        check_workload(self.options, with_source=source is not None)
        if workload is not None and source is not None:
            check_asked(workload, source)
        elif source is None and defaults.workloads:
            log.warning("a model answers no queries: the workload of [verify] is not replayed, its gate does not count")
        self.junit_file, self.as_json, self.verbose = junit, as_json, verbose
        self.look = report_to(html)
        self.silent = quiet or as_json
        self.found: Verification | None = None

    def __call__(self, built: Built) -> None:
        self._judge(verify_built(built, self.options, look=self.look))

    def of(self, model: Synthesizer, name: str) -> Check:
        return check_of_model(model, self.options, name, self._judge, self.look)

    def _judge(self, found: Verification) -> None:
        self.found = found
        write(found, as_json=STDOUT if self.as_json else None, as_junit=self.junit_file)
        annotate(found, None)
        raise_if_failed(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.found is not None and not self.silent:
            verify_view.show(stdout_console(), as_data(self.found), verbose=self.verbose)

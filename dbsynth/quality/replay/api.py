"""``dbsynth.replay``."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from sqlalchemy.engine import URL

from dbsynth.dialect import named_schema, parse_url
from dbsynth.errors import UsageError
from dbsynth.limits import MAX_BYTES, MAX_SECONDS, MAX_SEED
from dbsynth.pipeline.options import CloneOptions
from dbsynth.places import split_place
from dbsynth.quality.replay.run import MIN_SHARE, Replay, ReplayOptions
from dbsynth.quality.replay.run import replay as run
from dbsynth.quality.replay.workloads import SECONDS, Workloads


def replay(
    target: str | URL,
    *,
    against: str | URL,
    queries: str | PathLike[str] | None = None,
    pg_stat_statements: bool = False,
    dbt: str | PathLike[str] | None = None,
    limit_seconds: float = SECONDS,
    min_share: float = MIN_SHARE,
    seed: int = 0,
    schemas: Iterable[str] = (),
    tables: Iterable[str] = (),
    exclude: Iterable[str] = (),
    privacy_k: int = 5,
    max_bytes: int = MAX_BYTES,
) -> Replay:
    """Run the same queries on the source ``against`` and on its clone ``target`` (URLs, both also with ``#schema``),
    read-only, and compare. ``queries``: a file of SELECT statements in the SQL of the source; ``pg_stat_statements``:
    what the source has been asked; ``dbt``: a manifest.json that ``dbt compile`` wrote; none of them: queries generated
    for the schema. ``limit_seconds``: a query may take on a side. ``seed``: of what is drawn. ``schemas``, ``tables``,
    ``exclude``: of the source, what was cloned.

    Raises UsageError for wrong arguments and workloads that cannot be read, and what connecting and reading raise."""
    workload, path = which(queries, pg_stat_statements, dbt)
    check(limit_seconds, min_share)
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"seed={seed}: not in 0..{MAX_SEED:,}")
    source_url, source_schemas = _place(against)
    target_url, target_schemas = _place(target)
    named = target_schemas[0] if target_schemas else named_schema(target_url)
    clone = CloneOptions(
        source_url,
        target_url,
        source_schemas=tuple(schemas) or source_schemas or None,
        target_schema=named,
        tables=tuple(tables),
        exclude=tuple(exclude),
        seed=seed,
        privacy_k=privacy_k,
        max_bytes=max_bytes,
    )
    return run(ReplayOptions(clone, workload, path, limit_seconds, min_share, seed))


def which(
    queries: str | PathLike[str] | None, pg_stat_statements: bool, dbt: str | PathLike[str] | None
) -> tuple[Workloads, Path | None]:
    """UsageError where two workloads are named."""
    if (queries is not None) + pg_stat_statements + (dbt is not None) > 1:
        raise UsageError(
            "a file of queries, pg_stat_statements and a dbt manifest: only one of them can be replayed at a time",
            hint="give one; without any, queries are generated for the schema",
        )
    for path in (queries, dbt):
        if path is not None and not Path(path).is_file():
            raise UsageError(f"{path} is no file", hint="name a file of queries, or the manifest.json of `dbt compile`")
    if queries is not None:
        return "file", Path(queries)
    if dbt is not None:
        return "dbt", Path(dbt)
    return ("pg_stat_statements" if pg_stat_statements else "generated"), None


def wished(
    generated: bool,
    queries: str | PathLike[str] | None,
    pg_stat_statements: bool,
    dbt: str | PathLike[str] | None,
) -> tuple[Workloads, Path | None] | None:
    """Where a workload is no more than a part of what is done: None where none is named."""
    named = queries is not None or pg_stat_statements or dbt is not None
    if generated and named:
        raise UsageError(
            "generated queries and a workload of your own: only one of them can be replayed at a time",
            hint="leave replay out: naming queries is enough",
        )
    return which(queries, pg_stat_statements, dbt) if named or generated else None


def check(limit_seconds: float, min_share: float) -> None:
    if not 0 < limit_seconds <= MAX_SECONDS:
        raise UsageError(f"a limit of {limit_seconds} seconds: not above 0 and at most a day")
    if not 0 <= min_share <= 1:
        raise UsageError(f"a share of {min_share}: not in 0..1", hint="0.95: so many of the queries have to be alike")


def _place(given: str | URL) -> tuple[URL, tuple[str, ...]]:
    if isinstance(given, URL):
        return given, ()
    base, schemas = split_place(given)
    return parse_url(base), schemas

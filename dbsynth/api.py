"""The Python API: ``dbsynth.fit``, ``dbsynth.fit_table``, ``dbsynth.load``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
from sqlalchemy.engine import URL, Engine

from dbsynth.artifact.manifest import versions
from dbsynth.dialect import connect, parse_url
from dbsynth.errors import UsageError
from dbsynth.frames.columns import travelling
from dbsynth.frames.database import FramesDatabase, check_keys, held
from dbsynth.frames.pandas import from_pandas, is_frame
from dbsynth.frames.schema import DIALECT, SCHEMA, Given, cast_to, inferred, with_given
from dbsynth.limits import MAX_BYTES, MAX_SEED, MAX_TRAIN_MINUTES
from dbsynth.model.base import Device
from dbsynth.pipeline.clone import EFFORT, limited, read_catalog, wishes_of
from dbsynth.pipeline.executor import Executor, InlineExecutor, LocalExecutor, NearExecutor, default_workers
from dbsynth.pipeline.filling import Emit, progress
from dbsynth.pipeline.fitting import asked_of, refit
from dbsynth.pipeline.fitting import fit as learn
from dbsynth.pipeline.generation import Origin, identity_digest
from dbsynth.pipeline.options import CloneOptions, Effort
from dbsynth.pipeline.planner import select
from dbsynth.pipeline.training_wishes import check_training
from dbsynth.pipeline.update import Base
from dbsynth.pipeline.work import UrlOrigin
from dbsynth.quality.diff import check_same_source, check_updatable, drift_of
from dbsynth.schema.model import Schema, TableName
from dbsynth.synthesizer import Dtypes, Synthesizer

if TYPE_CHECKING:
    import pandas as pd

    Frame: TypeAlias = pd.DataFrame | pa.Table


def fit(
    source: Mapping[str, Frame] | str | URL | Engine,
    *,
    schema: Schema | Given | None = None,
    schemas: Iterable[str] = (),
    seed: int | None = None,
    tables: Iterable[str] = (),
    exclude: Iterable[str] = (),
    sample_rows: int = 100_000,
    effort: Effort = "standard",
    train_minutes: float | None = None,
    device: Device = "auto",
    strategy: str | None = None,
    workers: int | None = None,
    keep: Iterable[str] = (),
    privacy_k: int = 5,
    dp_epsilon: float | None = None,
    dp_delta: float | None = None,
    max_bytes: int = MAX_BYTES,
    checkpoint: str | PathLike[str] | None = None,
) -> Synthesizer:
    """Learn from tables in memory (pandas DataFrames, Arrow tables, by name) or from a database (an SQLAlchemy URL, or
    an Engine, whose URL is used).

    ``schema``: keys and CHECKs of tables in memory, ``{"orders": {"primary_key": ["id"], "unique": [["no"]],
    "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}], "checks": ["qty > 0"]}}``, or a Schema;
    that of a database is read from its catalog. ``schemas``: of a database, which. ``tables``, ``exclude``: names or
    shell patterns. ``sample_rows``: learn from at most so many rows a table. ``effort``: quick, standard or thorough,
    work and not time; ``train_minutes``: time instead. ``strategy``: of ``dbsynth.models``. ``workers``: processes
    (None: this one for tables in memory, one a core for a database); changes nothing in the result. ``keep``: tables
    that are kept whole, or ("none",). ``privacy_k``: what fewer rows share is not learned. ``dp_epsilon``: learn with
    differential privacy of that ε in all, at ``dp_delta`` (docs/privacy.md). ``checkpoint``: a folder; a
    fit that was interrupted goes on there when it is called again with the same arguments, with the same result.

    Raises UsageError for wrong arguments, the errors of ``dbsynth.errors`` for a source that cannot be learned from.
    """
    _check(effort, privacy_k, sample_rows, seed, train_minutes, device)
    kept = tuple(keep)
    asked: dict[str, Any] = {
        "seed": seed,
        "tables": _names(tables, "tables"),
        "exclude": _names(exclude, "exclude"),
        "sample_rows": sample_rows,
        "effort": effort,
        "train_minutes": train_minutes,
        "device": device,
        "strategy": strategy,
        "workers": workers,
        "keep": () if kept == ("none",) else kept,
        "keep_none": kept == ("none",),
        "privacy_k": privacy_k,
        "dp_epsilon": dp_epsilon,
        "dp_delta": dp_delta,
        "max_bytes": max_bytes,
    }
    at = None if checkpoint is None else Path(checkpoint)
    check_training(CloneOptions(URL.create("memory"), **asked), at)
    if isinstance(source, Mapping):
        return _fit_frames(source, schema, CloneOptions(URL.create("memory"), **asked), at)
    if schema is not None:
        raise UsageError("schema= is for tables in memory", hint="the schema of a database is read from its catalog")
    url = source.url if isinstance(source, Engine) else source
    if not isinstance(url, str | URL):
        raise UsageError(
            f"a {type(source).__name__} is no source", hint="give tables by name, {'orders': frame}, or a database URL"
        )
    parsed = parse_url(url) if isinstance(url, str) else url
    return fit_url(CloneOptions(parsed, source_schemas=tuple(schemas) or None, **asked), at)


def update(
    model: Synthesizer,
    source: str | URL | Engine,
    *,
    effort: Effort | None = None,
    device: Device = "auto",
    workers: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Synthesizer:
    """A model of ``source`` as it is now: tables of ``model`` that have drifted, and those that depend on them, are
    learned anew, with the arguments of its fit (``effort``: unless another is given); the others are what they were.
    ``anew`` of what is returned tells which, and why; none, and ``model`` itself is returned.

    Raises UsageError for a model of another database, of tables in memory, without statistics, or learned with
    differential privacy: an update would spend its budget again."""
    url = source.url if isinstance(source, Engine) else parse_url(source) if isinstance(source, str) else source
    asked = dict(model.asked)
    keep = tuple(asked.get("keep", ()))
    options = CloneOptions(
        url,
        source_schemas=tuple(asked.get("schemas", ())) or None,
        tables=tuple(asked.get("tables", ())),
        exclude=tuple(asked.get("exclude", ())),
        sample_rows=asked.get("sample_rows", 100_000),
        effort=effort or asked.get("effort") or "standard",
        train_minutes=None if effort else asked.get("train_minutes"),
        strategy=asked.get("strategy"),
        keep=() if keep == ("none",) else keep,
        keep_none=keep == ("none",),
        privacy_k=model.plan.privacy_k,
        device=device,
        workers=workers,
        max_bytes=max_bytes,
    )
    return update_url(options, model)


def update_url(options: CloneOptions, model: Synthesizer, emit: Emit = lambda event: None) -> Synthesizer:
    """See ``update``; the selection and the settings of ``options`` count."""
    check_updatable(options, model)
    asked, options = options, limited(options)
    database = connect(options.source_url)
    executor = LocalExecutor(options.workers or default_workers(), progress(emit))
    try:
        origin = Origin(database.dialect.name, identity_digest(database))
        check_same_source(model, origin, database.describe())
        options, schema = read_catalog(options, database)
        changed: list[bool] = []

        def base(schema: Schema, snapshot: str) -> Base:
            drift = drift_of(model, schema, database, snapshot)
            changed.append(bool(drift))
            assert model.statistics is not None
            return Base(model.plan, model.learned, model.warnings, model.statistics, drift.stale)

        fitted = refit(
            database,
            UrlOrigin(options.source_url),
            schema,
            options,
            executor,
            base,
            sqlglot_dialect=database.dialect.grammar.sqlglot,
            seed=model.seed,
            emit=emit,
        )
        executor.close()
    except BaseException:
        executor.stop()
        raise
    finally:
        database.close()
    if not fitted.anew and not any(changed):
        return model
    return Synthesizer.of(fitted, {}, origin, asked_of(asked))


def fit_table(
    frame: Frame, *, name: str = "table", schema: Mapping[str, Any] | None = None, **options: Any
) -> Synthesizer:
    """``fit`` for one table. ``schema``: its keys and CHECKs, ``{"primary_key": ["id"], "checks": ["qty > 0"]}``."""
    return fit({name: frame}, schema=None if schema is None else {name: schema}, **options)


def load(path: str | PathLike[str]) -> Synthesizer:
    """What ``Synthesizer.save`` wrote: see ``Synthesizer.load``."""
    return Synthesizer.load(path)


def fit_url(options: CloneOptions, checkpoint: Path | None, emit: Emit = lambda event: None) -> Synthesizer:
    """Learn from the source of ``options``; what they say of a target does not count."""
    asked, options = options, limited(options)
    database = connect(options.source_url)
    executor = LocalExecutor(options.workers or default_workers(), progress(emit))
    try:
        options, schema = read_catalog(options, database)
        fitted = learn(
            database,
            UrlOrigin(options.source_url),
            schema,
            options,
            executor,
            sqlglot_dialect=database.dialect.grammar.sqlglot,
            checkpoint=checkpoint,
            versions=versions(),
            emit=emit,
        )
        executor.close()
        origin = Origin(database.dialect.name, identity_digest(database))
    except BaseException:
        executor.stop()
        raise
    finally:
        database.close()
    return Synthesizer.of(fitted, {}, origin, asked_of(asked))


def _fit_frames(
    source: Mapping[str, Frame], given: Schema | Given | None, options: CloneOptions, checkpoint: Path | None
) -> Synthesizer:
    database, dtypes = frames_database(source, given, options)
    executor: Executor = InlineExecutor()
    if options.workers is not None and options.workers > 1:
        pool = LocalExecutor(options.workers, lambda table, step, done, total: None)
        executor = NearExecutor(pool, ("prepare_table",))
    try:
        with held(database) as origin:
            fitted = learn(
                database,
                origin,
                database.schema,
                options,
                executor,
                sqlglot_dialect=DIALECT,
                checkpoint=checkpoint,
                versions=versions(),
            )
        executor.close()
    except BaseException:
        executor.stop()
        raise
    return Synthesizer.of(fitted, dtypes, Origin(), asked_of(options))


def frames_database(
    source: Mapping[str, Frame], given: Schema | Given | None, options: CloneOptions
) -> tuple[FramesDatabase, Dtypes]:
    """The tables as a database, and the dtypes of the DataFrames by full table name."""
    if not source:
        raise UsageError("there is no table to learn from", hint="give tables by name: {'orders': frame}")
    tables: dict[str, pa.Table] = {}
    dtypes: dict[str, dict[str, str]] = {}
    for name, frame in source.items():
        if is_frame(frame):
            tables[name], dtypes[str(TableName(SCHEMA, name))] = from_pandas(name, frame)
        elif isinstance(frame, pa.Table):
            tables[name] = frame
        else:
            raise UsageError(
                f"{name}: a {type(frame).__name__} is no table", hint="give a pandas DataFrame or an Arrow table"
            )
        if not tables[name].num_columns:
            raise UsageError(f"{name}: the table has no columns", hint="leave it out")
    columns = {
        name: {c: travelling(name, c, _whole(t.column(c)), options.privacy_k) for c in t.column_names}
        for name, t in tables.items()
    }
    travels = {n: pa.table({c: t.values for c, t in found.items()}) for n, found in columns.items()}
    if isinstance(given, Schema):
        missing = [str(t.name) for t in given.tables if t.name.name not in travels]
        if missing:
            raise UsageError(f"schema: no frame is given for {', '.join(missing)}", hint="give one, or leave it out")
        schema = given
        dtypes = {str(t.name): dtypes.get(str(TableName(SCHEMA, t.name.name)), {}) for t in given.tables}
    else:
        schema = with_given(inferred(columns), given or {})
    schema = select(schema, wishes_of(options))
    rows = {t.name: cast_to(t, travels[t.name.name]) for t in schema.tables}
    check_keys(schema, rows)
    return FramesDatabase(schema, rows), dtypes


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _names(names: Iterable[str], what: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(f"{what}= is a text", hint=f"write a list: [{names!r}]")
    return tuple(names)


def _check(
    effort: str, privacy_k: int, sample_rows: int, seed: int | None, train_minutes: float | None, device: str
) -> None:
    if effort not in EFFORT:
        raise UsageError(f"effort={effort!r}", hint=f"one of {', '.join(EFFORT)}")
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device={device!r}", hint="one of auto, cpu, cuda")
    if privacy_k < 1 or sample_rows < 1:
        raise UsageError("privacy_k and sample_rows are numbers from 1 on", hint="leave them out: 5 and 100,000")
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise UsageError(f"seed={seed}: not in 0..{MAX_SEED}", hint="leave it out: one is drawn and told")
    if train_minutes is not None and not 0 < train_minutes <= MAX_TRAIN_MINUTES:
        raise UsageError(
            f"train_minutes={train_minutes}: not above 0 and at most {MAX_TRAIN_MINUTES:,.0f}",
            hint="leave it out: effort decides",
        )

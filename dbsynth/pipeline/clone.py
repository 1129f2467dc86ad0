"""The whole job: catalog, plan, building schemas, models, rows, load, constraints, publish."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.dialect import Building, Database, RunInfo, Verified, connect, dialect_name, load_dialect
from dbsynth.errors import CannotClone, InternalError, TargetRefused
from dbsynth.pipeline import events, work
from dbsynth.pipeline.declared import check_declared
from dbsynth.pipeline.declared_rules import with_declared_rules
from dbsynth.pipeline.executor import open_executor
from dbsynth.pipeline.filling import Emit, Filling, cleared_up, fill, progress
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import Wishes, make_plan, select
from dbsynth.pipeline.resuming import clone_checkpoint
from dbsynth.pipeline.room import check_room
from dbsynth.pipeline.sections import with_sections, within
from dbsynth.pipeline.spool import Spool
from dbsynth.pipeline.train_time import train_seconds
from dbsynth.pipeline.training_wishes import check_training
from dbsynth.privacy.budget import PrivacyWish, PrivateTraining
from dbsynth.schema.model import Schema
from dbsynth.schema.virtual import with_virtual_keys
from dbsynth.translate.names import folded
from dbsynth.translate.names import rule as naming_rule
from dbsynth.translate.target import open_target, translated_notes

if TYPE_CHECKING:
    from dbsynth.artifact.resume import FitCheckpoint

log = structlog.get_logger("dbsynth")
SECRET_BITS = 128
EFFORT = {"quick": 0.3, "standard": 1.0, "thorough": 4.0}
"""Training work relative to the standard."""


@dataclass(frozen=True)
class Built:
    """What a run has made and not published, at ``building``. ``snapshot``: of the source, as it was learned from."""

    plan: Plan
    source: Database
    snapshot: str
    building: Building


Check = Callable[[Built], None]


def read_catalog(asked: CloneOptions, database: Database) -> tuple[CloneOptions, Schema]:
    """The selected part of the source's catalog, every table of which may be read; and the options with what the
    configuration says of its tables."""
    whole, unknown = with_virtual_keys(database.introspect(asked.source_schemas), asked.virtual_keys)
    check_declared(whole, asked.facts.declare)
    options, warnings = with_sections(asked, (t.name for t in whole.tables))
    schema = select(replace(whole, notes=(*whole.notes, *warnings, *unknown)), wishes_of(options))
    schema = with_declared_rules(schema, options.overrides, database.dialect.grammar.sqlglot)
    database.check_readable(schema)
    if (bill := check_bill(database, schema, asked.max_bytes)) is not None:
        told = f"reading will be billed for about {bill:,} bytes; the limit is {asked.max_bytes:,} (--max-bytes)"
        schema = replace(schema, notes=(*schema.notes, told))
    schema = database.measured(schema)
    database.bind(schema)
    return within(options, asked, (t.name for t in schema.tables)), schema


def check_bill(database: Database, schema: Schema, most: int) -> int | None:
    """The bytes that reading will be billed for; CannotClone above ``most``."""
    bill = database.billed(schema)
    if bill is not None and bill > most:
        raise CannotClone(
            f"learning from {database.describe()} reads {bill:,} bytes that are billed; the limit is {most:,}",
            hint=f"raise it: --max-bytes {bill}, or read fewer tables: --tables, --exclude",
        )
    return bill


def limited(options: CloneOptions) -> CloneOptions:
    """Where reading is billed, the limit goes with the URL into every process that reads."""
    if not load_dialect(dialect_name(options.source_url)).capabilities.bills_bytes:
        return options
    url = options.source_url.update_query_dict({"dbsynth_max_bytes": str(options.max_bytes)})
    return replace(options, source_url=url)


def _with_notes(schema: Schema, source: Database, target: Database) -> Schema:
    """With what translating changes or loses said of each table."""
    notes = translated_notes(schema, source.dialect.name, target)
    rule = naming_rule(source.dialect.grammar, target.dialect.grammar) if notes else None
    return replace(
        schema,
        tables=tuple(replace(t, notes=(*t.notes, *notes.get(t.name, ()))) for t in schema.tables),
        notes=(*schema.notes, rule) if rule else schema.notes,
    )


def plan_only(options: CloneOptions, emit: Emit) -> Plan:
    """What ``run`` would do: reads the catalog, counts and a sample; trains nothing, writes nothing."""
    check_training(options)
    options = limited(options)
    source, target = connect(options.source_url), connect(_goal(options))
    try:
        options, schema = read_catalog(options, source)
        mapping = target_names(options, schema, source, target)
        schema = _with_notes(schema, source, target)
        with source.snapshot() as snapshot:
            return plan_of(options, source, target, schema, mapping, snapshot, options.seed)
    finally:
        source.close()
        target.close()


def run(
    options: CloneOptions, emit: Emit, check: Check | None = None, checkpoint: Path | None = None
) -> events.RunDone:
    """Clone. On any error nothing of this run is left in the target, and the target is what it was before; so it is
    where ``check``, which sees what was built before it is published, raises one.

    ``checkpoint``: a folder that keeps what is learned; a run with the same arguments goes on there. Raises
    CheckpointRefused where it is that of another run, ArtifactError where it is damaged."""
    began = time.monotonic()
    check_training(options, checkpoint)
    options = limited(options)
    seed = options.seed
    if seed is None and checkpoint is not None:
        from dbsynth.artifact.resume import seed_of

        seed = seed_of(checkpoint)
    if seed is None:
        seed = secrets.randbits(32)
        log.info("seed drawn", seed=seed)
    with _open(options) as (source, target_database):
        options, schema = read_catalog(options, source)
        mapping = target_names(options, schema, source, target_database)
        schema = _with_notes(schema, source, target_database)
        run_id = uuid.uuid4().hex[:8]
        emit(
            events.RunStarted(
                run_id=run_id,
                seed=seed,
                sample_seed=options.sample_seed,
                source=source.describe(),
                target=_place(target_database, mapping),
                tables=tuple(str(t.name) for t in schema.tables),
            )
        )
        results, verified, private = _build(
            options, source, target_database, schema, mapping, run_id, seed, emit, check, checkpoint
        )
    done = events.RunDone(
        results=results,
        seconds=time.monotonic() - began,
        seed=seed,
        verified=verified,
        sample_seed=options.sample_seed,
        differential_privacy=private.describe() if private else None,
    )
    emit(done)
    return done


def _goal(options: CloneOptions) -> URL:
    if options.target_url is None:
        raise InternalError("a clone without a target was asked for")
    return options.target_url


@contextmanager
def _open(options: CloneOptions) -> Iterator[tuple[Database, Database]]:
    source = connect(options.source_url)
    try:
        target = connect(_goal(options))
        try:
            yield source, target
        finally:
            target.close()
    finally:
        source.close()


def _build(
    options: CloneOptions,
    source: Database,
    target_database: Database,
    schema: Schema,
    mapping: dict[str, str],
    run_id: str,
    seed: int,
    emit: Emit,
    check: Check | None,
    checkpoint: Path | None,
) -> tuple[tuple[events.TableResult, ...], tuple[Verified, ...], PrivateTraining | None]:
    info = RunInfo(
        run_id,
        __version__,
        seed,
        source.describe(),
        {"made": datetime.now(UTC).isoformat(timespec="seconds")},
        source_identity=source.identity(),
    )
    target = open_target(target_database, source.dialect.name)
    with cleared_up(target.close, target.discard) as run:
        # the workers load torch while the catalog is read and the plan is made
        executor = run.executor = open_executor(options.workers, progress(emit))
        snapshot = source.snapshot()
        token = snapshot.__enter__()
        held = [snapshot]

        def extracted() -> None:
            if held:
                held.pop().__exit__(None, None, None)

        try:
            kept, plan = _begin(checkpoint, options, source, target_database, schema, mapping, token, seed)
            check_room(plan)
            spool = run.spool = Spool.create(run_id)
            job = work.Job(
                plan=plan,
                seed=seed,
                sample_seed=seed if options.sample_seed is None else options.sample_seed,
                effort=EFFORT[options.effort],
                origin=work.UrlOrigin(options.source_url),
                snapshot=token,
                spool=spool,
                destination=work.Destination(_goal(options), info, dialect_name(options.source_url)),
                seconds=train_seconds(plan, options.train_minutes, executor.workers),
                device=options.device,
                checkpoints=checkpoint,
                secret=secrets.randbits(SECRET_BITS),
            )
            finished = kept.finished(plan) if kept is not None else {}
            filling = Filling(
                job, info, executor, emit, options.replace, kept=kept, finished=finished, extracted=extracted
            )
            if check is not None:

                def checked(building: Building) -> None:
                    check(Built(plan, source, token, building))
                    extracted()  # before publishing: source and target may be one file

                # It compares with the very rows that were learned from.
                filling = replace(filling, extracted=lambda: None, check=checked)
            filled = fill(target, filling)
            return *filled, plan.private
        finally:
            extracted()


def _begin(
    checkpoint: Path | None,
    options: CloneOptions,
    source: Database,
    target: Database,
    schema: Schema,
    mapping: dict[str, str],
    snapshot: str,
    seed: int,
) -> tuple[FitCheckpoint | None, Plan]:
    """The plan, or that of the interrupted run in ``checkpoint``."""
    if checkpoint is None:
        return None, plan_of(options, source, target, schema, mapping, snapshot, seed)
    kept = clone_checkpoint(checkpoint, options, source, target, schema, mapping)
    if (begun := kept.begun(seed)) is not None:
        plan = replace(begun[0], source=source.describe(), target=_place(target, mapping))
        kept.check_rows(plan, source.count([t.name for t in plan.tables], snapshot))
    else:
        plan = plan_of(options, source, target, schema, mapping, snapshot, seed)
        kept.begin(plan, seed)
    return kept, plan


def target_names(options: CloneOptions, schema: Schema, source: Database, target: Database) -> dict[str, str]:
    """``names_in_target``, to be written. TargetRefused where a target would be a source schema."""
    mapping = names_in_target(options, schema, source, target)
    same = source.identity() == target.identity()
    if same and (clash := [t for t in mapping.values() if t in schema.schemas]):
        raise TargetRefused(
            f"the target {', '.join(clash)} is (a schema of) the source: it is never written",
            hint="name another schema: --to SCHEMA, or another database: --to URL",
        )
    return mapping


def names_in_target(options: CloneOptions, schema: Schema, source: Database, target: Database) -> dict[str, str]:
    """Source schema -> target schema. One source schema takes the target's name; several keep theirs in another
    database and become ``TARGET_<schema>`` in the same one. Verbs that only read may name the source itself."""
    names, wish = schema.schemas, options.target_schema
    if wish is None:
        ours, theirs = source.dialect.grammar, target.dialect.grammar
        return {n: folded(n, ours, theirs) for n in names}
    return {names[0]: wish} if len(names) == 1 else {n: f"{wish}_{n}" for n in names}


def wishes_of(options: CloneOptions) -> Wishes:
    return Wishes(
        tables=tuple(options.tables),
        exclude=tuple(options.exclude),
        scale=options.scale,
        rows=dict(options.rows),
        sample_rows=options.sample_rows,
        keep=tuple(options.keep),
        keep_none=options.keep_none,
        privacy_k=options.privacy_k,
        overrides=dict(options.overrides),
        strategy=options.strategy,
        facts=options.facts,
        private=private_wish(options),
    )


def private_wish(options: CloneOptions) -> PrivacyWish | None:
    if options.dp_epsilon is None:
        return None
    return PrivacyWish(options.dp_epsilon, options.dp_delta, EFFORT[options.effort])


def plan_of(
    options: CloneOptions,
    source: Database,
    target: Database,
    schema: Schema,
    mapping: dict[str, str],
    snapshot: str,
    seed: int | None,
) -> Plan:
    return make_plan(
        source,
        schema,
        wishes_of(options),
        mapping=mapping,
        source=source.describe(),
        target=_place(target, mapping),
        constraints_after_load=target.dialect.capabilities.constraints_after_load,
        sqlglot_dialect=source.dialect.grammar.sqlglot,
        snapshot=snapshot,
        seed=seed,
    )


def _place(database: Database, mapping: dict[str, str]) -> str:
    return f"{database.describe()}#{','.join(dict.fromkeys(mapping.values()))}"

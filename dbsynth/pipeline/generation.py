"""Rows of a model that was learned before, into a database or into files: nothing of the source is needed."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.dialect import Building, Database, RunInfo, Target, connect
from dbsynth.errors import TargetRefused, UsageError
from dbsynth.limits import MAX_SCALE
from dbsynth.pipeline import events, work
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.executor import open_executor
from dbsynth.pipeline.filling import Emit, Filling, cleared_up, fill, progress
from dbsynth.pipeline.fitting import drawn
from dbsynth.pipeline.making import sized
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import resized
from dbsynth.pipeline.room import check_room
from dbsynth.pipeline.spool import Spool
from dbsynth.schema import graph
from dbsynth.schema.checks import parse_checks
from dbsynth.schema.model import TableName
from dbsynth.translate.names import folded
from dbsynth.translate.target import open_target, source_grammar, translated_notes

MAKE = ("generate", "patch", "load")
Check = Callable[[Plan, Building], None]
"""Called with how the rows were made and where they stand, before they appear: what it raises leaves the target as it
was."""


@dataclass(frozen=True)
class Origin:
    """Where a model was learned: the name of the dialect (None: tables in memory), and a digest of the identity of the
    database, by which it is known again and never written."""

    dialect: str | None = None
    identity: str = ""


@dataclass(frozen=True)
class Trained:
    """A model as ``generate`` takes it. ``seed``: of its fit. ``digest``: of its files, "" where it was not saved."""

    plan: Plan
    learned: Mapping[TableName, Learned]
    seed: int
    origin: Origin
    digest: str = ""


@dataclass(frozen=True)
class GenerateOptions:
    """``schema`` None: the names of the model's schemas are kept. ``seed`` None: one is drawn and told."""

    scale: float = 1.0
    rows: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    schema: str | None = None
    workers: int | None = None
    replace: bool = False


def generate_into(
    model: Trained, url: URL, options: GenerateOptions, emit: Emit, check: Check | None = None
) -> events.RunDone:
    """Make ``options.schema`` of the database ``url``: the model's tables, keys and constraints, full of rows. On any
    error nothing of this run is left, and what was there is as it was."""
    database = connect(url)
    try:
        dialect = model.origin.dialect
        model = replace(model, plan=_with_notes(model.plan, translated_notes(model.plan.schema, dialect, database)))
        mapping = schema_names(model, options.schema, database)
        target = open_target(database, dialect)
        cap = database.dialect.capabilities.constraints_after_load
        return _run(
            model,
            options,
            emit,
            target,
            mapping,
            place=f"{database.describe()}#{','.join(dict.fromkeys(mapping.values()))}",
            constraints_after_load=cap,
            destination=lambda run: work.Destination(url, run, dialect),
            check=check,
        )
    finally:
        database.close()


def generate_files(model: Trained, target: Target, place: str, options: GenerateOptions, emit: Emit) -> events.RunDone:
    """Make the files that ``target`` writes; ``place`` names them for people. What only a database can evaluate is not
    tested, and told."""
    mapping = {s: s for s in model.plan.schema.schemas}
    if options.schema is not None:
        mapping = _renamed(tuple(mapping), options.schema)
    return _run(model, options, emit, target, mapping, place=place, constraints_after_load=True, destination=None)


def _run(
    model: Trained,
    options: GenerateOptions,
    emit: Emit,
    target: Target,
    mapping: dict[str, str],
    *,
    place: str,
    constraints_after_load: bool,
    destination: Callable[[RunInfo], work.Destination] | None,
    check: Check | None = None,
) -> events.RunDone:
    began, run_id = time.monotonic(), uuid.uuid4().hex[:8]
    with cleared_up(target.close, target.discard) as held:
        plan = replace(_resized(model.plan, options), mapping=mapping, target=place)
        rows = {t.name: t.source_rows for t in plan.tables}
        graph.order(plan.schema, rows, constraints_after_load=constraints_after_load)  # raises where it cannot
        check_room(plan)
        seed = drawn("sample") if options.seed is None else options.seed
        emit(
            events.RunStarted(
                run_id=run_id,
                seed=model.seed,
                sample_seed=seed,
                steps=("generate", "load"),
                source=f"model of {plan.source}",
                target=place,
                tables=tuple(str(t.name) for t in plan.tables),
            )
        )
        if destination is None:
            _tell_what_is_not_tested(plan, emit)
        executor = held.executor = open_executor(options.workers, progress(emit))
        spool = held.spool = Spool.create(run_id)
        run = run_info(model, run_id, seed)
        job = work.Job(
            plan=plan,
            seed=model.seed,
            sample_seed=seed,
            spool=spool,
            destination=destination(run) if destination else None,
        )
        reports = {name: found.model.report for name, found in model.learned.items()}
        filling = Filling(job, run, executor, emit, options.replace, MAKE, sized(plan, model.learned), reports)
        if check is not None:
            filling = replace(filling, check=lambda building: check(plan, building))
        results, verified = fill(target, filling)
    private = model.plan.private.describe() if model.plan.private else None
    done = events.RunDone(results, time.monotonic() - began, model.seed, verified, seed, private)
    emit(done)
    return done


def _tell_what_is_not_tested(plan: Plan, emit: Emit) -> None:
    for table in plan.tables:
        left = [c.check.name for c in parse_checks(table.table, plan.sqlglot_dialect) if not c.evaluable]
        if left and table.rows:
            told = f"only a database can evaluate CHECK {', '.join(left)}: not tested here"
            emit(events.Warned(str(table.name), None, told))


def run_info(model: Trained, run_id: str, seed: int) -> RunInfo:
    """What the target will say of where it comes from."""
    details = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "model": model.digest[:32], "fit": model.seed}
    return RunInfo(run_id, __version__, seed, f"model of {model.plan.source}", details)


def _with_notes(plan: Plan, notes: Mapping[TableName, tuple[str, ...]]) -> Plan:
    tables = [replace(t, table=replace(t.table, notes=(*t.table.notes, *notes.get(t.name, ())))) for t in plan.tables]
    return replace(plan, tables=tuple(tables))


def _resized(plan: Plan, options: GenerateOptions) -> Plan:
    if not 0 < options.scale <= MAX_SCALE:
        raise UsageError(
            f"scale {options.scale}: not in 0..{MAX_SCALE:,.0f}", hint="1.0 makes as many rows as the source"
        )
    for table in plan.tables:
        if options.rows.get(str(table.name)) and not table.source_rows:
            raise UsageError(
                f"{table.name} was empty when the model was learned: no rows can be made",
                hint="leave it out of --rows, or train the model anew on a source that has some",
            )
    return resized(plan, options.scale, options.rows)


def schema_names(model: Trained, wish: str | None, database: Database) -> dict[str, str]:
    """Schema of the model -> schema of the target. TargetRefused where that is what the model was learned from."""
    names, theirs = model.plan.schema.schemas, database.dialect.grammar
    if wish is not None:
        mapping = _renamed(names, wish)
    else:
        ours = source_grammar(model.origin.dialect)
        mapping = {n: folded(n, ours, theirs) for n in names}
    if model.origin.identity and identity_digest(database) == model.origin.identity:
        clash = [t for t in mapping.values() if t in names]
        if clash:
            raise TargetRefused(
                f"the target {', '.join(clash)} is (a schema of) the source of the model: it is never written",
                hint="name another schema: --to URL#SCHEMA, or another database",
            )
    return mapping


def _renamed(names: tuple[str, ...], wish: str) -> dict[str, str]:
    return {names[0]: wish} if len(names) == 1 else {n: f"{wish}_{n}" for n in names}


def identity_digest(database: Database) -> str:
    """Tells whether two connections reach the same database, and nothing else."""
    return hashlib.blake2b(database.identity().encode(), digest_size=16).hexdigest()

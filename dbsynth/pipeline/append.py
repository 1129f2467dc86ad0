"""More rows of a model in a target that was made of it: keys go on after the last ones, every constraint of the target
holds, and at every moment the target is what it was or has all of the new rows."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.engine import URL

from dbsynth.dialect import Appender, Database, RunInfo, Verified, connect
from dbsynth.errors import TargetRefused, UnsatisfiableConstraint, UsageError
from dbsynth.limits import MAX_SCALE
from dbsynth.pipeline import events, work
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.executor import Executor, open_executor
from dbsynth.pipeline.filling import STEP_WORDS, Emit, announce, cleared_up, progress
from dbsynth.pipeline.fitting import drawn
from dbsynth.pipeline.generation import Trained, run_info, schema_names
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.provenance import Provenance, origin_of
from dbsynth.pipeline.room import check_room
from dbsynth.pipeline.schedule import MAKE, Outcome, Tasks
from dbsynth.pipeline.spool import Spool
from dbsynth.pipeline.standing import Appended
from dbsynth.pipeline.standing_read import check_drift, left_untold, needed, new_rows, read_standing
from dbsynth.rng import derive
from dbsynth.schema.model import TableName
from dbsynth.translate.target import Live, live_tables, open_appender


@dataclass(frozen=True)
class AppendOptions:
    """``scale`` None: 1, or nothing but what ``rows`` ask for and their children. ``other_model``: also to a target
    that was made of another model of the same tables, or of none that was saved."""

    scale: float | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    seed: int | None = None
    schema: str | None = None
    workers: int | None = None
    other_model: bool = False


def append_into(model: Trained, url: URL, options: AppendOptions, emit: Emit) -> events.RunDone:
    """Append to ``options.schema`` of the database ``url``. On any error the target is what it was.

    Raises TargetRefused for a target that dbsynth did not make, or of another model, or whose tables are not those of
    the model any more; UnsatisfiableConstraint where the keys have no room for so many rows."""
    if options.scale is not None and not 0 < options.scale <= MAX_SCALE:
        raise UsageError(f"scale {options.scale}: not in 0..{MAX_SCALE:,.0f}", hint="1.0 makes as many as the source")
    began, seed = time.monotonic(), drawn("sample") if options.seed is None else options.seed
    database, dialect = connect(url), model.origin.dialect
    try:
        target = open_appender(database, dialect)
        with cleared_up(target.close) as held:
            mapping = schema_names(model, options.schema, database)
            place = f"{database.describe()}#{','.join(dict.fromkeys(mapping.values()))}"
            plan = replace(model.plan, mapping=mapping, target=place)
            run = run_info(model, uuid.uuid4().hex[:8], seed)
            origins = _held(target, model, plan, run, options.other_model)
            held.spool = Spool.create(run.run_id)
            live = live_tables(plan.schema, mapping, dialect, database)
            plan = _with_standing(model, plan, database, live, options, held.spool, emit)
            _announce(model, plan, run, emit)
            held.executor = open_executor(options.workers, progress(emit))
            job = work.Job(
                plan=plan,
                seed=model.seed,
                sample_seed=derive(seed, "append", max(o.appends for o in origins.values())),
                spool=held.spool,
                destination=work.Destination(url, run, dialect, live=True),
            )
            outcomes = _made(model, job, held.executor, emit)
            _check_asked(plan, options, outcomes)
            results, verified = _written(model, job, run, target, origins, outcomes, emit)
    finally:
        database.close()
    private = plan.private.describe() if plan.private else None
    done = events.RunDone(results, time.monotonic() - began, model.seed, verified, seed, private)
    emit(done)
    return done


def _held(target: Appender, model: Trained, plan: Plan, run: RunInfo, other_model: bool) -> dict[str, Provenance]:
    """Where each schema of the target comes from. TargetRefused where nothing may be appended."""
    out = {}
    for schema, mark in target.hold(plan.schema, plan.mapping, run).items():
        origin = origin_of(mark)
        where = f"the schema {schema} of {plan.target}"
        if origin is None:
            raise TargetRefused(
                f"{where} was not made by dbsynth, or is not there: nothing is appended to it",
                hint="make a target first: dbsynth generate MODEL --to TARGET",
            )
        if not other_model and not (model.digest and origin.model == model.digest[:32]):
            raise TargetRefused(
                f"{where} was made of {'another model' if origin.model else 'no saved model'}",
                hint="name the model that made it, or say that this one will do: --other-model",
            )
        out[schema] = origin
    return out


def _with_standing(
    model: Trained,
    plan: Plan,
    database: Database,
    live: Mapping[TableName, Live],
    options: AppendOptions,
    spool: Spool,
    emit: Emit,
) -> Plan:
    """``plan`` for new rows beside those that stand; of these, into the spool, what the new ones have to know."""
    catalog = database.introspect(list(dict.fromkeys(plan.mapping.values())))
    for told in check_drift(plan, live, catalog):
        emit(events.Warned(None, None, told))
    database.bind(catalog)
    with database.snapshot() as snapshot:
        found = database.count([own.name for own in live.values()], snapshot)
        there = {name: found[own.name] for name, own in live.items()}
        new = new_rows(plan, there, options.scale, options.rows)
        for told in left_untold(plan, new):
            emit(events.Warned(None, None, told))
        standing = dict.fromkeys(plan.by_name, 0)
        for name in needed(plan, [n for n, rows in new.items() if rows]):
            if plan[name].source_rows and there[name]:
                standing[name] = there[name]
                spool.write_standing(name, read_standing(database, plan, name, live, snapshot, new[name]))
    tables = tuple(Appended.of(t, new[t.name], standing[t.name]) for t in plan.tables)
    for table in tables:
        if not table.rows:
            known = model.learned.get(table.name)
            spool.write(table.name, work.empty_table(table, known.codec.cardinalities if known else ()))
    plan = replace(plan, tables=tables)
    check_room(plan)
    return plan


def _announce(model: Trained, plan: Plan, run: RunInfo, emit: Emit) -> None:
    appended = tuple(replace(t, rows=t.made_rows) for t in plan.tables if t.made_rows)
    emit(
        events.RunStarted(
            run_id=run.run_id,
            seed=model.seed,
            sample_seed=run.seed,
            steps=("generate", "load"),
            source=f"model of {plan.source}",
            target=plan.target,
            tables=tuple(str(t.name) for t in appended),
        )
    )
    announce(replace(plan, tables=appended, warnings=()), emit)


def _made(model: Trained, job: work.Job, executor: Executor, emit: Emit) -> dict[TableName, Outcome]:
    told = {str(t.name) for t in job.plan.tables if t.made_rows}

    def started(name: TableName, step: str) -> None:
        if str(name) in told:
            emit(events.StepStarted(str(name), STEP_WORDS[step]))

    def settled(name: TableName, step: str, seconds: float, rows: int) -> None:
        if str(name) in told:
            emit(events.StepDone(str(name), STEP_WORDS[step], seconds, rows))

    given = {name: _sized(found, job.plan) for name, found in model.learned.items()}
    outcomes = Tasks(job, executor, steps=MAKE, given=given, started=started, step=settled).run()
    executor.close()
    for name, outcome in outcomes.items():
        for warning in outcome.warnings if str(name) in told else ():
            emit(events.Warned(str(name), None, warning))
    return outcomes


def _sized(found: Learned, plan: Plan) -> bytes:
    table = plan[found.plan.name]
    assert isinstance(table, Appended)
    return pickle.dumps(replace(found, plan=Appended.of(found.plan, table.made_rows, table.standing)))


def _check_asked(plan: Plan, options: AppendOptions, outcomes: Mapping[TableName, Outcome]) -> None:
    for table in plan.tables:
        asked, rows = options.rows.get(str(table.name)), outcomes[table.name].rows
        if asked is not None and rows != asked:
            raise UnsatisfiableConstraint(
                f"{table.name}: {asked:,} more rows were asked for, its constraints allow {rows:,}",
                hint="ask for fewer rows, or for more of the tables that they point at",
            )


def _written(
    model: Trained,
    job: work.Job,
    run: RunInfo,
    target: Appender,
    origins: Mapping[str, Provenance],
    outcomes: Mapping[TableName, Outcome],
    emit: Emit,
) -> tuple[tuple[events.TableResult, ...], tuple[Verified, ...]]:
    spool = job.rows_of()
    tables = [t for t in job.plan.tables if outcomes[t.name].rows]
    total = sum(outcomes[t.name].rows for t in tables)
    marks = {schema: origin.appended(run, total) for schema, origin in origins.items()}
    for table in tables:
        emit(events.StepStarted(str(table.name), "load"))
    loaded = lambda name, rows: emit(events.StepDone(str(name), "load", 0.0, rows))  # noqa: E731
    verified = target.append([t.name for t in tables], spool.batches, marks, loaded)
    results = []
    for table in tables:
        outcome, report = outcomes[table.name], model.learned[table.name].model.report
        results.append(
            events.TableResult(
                table=str(table.name),
                rows=outcome.rows,
                seconds=outcome.seconds,
                strategy=report.strategy,
                fidelity=report.fidelity,
                kept=False,
                warnings=tuple(outcome.warnings),
            )
        )
    return tuple(results), verified

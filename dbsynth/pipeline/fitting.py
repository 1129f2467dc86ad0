"""The first half of the job: from a source to what is learned of each table. Nothing is written but checkpoints."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import structlog

from dbsynth.artifact.resume import Finished, FitCheckpoint
from dbsynth.dialect import Database
from dbsynth.pipeline import events, work
from dbsynth.pipeline.clone import EFFORT, SECRET_BITS, wishes_of
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.executor import Executor
from dbsynth.pipeline.filling import STEP_WORDS, Emit, announce
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import make_plan
from dbsynth.pipeline.resuming import fingerprint
from dbsynth.pipeline.schedule import FIT, Tasks
from dbsynth.pipeline.train_time import train_seconds
from dbsynth.pipeline.update import Base, equal_states, merged_plan, merged_statistics, stale_tables
from dbsynth.quality.sides import Side
from dbsynth.quality.statistics import Statistics, collect
from dbsynth.rng import derive
from dbsynth.schema.model import Schema, TableName

log = structlog.get_logger("dbsynth")


@dataclass(frozen=True)
class Fitted:
    """``warnings``: what was said of each table while it was learned."""

    plan: Plan
    learned: Mapping[TableName, Learned]
    warnings: Mapping[TableName, tuple[str, ...]]
    seed: int
    statistics: Statistics | None = None
    """None: of rows that were learned with differential privacy, or that are billed by the byte, none are kept."""
    anew: Mapping[TableName, str] | None = None
    """Of an update: the tables that were learned anew, and why."""


def fit(
    database: Database,
    origin: work.Origin,
    schema: Schema,
    options: CloneOptions,
    executor: Executor,
    *,
    sqlglot_dialect: str,
    checkpoint: Path | None,
    versions: Mapping[str, str],
    emit: Emit = lambda event: None,
) -> Fitted:
    """Learn every table of ``schema`` that has rows. ``options.seed`` None: one is drawn, or that of the interrupted
    fit in ``checkpoint`` taken."""
    with database.snapshot() as snapshot:
        kept, begun = None, None
        if checkpoint is not None:
            facts = {"source": database.describe(), **fingerprint(schema, options, versions)}
            kept = FitCheckpoint(checkpoint, facts)
            begun = kept.begun(options.seed)
        if kept is not None and begun is not None:
            plan, seed = begun
            kept.check_rows(plan, database.count([t.name for t in plan.tables], snapshot))
        else:
            seed = drawn("fit") if options.seed is None else options.seed
            plan = _plan(database, schema, options, sqlglot_dialect, snapshot, seed)
            if kept is not None:
                kept.begin(plan, seed)
        fitted = _train(plan, origin, snapshot, seed, options, executor, kept, emit)
        return replace(fitted, statistics=statistics_of(database, plan, snapshot))


def refit(
    database: Database,
    origin: work.Origin,
    schema: Schema,
    options: CloneOptions,
    executor: Executor,
    base: Callable[[Schema, str], Base],
    *,
    sqlglot_dialect: str,
    seed: int,
    emit: Emit = lambda event: None,
) -> Fitted:
    """Learn those tables anew that a model no longer tells as they are; ``base``: the model, compared with the source
    in a snapshot. The same seed and options as those of the model make what ``fit`` makes of the tables that are
    learned anew; the others are what they were. Raises UsageError where the model cannot be compared."""
    with database.snapshot() as snapshot:
        model = base(schema, snapshot)
        plan = _plan(database, schema, options, sqlglot_dialect, snapshot, seed)

        @cache
        def same_codes(name: TableName) -> bool:
            from dbsynth.pipeline.prepare import prepare

            if name not in model.learned:
                return False
            fresh = prepare(database, plan, name, seed=derive(seed, "fit"), snapshot=snapshot)
            return equal_states(fresh.codec.state(), model.learned[name].codec.state())

        stale = stale_tables(model.plan, plan, model.drifted, same_codes)
        plan = merged_plan(model.plan, plan, stale)
        given = {
            name: Finished(found, model.warnings.get(str(name), ()), "")
            for name, found in model.learned.items()
            if name in plan.by_name and name not in stale
        }
        fitted = _train(plan, origin, snapshot, seed, options, executor, None, emit, given)
        fresh = statistics_of(database, plan, snapshot)
        statistics = merged_statistics(model.statistics, fresh, stale) if fresh is not None else None
        return replace(fitted, statistics=statistics, anew=stale)


def statistics_of(database: Database, plan: Plan, snapshot: str) -> Statistics | None:
    """What the model keeps to be verified by: under differential privacy nothing, for it would not be accounted for;
    and nothing where reading the rows once more would be billed once more."""
    if plan.private is not None or database.billed(plan.schema) is not None:
        return None
    return collect(plan, Side.of(database, plan.schema, snapshot))


def drawn(of: str) -> int:
    """A seed for those who gave none, told so that the run can be repeated."""
    seed = secrets.randbits(32)
    log.info("seed drawn", of=of, seed=seed)
    return seed


def _plan(
    database: Database, schema: Schema, options: CloneOptions, sqlglot_dialect: str, snapshot: str, seed: int
) -> Plan:
    return make_plan(
        database,
        schema,
        wishes_of(options),
        mapping={},
        source=database.describe(),
        target="",
        constraints_after_load=True,
        sqlglot_dialect=sqlglot_dialect,
        snapshot=snapshot,
        seed=seed,
    )


def _train(
    plan: Plan,
    origin: work.Origin,
    snapshot: str,
    seed: int,
    options: CloneOptions,
    executor: Executor,
    kept: FitCheckpoint | None,
    emit: Emit,
    given: Mapping[TableName, Finished] | None = None,
) -> Fitted:
    """``given``: tables that are learned already."""
    emit(
        events.RunStarted(
            run_id="",
            seed=seed,
            source=plan.source,
            target="model",
            tables=tuple(str(t.name) for t in plan.tables),
            steps=("extract", "train"),
        )
    )
    announce(plan, emit)
    finished = kept.finished(plan) if kept is not None else dict(given or {})
    learned = {name: found.learned for name, found in finished.items()}
    if kept is not None and kept.resumed:
        emit(kept.goes_on(plan, finished))

    def take(name: TableName, blob: bytes) -> None:
        learned[name] = pickle.loads(blob)  # from our own worker
        if kept is not None:
            kept.keep(learned[name], tuple(tasks.outcome[name].warnings), tasks.codes[name])

    def prepared(name: TableName, codes: str) -> None:
        if kept is not None:
            kept.check_codes(finished.get(name), codes)

    def settled(name: TableName, step: str, seconds: float, rows: int) -> None:
        emit(events.StepDone(str(name), STEP_WORDS[step], seconds, rows))
        if step == "train":
            report = tasks.outcome[name].report
            told = {"strategy": report.strategy, "fidelity": report.fidelity} if report else {}
            log.info("table learned", table=str(name), rows=rows, seconds=round(seconds, 2), **told)

    tasks = Tasks(
        work.Job(
            plan=plan,
            seed=seed,
            effort=EFFORT[options.effort],
            origin=origin,
            snapshot=snapshot,
            seconds=train_seconds(plan, options.train_minutes, executor.workers),
            device=options.device,
            checkpoints=kept.folder if kept is not None else None,
            secret=secrets.randbits(SECRET_BITS),
        ),
        executor,
        steps=FIT,
        given=dict.fromkeys(finished, b""),
        said={name: found.warnings for name, found in finished.items()},
        prepared=prepared,
        learned=take,
        started=lambda name, step: emit(events.StepStarted(str(name), STEP_WORDS[step])),
        step=settled,
    )
    try:
        outcomes = tasks.run()
    finally:
        work.forget()
    warnings = {n: tuple(o.warnings) for n, o in outcomes.items()}
    ordered = {t.name: learned[t.name] for t in plan.tables if t.name in learned}
    return Fitted(plan, ordered, warnings, seed)


def asked_of(options: CloneOptions) -> dict[str, object]:
    """What decides on a model but the source, as plain data, by the names of ``dbsynth.fit``'s arguments: names and
    numbers of tables, nothing of the source."""
    return {
        "schemas": list(options.source_schemas or ()),
        "tables": list(options.tables),
        "exclude": list(options.exclude),
        "sample_rows": options.sample_rows,
        "effort": options.effort,
        "train_minutes": options.train_minutes,
        "strategy": options.strategy,
        "keep": ["none"] if options.keep_none else sorted(options.keep),
        "privacy_k": options.privacy_k,
    }

"""The last part of every job: the rows of a plan into a target that appears when all is verified, or not at all."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from dbsynth.dialect import Building, RunInfo, Target, Verified
from dbsynth.model.base import FitReport
from dbsynth.pipeline import events, work
from dbsynth.pipeline.executor import Executor
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.schedule import STEPS, Outcome, Tasks
from dbsynth.pipeline.spool import Spool
from dbsynth.schema.model import Schema, TableName

if TYPE_CHECKING:
    from dbsynth.artifact.resume import Finished, FitCheckpoint

log = structlog.get_logger("dbsynth")
T = TypeVar("T")
Emit = Callable[[events.Event], None]

STEP_WORDS = {"prepare": "extract", "train": "train", "generate": "generate", "patch": "generate", "load": "load"}
"""The tasks by the names that people see."""


@dataclass(frozen=True)
class Filling:
    """``job`` has a spool. ``given``: tables that are learned already, with what was learned, and ``reports`` of how;
    ``kept``: where what is learned is kept, ``finished``: what was kept there before; ``extracted`` is called when the
    source is no longer needed."""

    job: work.Job
    run: RunInfo
    executor: Executor
    emit: Emit
    replace: bool = False
    steps: Collection[str] = STEPS
    given: Mapping[TableName, bytes] = field(default_factory=dict)
    reports: Mapping[TableName, FitReport] = field(default_factory=dict)
    kept: FitCheckpoint | None = None
    finished: Mapping[TableName, Finished] = field(default_factory=dict)
    extracted: Callable[[], None] = lambda: None
    check: Callable[[Building], None] | None = None
    """Called before publishing, with what ``Target.building`` gives: what it raises leaves the target as it was."""


@dataclass
class Held:
    """What a run holds until it is over, once it has it."""

    executor: Executor | None = None
    spool: Spool | None = None


@contextmanager
def cleared_up(close: Callable[[], None], discard: Callable[[], None] = lambda: None) -> Iterator[Held]:
    """Whatever becomes of a run, nothing of it is left: on any error its workers are stopped, and what it has built is
    given up by ``discard``; at last ``close``."""
    held = Held()
    try:
        yield held
    except BaseException:
        if held.executor is not None:
            held.executor.stop()
        discard()
        raise
    finally:
        close()
        if held.spool is not None:
            held.spool.remove()


def fill(target: Target, filling: Filling) -> tuple[tuple[events.TableResult, ...], tuple[Verified, ...]]:
    """Create what the plan describes beside the target, fill it, create and verify its constraints, publish it. The
    executor is closed before that. The caller discards the target on any error."""
    job, emit, plan = filling.job, filling.emit, filling.job.plan
    announce(plan, emit)
    if filling.kept is not None and filling.kept.resumed:
        emit(filling.kept.goes_on(plan, filling.finished))
    target.prepare(created(plan), plan.mapping, filling.run, replace=filling.replace)
    for table in plan.tables:
        if table.source_rows == 0 or table.rows == 0:
            job.rows_of().write(table.name, work.empty_table(table))
    outcomes = _make_rows(target, filling)
    filling.extracted()  # where there was nothing to read
    told = lambda what: emit(events.StepProgress(None, "finish: " + what, 0, 0))  # noqa: E731
    verified = _timed("finish", lambda: target.finish(told), emit)
    filling.executor.close()  # before publishing: a worker may hold the file that is to be written open
    if (check := filling.check) is not None:
        _timed("verify", lambda: check(target.building()), emit)
    _timed("publish", target.publish, emit)
    reports = {**filling.reports, **{n: found.learned.model.report for n, found in filling.finished.items()}}
    return _results(plan, outcomes, reports), verified


def progress(emit: Emit) -> Callable[[str, str, int, int], None]:
    """What an executor tells of its tasks, as events."""
    return lambda table, step, done, total: emit(events.StepProgress(table, STEP_WORDS.get(step, step), done, total))


def created(plan: Plan) -> Schema:
    """The schema to create: without the foreign keys whose parent is not part of the clone."""
    dropped = {(t.name, k.key.name) for t in plan.tables for k in t.keys if k.fill == "dropped"}
    tables = tuple(
        replace(
            t,
            foreign_keys=tuple(fk for fk in t.foreign_keys if (t.name, fk.name) not in dropped),
            partitions=tuple(
                replace(p, foreign_keys=tuple(fk for fk in p.foreign_keys if fk.ref_table in plan.schema.by_name))
                for p in t.partitions
            ),
        )
        for t in plan.schema.tables
    )
    return replace(plan.schema, tables=tables)


def announce(plan: Plan, emit: Emit) -> None:
    for warning in plan.warnings:
        emit(events.Warned(None, None, warning))
    for table in plan.tables:
        context = table.context
        emit(
            events.TablePlanned(
                table=str(table.name),
                level=table.level,
                source_rows=table.source_rows,
                train_rows=table.train_rows,
                rows=table.rows,
                kept=table.kept is not None,
                context=str(context.key.ref_table) if context else None,
                strategy=table.strategy,
            )
        )
        for warning in table.warnings:
            emit(events.Warned(str(table.name), None, warning))


def _make_rows(target: Target, filling: Filling) -> dict[TableName, Outcome]:
    emit, spool, kept, finished = filling.emit, filling.job.rows_of(), filling.kept, filling.finished

    def prepared(name: TableName, codes: str) -> None:
        if kept is not None:
            kept.check_codes(finished.get(name), codes)

    def learned(name: TableName, blob: bytes) -> None:
        if kept is not None:  # from our own worker
            kept.keep(pickle.loads(blob), tuple(tasks.outcome[name].warnings), tasks.codes[name])

    def settled(name: TableName, step: str, seconds: float, rows: int) -> None:
        emit(events.StepDone(str(name), STEP_WORDS[step], seconds, rows))
        if step == "train" and (report := tasks.outcome[name].report) is not None:
            log.info(
                "table learned",
                table=str(name),
                strategy=report.strategy,
                fidelity=None if report.fidelity is None else round(report.fidelity, 3),
                steps=report.steps,
                stopped=report.stopped,
            )

    tasks = Tasks(
        filling.job,
        filling.executor,
        steps=filling.steps,
        given={**filling.given, **{name: pickle.dumps(found.learned) for name, found in finished.items()}},
        said={name: found.warnings for name, found in finished.items()},
        prepared=prepared,
        learned=learned,
        load=lambda name: target.load(name, spool.batches(name)),
        started=lambda name, step: emit(events.StepStarted(str(name), STEP_WORDS[step])),
        step=settled,
        extracted=filling.extracted,
    )
    outcomes = tasks.run()
    for name, outcome in outcomes.items():
        for warning in outcome.warnings:
            emit(events.Warned(str(name), None, warning))
    return outcomes


def _timed(step: str, action: Callable[[], T], emit: Emit) -> T:
    emit(events.StepStarted(None, step))
    began = time.monotonic()
    result = action()
    emit(events.StepDone(None, step, time.monotonic() - began, 0))
    return result


def _results(
    plan: Plan, outcomes: Mapping[TableName, Outcome], reports: Mapping[TableName, FitReport]
) -> tuple[events.TableResult, ...]:
    results = []
    for t in plan.tables:
        outcome = outcomes[t.name]
        report = outcome.report or reports.get(t.name)
        results.append(
            events.TableResult(
                table=str(t.name),
                rows=outcome.rows,
                seconds=outcome.seconds,
                strategy=report.strategy if report else "empty",
                fidelity=report.fidelity if report else None,
                kept=t.kept is not None,
                warnings=(*t.warnings, *outcome.warnings),
                stopped=report.stopped if report else "",
            )
        )
    return tuple(results)

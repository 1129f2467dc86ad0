"""The second half of the job without a database at its end: from what was learned to rows in a spool."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import structlog

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.pipeline import work
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.executor import Executor
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.schedule import MAKE, Outcome, Tasks
from dbsynth.pipeline.spool import Spool
from dbsynth.schema.checks import parse_checks
from dbsynth.schema.model import TableName

log = structlog.get_logger("dbsynth")


@contextmanager
def made(
    plan: Plan, learned: Mapping[TableName, Learned], seeds: tuple[int, int], executor: Executor, *, enforce: bool
) -> Iterator[tuple[Spool, Mapping[TableName, Outcome]]]:
    """The rows that ``plan`` asks for, as long as the context lasts. ``seeds``: of the fit, of the rows."""
    spool = Spool.create(uuid.uuid4().hex[:8])
    try:
        for table in plan.tables:
            if table.source_rows == 0 or table.rows == 0:
                known = learned.get(table.name)
                spool.write(table.name, work.empty_table(table, known.codec.cardinalities if known else ()))
        job = work.Job(plan=plan, seed=seeds[0], sample_seed=seeds[1], spool=spool, enforce=enforce)
        yield spool, Tasks(job, executor, steps=MAKE, given=sized(plan, learned)).run()
    finally:
        spool.remove()
        work.forget()


def sized(plan: Plan, learned: Mapping[TableName, Learned]) -> dict[TableName, bytes]:
    """What was learned, for as many rows as ``plan`` asks for, as tasks take it."""
    return {
        name: pickle.dumps(replace(found, plan=replace(found.plan, rows=plan[name].rows)))
        for name, found in learned.items()
    }


def tell_what_is_not_checked(plan: Plan) -> None:
    for table in plan.tables:
        open_ = [c.check.name for c in parse_checks(table.table, plan.sqlglot_dialect) if not c.evaluable]
        if open_ and table.rows:
            log.warning(
                "only a database can evaluate these CHECKs: they are left to the load",
                table=str(table.name),
                checks=open_,
            )


def check_outcomes(plan: Plan, wanted: Mapping[str, int], outcomes: Mapping[TableName, Outcome], enforce: bool) -> None:
    """Warns of what was left out; UnsatisfiableConstraint where a table has other rows than are ``wanted`` of it."""
    for table in plan.tables:
        outcome = outcomes[table.name]
        for said in outcome.warnings:
            log.warning(said, table=str(table.name))
        for constraint, broken in outcome.violations.items():
            rate = round(broken / max(1, table.made_rows), 6)
            log.warning("rows that break a constraint are left out", table=str(table.name),
                        constraint=constraint, rows=broken, rate=rate)  # fmt: skip
        asked = wanted.get(str(table.name))
        if enforce and asked is not None and outcome.rows != asked:
            raise UnsatisfiableConstraint(
                f"{table.name}: {asked:,} rows were asked for, its constraints allow {outcome.rows:,}",
                hint="ask for fewer rows, or pass enforce_constraints=False",
            )

"""The second half of the job without a database at its end: from what was learned to rows in a spool."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from dbsynth.pipeline import work
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.executor import Executor
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.schedule import MAKE, Outcome, Tasks
from dbsynth.pipeline.spool import Spool
from dbsynth.schema.model import TableName


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

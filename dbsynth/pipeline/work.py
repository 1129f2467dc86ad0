"""What a worker process does: prepare, train, generate and patch one table. Arguments and results that carry models
travel between the processes of one run only; nothing here is written to disk but synthetic rows.

The parent process imports this module for the names of the tasks, so what needs torch is imported inside them.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from sqlalchemy.engine import URL

from dbsynth.dialect import Attached, Database, RunInfo, connect
from dbsynth.model.base import Device, FitReport
from dbsynth.pipeline.borrowed import lenders
from dbsynth.pipeline.kinds import above
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.spool import CONTEXT, Made, Spool
from dbsynth.pipeline.work_start import report
from dbsynth.rng import derive
from dbsynth.schema.model import TableName
from dbsynth.schema.types import arrow_type
from dbsynth.translate.target import open_appender, open_target

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Learned
    from dbsynth.pipeline.prepare import Prepared
    from dbsynth.pipeline.rules import Judge
    from dbsynth.pipeline.train import Ancestor


class Origin(Protocol):
    """How a task gets at the source. What opens a database holds its URL in memory and prints without password."""

    def open(self) -> Database: ...


@dataclass(frozen=True)
class UrlOrigin:
    url: URL

    def open(self) -> Database:
        return connect(self.url)


@dataclass(frozen=True)
class Destination:
    """Where rows go, and who may be asked about them on the way: the target's building schemas."""

    url: URL
    run: RunInfo
    source_dialect: str | None
    live: bool = False
    """Rows are appended: the target itself is asked."""

    def open(self, plan: Plan) -> Attached:
        opened = open_appender if self.live else open_target
        target: Attached = opened(connect(self.url), self.source_dialect)
        target.attach(plan.schema, plan.mapping, self.run)
        return target


@dataclass(frozen=True)
class Job:
    """What every task of a run shares. ``seed``: of the fit. A fit needs an ``origin``, making rows a ``spool``.
    ``seconds``: of training a table, instead of ``effort``; ``checkpoints``: the folder of those of each table."""

    plan: Plan
    seed: int
    sample_seed: int = 0
    effort: float = 1.0
    origin: Origin | None = None
    snapshot: str = ""
    spool: Spool | None = None
    destination: Destination | None = None
    enforce: bool = True
    seconds: Mapping[TableName, float] = field(default_factory=dict)
    device: Device = "cpu"
    checkpoints: Path | None = None
    secret: int = field(default=0, repr=False)
    """Of the noise of differential privacy: drawn for each run, told and kept nowhere."""

    def rows_of(self) -> Spool:
        assert self.spool is not None
        return self.spool


@lru_cache(maxsize=1)
def _job(blob: bytes) -> Job:
    job: Job = pickle.loads(blob)  # from our own parent process, through a pipe
    return job


@lru_cache(maxsize=1)
def _source(blob: bytes) -> Database:
    job = _job(blob)
    assert job.origin is not None
    database = job.origin.open()
    database.bind(job.plan.schema)
    return database


@lru_cache(maxsize=1)
def _target(blob: bytes) -> Attached:
    job = _job(blob)
    assert job.destination is not None
    return job.destination.open(job.plan)


def forget() -> None:
    """Let go of what the tasks of a run held in this process."""
    for held in (_job, _source, _target):
        held.cache_clear()


@dataclass(frozen=True)
class PreparedBlobs:
    """``own``: what only the table's training needs; ``shared``: what its descendants' training needs too; ``codes``: a
    digest of how its rows are coded, "" where there are no checkpoints."""

    own: bytes
    shared: dict[TableName, bytes]
    rows: int
    columns: int
    warnings: tuple[str, ...]
    codes: str = ""


def prepare_table(blob: bytes, name: TableName) -> PreparedBlobs:
    from dbsynth.artifact.state import digest_of_state
    from dbsynth.pipeline.prepare import prepare
    from dbsynth.pipeline.train import Ancestor

    job = _job(blob)
    if job.plan.private is not None:
        from dbsynth.pipeline.private import prepare_private

        prepared = prepare_private(
            _source(blob), job.plan, name, seed=derive(job.seed, "fit"), secret=job.secret, snapshot=job.snapshot
        )
    else:
        prepared = prepare(_source(blob), job.plan, name, seed=derive(job.seed, "fit"), snapshot=job.snapshot)
    shared = {
        d.child: pickle.dumps(Ancestor.of(prepared, job.plan[d.child]))
        for d in prepared.plan.degrees
        if d.fill == "context" and job.plan.private is None
    }
    return PreparedBlobs(
        own=pickle.dumps(prepared),
        shared=shared,
        rows=len(prepared.encoded.codes),
        columns=len(prepared.codec.cardinalities),
        warnings=prepared.warnings,
        codes=digest_of_state(prepared.codec.state()) if job.checkpoints else "",
    )


def train_table(blob: bytes, own: bytes, ancestors: Sequence[bytes], codes: str) -> tuple[bytes, FitReport]:
    """``codes``: of the table and its ancestors: what a checkpoint of the training belongs to."""
    from dbsynth.artifact.checkpoint import TrainingCheckpoint
    from dbsynth.pipeline.draft import Learned
    from dbsynth.pipeline.train import train, train_privately

    job = _job(blob)
    prepared: Prepared = pickle.loads(own)
    above: list[Ancestor] = [pickle.loads(a) for a in ancestors]
    name = str(prepared.plan.name)
    seed = derive(job.seed, "fit", job.plan.stream(prepared.plan.name))
    told = lambda share: report(name, "train", round(share * 1000), 1000)  # noqa: E731
    if job.plan.private is not None:
        model = train_privately(prepared, job.plan.private.tables[name], seed=seed, secret=job.secret, progress=told)
    else:
        model = train(
            prepared,
            above,
            seed=seed,
            effort=job.effort,
            seconds=job.seconds.get(prepared.plan.name),
            device=job.device,
            progress=told,
            checkpoint=TrainingCheckpoint.of(job.checkpoints, prepared.plan.name, codes) if job.checkpoints else None,
        )
    learned = Learned(
        plan=prepared.plan,
        codec=prepared.codec,
        model=model,
        generators=prepared.generators,
        clusters=prepared.clusters,
        lattices=prepared.lattices,
        degrees=prepared.degrees,
        lines=prepared.lines,
        null_context=prepared.null_context,
        seen=prepared.seen,
        known=prepared.known,
        lineage=tuple(a.plan.name for a in above),
        siblings=prepared.siblings,
        steps=prepared.steps,
    )
    return pickle.dumps(learned), model.report


@dataclass(frozen=True)
class Generated:
    """``violations``: constraint -> rows that broke it and were dropped, where constraints are not enforced."""

    rows: int
    warnings: tuple[str, ...]
    violations: Mapping[str, int] = field(default_factory=dict)


def generate_table(blob: bytes, learned_blob: bytes) -> Generated:
    """Write the table to the spool."""
    from dbsynth.pipeline.draft import Draft
    from dbsynth.pipeline.parts import write_rows
    from dbsynth.pipeline.rules import Rules

    job = _job(blob)
    learned: Learned = pickle.loads(learned_blob)
    plan, spool = learned.plan, job.rows_of()
    ancestors = [job.plan[n] for n in learned.lineage]
    parents = {n: spool.read(n) for n in dict.fromkeys([*parents_of(job.plan, plan), *(a.name for a in ancestors)])}
    name = str(plan.name)
    draft = Draft(
        job.plan,
        learned,
        parents,
        derive(job.sample_seed, "sample"),
        Rules.of(plan.table, job.plan.sqlglot_dialect, job.plan.now, _judge(blob) if job.destination else None),
        job.enforce,
        progress=lambda rows: report(name, "generate", rows, plan.made_rows),
        standing=spool.standing(plan.name),
    )
    rows = write_rows(draft, ancestors, spool)
    return Generated(rows, tuple(draft.warnings), draft.violations)


def _judge(blob: bytes) -> Judge:
    def judge(table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        return _target(blob).rejected(table, expressions, batch)

    return judge


def patch_table(blob: bytes, name: TableName) -> Generated:
    """Fill the keys of a table that close a cycle, now that the tables they point to are made, and compute the columns
    that are told by rows of other tables."""
    from dbsynth.pipeline.late_blocks import settle_in_blocks
    from dbsynth.pipeline.patch import patch_cycle
    from dbsynth.pipeline.rules import Rules

    job = _job(blob)
    plan, spool = job.plan[name], job.rows_of()
    seed = derive(job.sample_seed, "sample", job.plan.stream(name))
    made, warnings = patch_cycle(plan, spool.read(name), spool.read, seed)
    judge = _judge(blob) if job.destination else None
    rules = Rules.of(plan.table, job.plan.sqlglot_dialect, job.plan.now, judge)
    write = partial(spool.write_patched, name, made.rows.schema)
    more = settle_in_blocks(job.plan, plan, made, spool.final, rules, seed, write)
    return Generated(made.rows.num_rows - made.standing, tuple(warnings + more))


def parents_of(plan: Plan, table: TablePlan) -> list[TableName]:
    """The tables that must be made before ``table``: those that its keys point to, and those above them by which their
    rows are told apart."""
    keys = [k for k in table.keys if k.fill not in ("self", "cycle", "dropped")]
    uppers = [above(plan, plan[k.key.ref_table]) for k in keys if k.fill == "cluster"]
    return [k.key.ref_table for k in keys] + [u.name for u in uppers if u is not None] + lenders(plan, table)


def lineage(plan: Plan, table: TablePlan, depth: int = 3) -> list[TablePlan]:
    """The context parent, its own context parent and so on, nearest first, as far as they have rows to learn from and
    to point to."""
    out: list[TablePlan] = []
    if plan.private is not None:  # rows that see other rows would tell of them
        return out
    current = table
    while current.context is not None and len(out) < depth:
        current = plan[current.context.key.ref_table]
        if current.source_rows == 0 or current.rows == 0:
            break
        out.append(current)
    return out


def empty_table(plan: TablePlan, cardinalities: tuple[int, ...] = ()) -> Made:
    """A table without rows, in the form in which its children expect it. ``cardinalities``: of its codes, where it was
    learned."""
    fields = [(c.name, arrow_type(c.type)) for c in plan.table.stored_columns]
    stored = len(fields)
    fields += [(d.column, pa.int64()) for d in plan.degrees] + [(CONTEXT, pa.int64())]
    return Made(pa.schema(fields).empty_table(), np.zeros((0, len(cardinalities)), np.int32), 0, cardinalities, stored)
